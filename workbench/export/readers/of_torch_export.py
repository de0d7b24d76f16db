"""Runs a .pt2 file with PyTorch alone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch


def main(program_file: str, batches_file: str, outputs_file: str) -> None:
    """Runs all batches."""
    with open(program_file, "rb") as file:  # noqa: PTH123  as anyone would
        run = torch.export.load(file).module()
    batches: dict[str, dict[str, Any]] = {}
    with np.load(batches_file) as arrays:
        for key, array in arrays.items():
            number, _, name = key.partition(":")
            batches.setdefault(number, {})[name] = torch.from_numpy(array)
    with torch.no_grad():
        outputs = {number: run(batch.get("", batch)).numpy() for number, batch in batches.items()}
    if "workbench" in sys.modules:
        sys.exit("the program needs workbench")
    np.savez(outputs_file, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
