"""An example of every choice of the family `data`, small enough for a moment: what the tests of all sources read.

A new choice needs one entry in EXAMPLES; the tests of all sources fail until it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from workbench.data.docstrings import LEAST, PACKAGES
from workbench.data.spoken_digits import FOLDER
from workbench.settings.data import DATA
from workbench.settings.data_choice import DataChoice

Example = Callable[[Path, pytest.MonkeyPatch], dict[str, Any]]
"""Makes files in a folder, and gives the settings of the choice."""


class SmallSet:
    """What stands for a data set of torchvision's."""

    classes = ("zero", "one", "two")

    def __init__(self, root: Path, *, train: bool, download: bool) -> None:
        count = 30 if train else 12
        self.data = np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        self.targets = [index % 3 for index in range(count)]


def torchvision(class_name: str) -> Example:
    def example(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
        patch.setattr(f"torchvision.datasets.{class_name}", SmallSet)
        return {"folder": str(folder)}

    return example


def bundled(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    return {}


def images(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    for shade, name in enumerate(("cat", "dog")):
        (folder / "images" / name).mkdir(parents=True)
        for index in range(12):
            Image.new("RGB", (6, 4), (shade * 100, index, 0)).save(folder / "images" / name / f"{index}.png")
    return {"folder": str(folder / "images")}


def sound(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(1600) / 8000
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * (300 + 10 * number) * times), 8000)


SOUND = {"sample_rate": 8000, "mels": 8, "low_hz": 100.0}


def sound_folder(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    for number in range(24):
        sound(folder / "sounds" / ("high" if number >= 12 else "low") / f"{number}.wav", number)
    return {"folder": str(folder / "sounds"), **SOUND}


def sound_table(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    rows = ["file,pitch,speaker"]
    for number in range(24):
        sound(folder / f"{number}.wav", number)
        rows.append(f"{number}.wav,{300.5 + 10 * number},s{number // 3}")
    (folder / "sounds.csv").write_text("\n".join(rows))
    return {"file": str(folder / "sounds.csv"), "target": "pitch", "group": "speaker", **SOUND}


def spoken_digits(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Tones in place of the files that espeak-ng would make."""
    patch.setattr("workbench.data.spoken_digits.ACCENTS", ("en-us",))
    patch.setattr("workbench.data.spoken_digits.SPEAKERS", ("m1", "m2", "f1", "f2"))
    for digit in range(10):
        for number, speaker in enumerate(("m1", "m2", "f1", "f2")):
            sound(folder / FOLDER / str(digit) / f"en-us+{speaker}.flac", 10 * digit + number)
    return {"folder": str(folder), **SOUND}


def table(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    rows = (f"{number / 7:.3f},{'red' if number % 3 else 'blue'},{number / 3:.2f}" for number in range(30))
    (folder / "t.csv").write_text("\n".join(["a,color,y", *rows]))
    return {"file": str(folder / "t.csv"), "target": "y"}


WORDS = ("sun", "moon", "star", "Sky", "naïve", "👍🏽", "don't")


def texts(count: int) -> list[str]:
    """Short texts, one of them empty."""
    return [
        " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 2 + number % 5)) if number else ""
        for number in range(count)
    ]


def text_table(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    rows = [{"text": text, "y": "ab"[number % 2]} for number, text in enumerate(texts(40))]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return {"file": str(folder / "t.jsonl"), "target": "y"}


def text_folder(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    for number, text in enumerate(texts(40)):
        file = folder / "texts" / "ab"[number % 2] / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return {"folder": str(folder / "texts"), "tokens": "bpe", "vocabulary": 300}


def text_file(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    (folder / "long.txt").write_text("\n".join(texts(200)))
    return {"file": str(folder / "long.txt"), "context": 16}


def docstrings(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Small packages in place of the installed ones, which would take a second each time."""
    for package in PACKAGES:
        (folder / package).mkdir()
        functions = (f'def f{n}():\n    """Does thing {n} as only {package}{n} does."""\n' for n in range(LEAST))
        (folder / package / "functions.py").write_text("\n".join(functions))
    patch.setattr("workbench.data.docstrings._folder", lambda name, module: folder / name)
    return {}


def arrays(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    x = np.random.default_rng(0).integers(0, 256, (30, 5, 5, 3), dtype=np.uint8)
    np.savez(folder / "a.npz", x_train=x, y_train=np.arange(30) % 3, x_test=x[:6], y_test=np.arange(6) % 3)
    return {"file": str(folder / "a.npz")}


def own(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    x = np.random.default_rng(0).normal(size=(40, 3))
    patch.setattr("workbench.settings.code.call", lambda name, **arguments: (x, np.arange(40) % 2))
    return {"function": "mine:data"}


EXAMPLES: dict[str, Example] = {
    "digits": bundled,
    "iris": bundled,
    "wine": bundled,
    "breast_cancer": bundled,
    "diabetes": bundled,
    "mnist": torchvision("MNIST"),
    "fashion_mnist": torchvision("FashionMNIST"),
    "kmnist": torchvision("KMNIST"),
    "cifar10": torchvision("CIFAR10"),
    "cifar100": torchvision("CIFAR100"),
    "svhn": torchvision("SVHN"),
    "image_folder": images,
    "audio_folder": sound_folder,
    "audio_table": sound_table,
    "spoken_digits": spoken_digits,
    "csv": table,
    "docstrings": docstrings,
    "text_table": text_table,
    "text_folder": text_folder,
    "topics": bundled,
    "text_file": text_file,
    "npz": arrays,
    "module": own,
}


def settings_of(label: str, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The table `data` of a preset that reads the example."""
    return {"name": label, "batch_size": 4, **EXAMPLES[label](folder, patch)}


def choice_of(settings: dict[str, Any]) -> DataChoice:
    """The choice with these settings."""
    choice = DATA.choice(settings["name"])
    assert choice is not None
    made = choice.model_validate(settings)
    assert isinstance(made, DataChoice)
    return made
