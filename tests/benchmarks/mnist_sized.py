"""Data of MNIST's size: the real files where there are some, else noise in the same format."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

RAW = Path("MNIST") / "raw"
_SPLITS = {"train": 60_000, "t10k": 10_000}


def mnist_folder(scratch: Path) -> tuple[Path, bool]:
    """A folder with MNIST's four files, and whether they are the real ones.

    Real: in WORKBENCH_DATA or ../shared/data. Otherwise noise with learnable labels is written to `scratch`.
    """
    for candidate in (os.environ.get("WORKBENCH_DATA"), Path(__file__).parents[3] / "shared" / "data"):
        if candidate and (Path(candidate) / RAW / "train-images-idx3-ubyte").exists():
            return Path(candidate).resolve(), True
    write_noise(scratch)
    return scratch, False


def write_noise(folder: Path, samples: dict[str, int] | None = None) -> None:
    """Writes idx files of random images; the label is the brightest of ten stripes."""
    (folder / RAW).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for split, count in (samples or _SPLITS).items():
        images = random.integers(0, 200, (count, 28, 28), dtype=np.uint8)
        labels = random.integers(0, 10, count, dtype=np.uint8)
        for label in range(10):
            images[labels == label, 2 * label : 2 * label + 2] += 55
        (folder / RAW / f"{split}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, count, 28, 28) + images.tobytes()
        )
        (folder / RAW / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
