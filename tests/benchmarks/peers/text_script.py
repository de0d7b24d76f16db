"""What people write first for texts: PyTorch's own tutorial, a DataLoader whose collate function tokenizes and pads.

None of our code. `python text_script.py FOLDER EPOCHS SEED` trains on FOLDER/train.jsonl, whose lines hold text and
target, and prints the seconds of each epoch's training and then the accuracy on FOLDER/test.jsonl, a line of JSON each.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
LONGEST, WIDTH, CHANNELS, WINDOWS = 40, 128, 128, (1, 2, 3)
EMBEDDING_STD = 0.1
Row = tuple[str, int]


def read(file: Path, classes: list[str]) -> list[Row]:
    """Texts and class numbers; new classes are added to the list."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    classes += sorted({row["target"] for row in rows} - set(classes))
    return [(row["text"], classes.index(row["target"])) for row in rows]


def word_ids(rows: list[Row]) -> dict[str, int]:
    """The number of each word; 0 is padding, 1 an unknown word."""
    counts = Counter(word for text, _ in rows for word in WORD.findall(text.lower()))
    return {word: number for number, (word, _) in enumerate(counts.most_common(), 2)}


def make_collate(ids: dict[str, int]) -> Callable[[list[Row]], tuple[Tensor, Tensor]]:
    """Makes batches of padded ids."""

    def collate(batch: list[Row]) -> tuple[Tensor, Tensor]:
        texts = [torch.tensor([ids.get(word, 1) for word in WORD.findall(text.lower())[:LONGEST]]) for text, _ in batch]
        return pad_sequence(texts, batch_first=True).long(), torch.tensor([label for _, label in batch])

    return collate


class Network(nn.Module):
    """Parallel convolutions over the words' vectors, and the maximum of each channel (Kim, 2014)."""

    def __init__(self, words: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words + 2, WIDTH, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight.mul_(EMBEDDING_STD)  # from 1
        self.convolutions = nn.ModuleList(nn.Conv1d(WIDTH, CHANNELS, window, padding="same") for window in WINDOWS)
        self.dropout, self.classifier = nn.Dropout(0.5), nn.Linear(CHANNELS * len(WINDOWS), classes)

    def forward(self, ids: Tensor) -> Tensor:
        vectors = self.embedding(ids).transpose(1, 2)
        found = [convolution(vectors).relu().amax(2) for convolution in self.convolutions]
        scores: Tensor = self.classifier(self.dropout(torch.cat(found, 1)))
        return scores


def main(folder: str, epochs: int, seed: int) -> None:
    """Trains it."""
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    classes: list[str] = []
    train = read(Path(folder) / "train.jsonl", classes)
    test = read(Path(folder) / "test.jsonl", classes)
    ids_of_words = word_ids(train)
    collate = make_collate(ids_of_words)
    loader: DataLoader[Row] = DataLoader(train, batch_size=64, shuffle=True, collate_fn=collate)  # type: ignore[arg-type]
    model = Network(len(ids_of_words), len(classes)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.002, total_steps=epochs * len(loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(epochs):
        started = time.perf_counter()
        total = 0.0
        for ids, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(ids.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    model.eval()
    hits = 0
    with torch.no_grad():
        for ids, labels in DataLoader(test, batch_size=500, collate_fn=collate):  # type: ignore[arg-type]
            hits += (model(ids.to(device)).argmax(dim=1).cpu() == labels).sum().item()
    print(json.dumps({"accuracy": hits / len(test)}))


if __name__ == "__main__":
    main(sys.argv[1], *(int(number) for number in sys.argv[2:]))
