"""Predicts with a .safetensors file alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.data.inputs import RAW_TEXT
from workbench.export.safetensors_file import load_safetensors


def main(model_file: str, batches_file: str, outputs_file: str) -> None:
    """Runs all batches; texts come as JSON in bytes."""
    trained = load_safetensors(Path(model_file))
    batches: dict[str, dict[str, Any]] = {}
    with np.load(batches_file) as arrays:
        for key, array in arrays.items():
            number, _, name = key.partition(":")
            batch = json.loads(array.tobytes()) if trained.raw == RAW_TEXT else torch.from_numpy(array)
            batches.setdefault(number, {})[name] = batch
    outputs = {number: trained(batch.get("", batch)).numpy() for number, batch in batches.items()}
    np.savez(outputs_file, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
