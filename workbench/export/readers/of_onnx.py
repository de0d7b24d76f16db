"""Runs an .onnx file with onnxruntime alone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnxruntime


def main(model_file: str, batches_file: str, outputs_file: str) -> None:
    """Runs all batches."""
    session = onnxruntime.InferenceSession(model_file, providers=["CPUExecutionProvider"])
    only = session.get_inputs()[0].name
    batches: dict[str, dict[str, Any]] = {}
    with np.load(batches_file) as arrays:
        for key, array in arrays.items():
            number, _, name = key.partition(":")
            batches.setdefault(number, {})[name or only] = array
    outputs = {number: session.run(None, batch)[0] for number, batch in batches.items()}
    if found := {"torch", "workbench"} & sys.modules.keys():
        sys.exit(f"the model needs {' and '.join(sorted(found))}")
    np.savez(outputs_file, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
