"""Runs a script as somebody without workbench would: `python alone.py SCRIPT STEPS [CHECKPOINT]`, by its path.

Prints one line of JSON: the loss of each step, what each epoch ended with, and how far the weights are from those of
the checkpoint. It imports nothing of workbench.
"""

import contextlib
import importlib.util
import json
import os
import sys
import threading
from typing import Any


def main(script: str, steps: str, checkpoint: str = "") -> int:
    """Trains that many steps, or to the end where they are 0.

    checkpoint: whose weights those at the end are compared with.
    """
    threading.Thread(target=_end_with_input, daemon=True).start()
    spec = importlib.util.spec_from_file_location("script", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with contextlib.redirect_stdout(sys.stderr):
        spec.loader.exec_module(module)
        model, losses, epochs = module.train(int(steps) or None)
    result: dict[str, Any] = {"losses": losses, "epochs": epochs, "difference": None}
    if checkpoint:
        result["difference"] = _largest_difference(model, checkpoint)
    result["has_gpu"] = sys.modules["torch"].cuda.is_available()
    result["torch"] = sys.modules["torch"].__version__
    result["workbench"] = any(name.partition(".")[0] == "workbench" for name in sys.modules)
    print(json.dumps(result))
    return 0


def _end_with_input() -> None:
    """Ends the process when its standard input ends: whoever started it has ended."""
    # Not by sys.stdin, whose lock must be free when Python ends.
    os.read(0, 1)
    os._exit(1)


def _largest_difference(model: Any, checkpoint: str) -> float:
    import torch

    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    own = model.state_dict()
    if list(own) != list(weights):
        return float("inf")
    pairs = [(own[name].double(), weights[name].double()) for name in own if own[name].numel()]
    return max((float((one - other).abs().max()) for one, other in pairs), default=0.0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
