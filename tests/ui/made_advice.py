"""Made findings, and a process that answers a trial at once, or never."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.advice.finding import Finding
from workbench.ui import trial

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
)
NOTHING_TO_SET = Finding(
    rule="class-imbalance",
    severity="note",
    title="classes differ in size",
    fact="the largest class has 40 times the samples of the smallest",
    threshold="10 times",
    source="He and Garcia, 2009",
    advice="Look at F1 of each class, not at accuracy.",
)
ABSTAINED = [("gpu-idle", "the share of time that the GPU was busy"), ("dead-units", "the share of active units")]

ANSWER = {
    "present": {
        "engine": "graph", "steps": 980, "step_ms": 2.05, "samples_per_second": 31_200.0, "loss": 0.38,
        "peak_bytes": 64_000_000,
    },
    "changed": {
        "engine": "graph", "steps": 640, "step_ms": 3.21, "samples_per_second": 159_000.0, "loss": 0.41,
        "peak_bytes": 97_500_000,
    },
    "ratio": 5.1, "ratio_low": 4.9, "ratio_high": 5.3, "turns": 8, "loss_samples": 20_000, "same_loss": True,
}  # fmt: skip


def make_findings(
    monkeypatch: pytest.MonkeyPatch, found: Sequence[Finding], abstained: Sequence[tuple[str, str]] = ()
) -> None:
    """From now on these are found in every run."""
    monkeypatch.setattr("workbench.advice.rules.findings", lambda facts: list(found))
    monkeypatch.setattr("workbench.advice.rules.abstained", lambda facts: list(abstained))


def fake_trial(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: dict[str, Any] | str | None = None) -> Path:
    """A process in the trial's place. It notes what it is asked, and gives the answer; "": dies, "never": does not.

    Returns the file with the lines that it has read.
    """
    asked = folder / "asked"
    told = answer if isinstance(answer, str) else json.dumps(ANSWER if answer is None else answer)
    program = (
        "import os, sys, time\n"
        f"asked = open({str(asked)!r}, 'w')\n"
        "asked.write(f'{os.getpid()}\\n')\n"
        "for _ in range(2):\n"
        "    asked.write(sys.stdin.readline())\n"
        "    asked.flush()\n"
        f"told = {told!r}\n"
        "time.sleep(1000 if told == 'never' else 0)\n"
        "print('something that a library prints')\n"
        "print(told)\n"
    )
    monkeypatch.setattr(trial, "COMMAND", (sys.executable, "-c", program))
    return asked
