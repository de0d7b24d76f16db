"""Real handwritten digits in MNIST's format and size: MNIST where its files are, else the bundled digits, enlarged."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

RAW = Path("MNIST") / "raw"
TRAIN, TEST = 60_000, 10_000
_HELD_OUT = 360
"""Of the 1,797 bundled digits, this many are seen in the test files alone."""


def mnist_folder(scratch: Path) -> tuple[Path, str]:
    """A folder with MNIST's four files, and what they hold.

    Real: in WORKBENCH_DATA or ../shared/data. Otherwise the bundled digits are written to `scratch`.
    """
    for candidate in (os.environ.get("WORKBENCH_DATA"), Path(__file__).parents[3] / "shared" / "data"):
        if candidate and (Path(candidate) / RAW / "train-images-idx3-ubyte").exists():
            return Path(candidate).resolve(), "real MNIST"
    write_enlarged_digits(scratch)
    return scratch, "bundled digits, enlarged to the size of MNIST"


def write_enlarged_digits(folder: Path, train: int = TRAIN, test: int = TEST) -> None:
    """Writes scikit-learn's 8 × 8 digits as MNIST's were made: 20 × 20 pixels, somewhere within 28 × 28."""
    import torch
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(pixels).reshape(-1, 1, 8, 8) * (255 / 16)
    large = torch.nn.functional.interpolate(small, size=(20, 20), mode="bilinear").squeeze(1).byte().numpy()
    random = np.random.default_rng(0)
    known = len(labels) - _HELD_OUT
    for split, chosen in (
        ("train", random.integers(0, known, train)),
        ("t10k", random.integers(known, len(labels), test)),
    ):
        images = np.zeros((len(chosen), 28, 28), np.uint8)
        places = random.integers(0, 81, len(chosen))
        for place in range(81):
            top, left = divmod(place, 9)
            images[places == place, top : top + 20, left : left + 20] = large[chosen[places == place]]
        _write(folder, split, images, labels[chosen].astype(np.uint8))


def first_samples(folder: Path, scratch: Path, samples: int) -> Path:
    """A folder with MNIST's four files that hold only the first `samples` images for training."""
    name = f"first-{samples}"
    for split in ("train", "t10k"):
        images = np.frombuffer((folder / RAW / f"{split}-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
        labels = np.frombuffer((folder / RAW / f"{split}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
        _write(scratch / name, split, images.reshape(-1, 28, 28)[:samples], labels[:samples])
    return scratch / name


def _write(folder: Path, split: str, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    """The two idx files of a split."""
    raw, count = folder / RAW, len(labels)
    raw.mkdir(parents=True, exist_ok=True)
    (raw / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, 28, 28) + images.tobytes())
    (raw / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
