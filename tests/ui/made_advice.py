"""Made findings, and a process that answers a comparison at once, or never."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.advice.finding import Finding
from workbench.processes import comparison_process

LAUNCH_BOUND = Finding(
    rule="launch-bound",
    severity="warning",
    title="launch-bound",
    fact="neither data nor arithmetic takes 38 % of a step",
    threshold="10 % warns, 20 % is critical",
    source="TraceML's step-time diagnosis",
    advice="Larger batches give each launch more to do.",
    change=("data.batch_size=512",),
)
TOO_FAST = Finding(
    rule="loss-rising",
    severity="critical",
    title="loss rises",
    fact="the loss rose by 12 % over the last 3 epochs",
    threshold="a rise over 3 epochs",
    source="measured on the bundled presets",
    advice="A smaller learning rate keeps the steps within the valley.",
    change=("optimizer.learning_rate=0.001",),
    learning_rate=0.001,
    measure="validation_loss",
    steps=1200,
)
OVERFIT = Finding(
    rule="overfitting",
    severity="warning",
    title="overfitting",
    fact="the validation loss has risen by 30 %, from 0.08 at step 480 to 0.104, while the training loss fell",
    threshold="10 % warns, 50 % is critical",
    source="Prechelt, 1998",
    advice="Dropout, weight decay or a smaller model help.",
    change=("model.dropout=0.2",),
    measure="validation_loss",
    steps=960,
)
STOP_EARLY = Finding(
    rule="loss-not-falling",
    severity="note",
    title="loss stands still",
    fact="over the last ten epochs' worth of steps the training loss went from 0.0301 to 0.03",
    threshold="less than 1 % lower over 10 epochs",
    source="the patience of PyTorch's ReduceLROnPlateau",
    advice="The training has converged: stop here.",
    change=("training.early_stopping_patience=5",),
    measure=None,
)
RATE_ONLY = Finding(
    rule="spike",
    severity="warning",
    title="loss spike",
    fact="the loss rose tenfold within a step",
    threshold="a tenfold rise",
    source="Goyal et al., 2017",
    advice="A smaller learning rate avoids it.",
    learning_rate=0.002,
    measure=None,
)
NOTHING_TO_SET = Finding(
    rule="class-imbalance",
    severity="note",
    title="classes differ in size",
    fact="the largest class has 40 times the samples of the smallest",
    threshold="10 times",
    source="He and Garcia, 2009",
    advice="Look at F1 of each class, not at accuracy.",
    measure=None,
)
ABSTAINED = [("gpu-idle", "the fraction of time that the GPU was busy"), ("dead-units", "the fraction of active units")]

ANSWER: dict[str, Any] = {
    "measure": "speed",
    "present": {
        "engine": "cuda_graph", "steps": 980, "samples_per_second": 31_200.0, "peak_bytes": 64_000_000,
        "lowest_loss": None, "lowest_after": None, "loss": None, "f1": None, "fraction": None,
    },
    "changed": {
        "engine": "cuda_graph", "steps": 640, "samples_per_second": 159_000.0, "peak_bytes": 97_500_000,
        "lowest_loss": None, "lowest_after": None, "loss": None, "f1": None, "fraction": None,
    },
    "ratio": 5.096, "ratio_low": 4.9, "ratio_high": 5.3, "rounds": 8, "samples": 62_720, "epochs": 48.3,
    "validation_samples": 0, "same_loss": True, "difference_low": None, "difference_high": None,
}  # fmt: skip
LEARNED: dict[str, Any] = ANSWER | {
    "measure": "validation_loss",
    "present": ANSWER["present"] | {"lowest_loss": 0.0812, "lowest_after": 30_720, "loss": 0.0981, "steps": 960},
    "changed": ANSWER["changed"]
    | {"lowest_loss": 0.0716, "lowest_after": 61_440, "loss": 0.0716, "steps": 960, "samples_per_second": 30_264.0,
       "peak_bytes": 64_000_000},
    "ratio": 0.97, "ratio_low": 0.95, "ratio_high": 1.01, "rounds": 10, "samples": 61_440,
    "validation_samples": 229, "difference_low": -0.0131, "difference_high": -0.0061,
}  # fmt: skip


def make_findings(
    monkeypatch: pytest.MonkeyPatch, found: Sequence[Finding], abstained: Sequence[tuple[str, str]] = ()
) -> None:
    """From now on these are found in every run."""
    monkeypatch.setattr("workbench.advice.rules.findings", lambda facts: list(found))
    monkeypatch.setattr("workbench.advice.rules.abstained", lambda facts: list(abstained))


def fake_comparison(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: dict[str, Any] | str | None = None) -> Path:
    """A process in its place. It notes what it is asked, and gives the answer; "": dies, "never": does not.

    Returns the file with the lines that it has read.
    """
    asked = folder / "asked"
    printed = answer if isinstance(answer, str) else json.dumps(ANSWER if answer is None else answer)
    progress = [
        json.dumps({"progress": {"doing": "measuring", "round": number, "rounds": 8, "seconds_left": 12.0 - number}})
        for number in (1, 3)
    ]
    program = (
        "import os, sys, time\n"
        f"asked = open({str(asked)!r}, 'w')\n"
        "asked.write(f'{os.getpid()}\\n')\n"
        "for _ in range(2):\n"
        "    asked.write(sys.stdin.readline())\n"
        "    asked.flush()\n"
        f"printed = {printed!r}\n"
        f"print({progress[0]!r}); print({progress[1]!r}, flush=True)\n"
        "time.sleep(1000 if printed == 'never' else 0)\n"
        "print('something that a library prints')\n"
        "print(printed)\n"
    )
    monkeypatch.setattr(comparison_process, "COMMAND", (sys.executable, "-c", program))
    return asked
