"""How a script reads recordings and makes log-mel spectrograms of them."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.part import Code, Part
from workbench.export.script.templates import fill
from workbench.export.script.written import literal, pattern_literal
from workbench.settings.audio_data import AudioFolder, Sounds, SpokenDigits
from workbench.settings.preset import Preset

READ = '''
def read_sound(path: Path) -> Tensor:
    """The beginning of a recording, one channel at RATE in 16 bits: int16 (LENGTH,), padded with silence."""
    with soundfile.SoundFile(path) as file:
        read, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    wave = read[:, 0] if read.shape[1] == 1 else read.mean(axis=1)
    if rate != RATE:
        divisor = math.gcd(rate, RATE)
        wave = resample_poly(wave, RATE // divisor, rate // divisor).astype(np.float32)
    sound = torch.zeros(LENGTH, dtype=torch.int16)
    wave = wave[:LENGTH]
    sound[: len(wave)] = torch.from_numpy((wave * 32768).round().clip(-32768, 32767).astype(np.int16))
    return sound


def load_data() -> dict[str, Split]:
    """The recordings of FOLDER/<class>/, and the numbers of their classes."""
    sounds: dict[str, tuple[list[Tensor], list[int]]] = {}
    for target, name in enumerate(CLASSES):
        for path in sorted((FOLDER / name).glob("[!.]*")):
            if path.suffix.lower() in SUFFIXES:
                speaker = re.search(SPEAKER, path.name)[1]  # who is heard in one split only  #? groups
                split = next((split for split, names in HELD_OUT.items() if speaker in names), "train")  #? groups
                waves, targets = sounds.setdefault(split, ([], []))  #? groups
                waves, targets = sounds.setdefault("train", ([], []))  #? !groups
                waves.append(read_sound(path))
                targets.append(target)
    return {name: (torch.stack(waves), torch.tensor(targets)) for name, (waves, targets) in sounds.items()}
'''

LOG_MEL = '''
def mel_of(hertz: float) -> float:
    """The mel scale of HTK."""
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def mel_bank() -> Tensor:
    """Triangular bands that are equally wide in mel: float32 (frequencies, MELS)."""
    frequencies = torch.linspace(0, RATE / 2, FFT // 2 + 1, dtype=torch.float64).unsqueeze(1)
    edges = torch.linspace(mel_of(LOW_HZ), mel_of(HIGH_HZ), MELS + 2, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - low) / (peak - low), (high - frequencies) / (high - peak)
    return torch.minimum(rising, falling).clamp(min=0).float()


def log_mel(waves: Tensor) -> Tensor:
    """Logarithms of the power in mel bands, (n, 1, MELS, frames)."""
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(waves.float() / 32768, FFT, HOP, WINDOW, window, pad_mode="constant", return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    return (power.transpose(1, 2) @ mel_bank() + 1e-6).log().transpose(1, 2).unsqueeze(1).contiguous()


def measure(waves: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each band, in float64, of at most 2,048 recordings."""
    some = min(len(waves), 2048)
    shift = log_mel(waves[:1]).double()[:, :, :, :1].transpose(1, 2)
    total = squares = torch.zeros((), dtype=torch.float64)
    count = 0
    for indices in torch.tensor([number * len(waves) // some for number in range(some)]).split(AT_ONCE):
        values = log_mel(waves[indices]).transpose(1, 2).double() - shift
        total = total + values.sum((0, 2, 3), keepdim=True)
        squares = squares + values.square().sum((0, 2, 3), keepdim=True)
        count += values.numel() // MELS
    offset = total / count
    std = (squares / count - offset.square()).clamp(min=0).sqrt()
    std = torch.where(std > 0, std, 1.0)
    return (shift + offset).transpose(1, 2).float(), std.transpose(1, 2).float()


def encode(waves: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Standardised spectrograms, (n, 1, MELS, frames)."""
    return torch.cat([(log_mel(part) - mean) / std for part in waves.split(AT_ONCE)])
'''


def sounds_part(preset: Preset, facts: Facts) -> Part:
    """A folder of recordings, one folder a class."""
    data, sounds, folder = preset.data, facts.sounds, facts.folder
    assert isinstance(data, AudioFolder | SpokenDigits)
    assert sounds is not None
    assert folder is not None
    settings: list[tuple[str, object]] = [
        ("FOLDER", Code(f"Path({literal(sounds.folder)})")),
        ("CLASSES", facts.classes),
        ("SUFFIXES", tuple(folder.suffixes)),
        ("RATE", data.sample_rate),
        ("LENGTH", sounds.length),
    ]
    settings += [("SPEAKER", Code(pattern_literal(sounds.speaker))), ("HELD_OUT", sounds.held_out)] * facts.is_grouped
    imports = ["import math", "import numpy as np", "import soundfile", "from pathlib import Path"]
    imports += ["from scipy.signal import resample_poly"] + ["import re"] * facts.is_grouped
    return Part(fill(READ, {"groups": facts.is_grouped}), tuple(imports), tuple(settings))


def spectrograms_part(preset: Preset, facts: Facts) -> Part:
    """Functions that make spectrograms; `use` of the part: the lines that encode `splits`."""
    data, sounds = preset.data, facts.sounds
    assert isinstance(data, Sounds)
    assert sounds is not None
    if data.encoding != "log_mel" or data.normalize != "standard":
        raise UsageError(
            f'--to script cannot make data.encoding = "{data.encoding}" with data.normalize = "{data.normalize}"; '
            "it makes standardised log-mel spectrograms"
        )
    settings = (
        *(("WINDOW", sounds.window), ("HOP", sounds.hop), ("FFT", sounds.fft), ("MELS", data.mels)),
        *(("LOW_HZ", data.low_hz), ("HIGH_HZ", data.high_hz or data.sample_rate / 2), ("AT_ONCE", sounds.at_once)),
    )
    lines = (
        'mean, std = measure(splits["train"][0])\n'
        "for name, (waves, targets) in splits.items():\n"
        "    splits[name] = (encode(waves, mean, std), targets)"
    )
    return Part(fill(LOG_MEL), ("import math",), settings, lines)
