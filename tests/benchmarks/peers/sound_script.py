"""What people write first for sounds: a Dataset that reads a file and makes its spectrogram, a DataLoader with workers.

As in torchaudio's tutorials, but with soundfile and `torch.stft`, because torchaudio is no longer made. None of our
code. `python sound_script.py FOLDER EPOCHS SEED` trains on FOLDER/train/<class>/*.flac and prints the seconds of each
epoch's training and then the accuracy on FOLDER/test, a line of JSON each.
"""

import json
import sys
import time
from pathlib import Path

import soundfile
import torch
from scipy.signal import resample_poly
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

RATE, WINDOW, HOP, MELS, FFT = 16_000, 400, 160, 64, 512
SAMPLES = 13_460


def mel_filters() -> Tensor:
    """Triangles at equal distances in mel, (frequencies, MELS)."""
    top = 2595 * torch.log10(torch.tensor(1 + RATE / 2 / 700))
    points = 700 * (10 ** (torch.linspace(0, float(top), MELS + 2) / 2595) - 1)
    frequencies = torch.linspace(0, RATE / 2, FFT // 2 + 1).unsqueeze(1)
    up = (frequencies - points[:-2]) / (points[1:-1] - points[:-2])
    down = (points[2:] - frequencies) / (points[2:] - points[1:-1])
    return torch.minimum(up, down).clamp(min=0)


class Sounds(Dataset[tuple[Tensor, int]]):
    """Spectrograms of the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*/*.flac"))
        self.classes = sorted({file.parent.name for file in self.files})
        self.filters, self.window = mel_filters(), torch.hann_window(WINDOW)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        file = self.files[index]
        wave, rate = soundfile.read(file, dtype="float32")
        wave = torch.from_numpy(resample_poly(wave, RATE, rate).astype("float32"))[:SAMPLES]
        wave = nn.functional.pad(wave, (0, SAMPLES - len(wave)))
        spectrum = torch.stft(wave, FFT, HOP, WINDOW, self.window, pad_mode="constant", return_complex=True)
        log_mel = (spectrum.abs().square().T @ self.filters + 1e-6).log().T
        return log_mel.unsqueeze(0), self.classes.index(file.parent.name)


class Network(nn.Module):
    """Three convolutions, and the mean over time."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm2d(1)]
        before = 1
        for after in (16, 32, 64):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            before = after
        self.features, self.classifier = nn.Sequential(*layers), nn.Linear(64 * MELS // 8, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(x).mean(3).flatten(1))
        return scores


def main(folder: str, epochs: int, seed: int) -> None:
    """Trains it."""
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train, test = Sounds(Path(folder) / "train"), Sounds(Path(folder) / "test")
    loader = DataLoader(train, batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)
    model = Network(len(train.classes)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.003, total_steps=epochs * len(loader))
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        started = time.perf_counter()
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    model.eval()
    hits = 0
    with torch.no_grad():
        for inputs, labels in DataLoader(test, batch_size=100):
            hits += (model(inputs.to(device)).argmax(dim=1).cpu() == labels).sum().item()
    print(json.dumps({"accuracy": hits / len(test)}))


if __name__ == "__main__":
    main(sys.argv[1], *(int(number) for number in sys.argv[2:]))
