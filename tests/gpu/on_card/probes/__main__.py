"""Runs probes: `python -m tests.gpu.on_card.probes NAME ...`; without names it lists them.

A line that a probe reports begins with PROBE; FAULT in it means that what was suspected is so. DEVICE=cpu runs what can
be run without a card.
"""

from __future__ import annotations

import os
import sys
import traceback

import torch

from tests.gpu.on_card.probes import PROBES
from tests.gpu.on_card.probes.probe import Needs


def main() -> int:
    """Runs the probes that are named; returns the exit code."""
    names = sys.argv[1:]
    if not names:
        print(" ".join(PROBES))
        return 0
    device = torch.device(os.environ.get("DEVICE", "cuda"))
    for name in names:

        def report(text: str, name: str = name) -> None:
            print(f"PROBE {name}: {text}", flush=True)

        try:
            PROBES[name](device, report)
        except Needs as missing:
            report(f"needs {missing}")
        except Exception as error:
            report(f"broke off: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}")
            traceback.print_exc()
    return 0


if __name__ == "__main__":
    sys.exit(main())
