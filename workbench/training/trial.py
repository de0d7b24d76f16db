"""What a change of settings would bring, measured: `python -m workbench.training.trial`.

Reads a line of JSON from standard input: {"preset": TOML, "change": ["data.batch_size=512"], "seconds": 2.0}. Trains
the present settings and the changed ones in turns, each on a throw-away model from its first step on, and writes one
line of JSON: what was measured of both and the ratio of their pace, or the error and the exit code. Nothing else is
written anywhere.

With "run": PATH, a run that was paused for the trial, the process measures once a second line comes; and if standard
input ends before it has answered, whoever launched it has died: then it lets that run go on, and ends.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset

if TYPE_CHECKING:
    from workbench.training.trial_side import Side

SECONDS = 2.0
"""Measured of each of the two, if the request says nothing else."""
TURN_SECONDS = 0.25
"""Measured in one turn: short, so that what else the machine does hits both alike."""
LEAST_TURNS = 3
"""Of each, however long a step takes."""
MOST_DELAY = 3
"""With long steps, or on a busy machine, turns end early once they have taken so many times what was meant."""
LOSS_SHARE = 0.1
"""The share of the samples trained on, the last ones, over which the loss is averaged."""

Which = Literal["", "present", "changed"]


class TrialFailedError(Exception):
    """A trial that could not be made; its text is for the user."""

    def __init__(self, text: str, which: Which, exit_code: int) -> None:
        super().__init__(text)
        self.which = which
        self.exit_code = exit_code


@dataclass(frozen=True)
class Request:
    """What is to be measured."""

    present: Preset
    changed: Preset
    seconds: float
    run: RunDirectory | None
    """Was paused for the trial."""

    @classmethod
    def from_json(cls, line: str) -> Request:
        """Raises PresetError; ValueError, KeyError or TypeError for what is no request."""
        values = json.loads(line)
        present = Preset.from_toml(values["preset"], "the preset")
        run = values.get("run")
        return cls(
            present=present,
            changed=present.override(values["change"]),
            seconds=float(values.get("seconds", SECONDS)),
            run=None if run is None else RunDirectory(Path(run)),
        )


def main() -> int:
    """Makes the trial that is asked for on standard input; returns the exit code."""
    which: Which = ""
    try:
        request = Request.from_json(sys.stdin.readline())
        found = compare(request, _listen(request.run))
    except Exception as error:
        traceback.print_exc()
        exit_code = EXIT_FAILED
        if isinstance(error, TrialFailedError):
            which, exit_code = error.which, error.exit_code
        elif isinstance(error, WorkbenchError):
            exit_code = error.exit_code
        known = isinstance(error, (TrialFailedError, WorkbenchError))
        text = str(error) if known else f"{type(error).__name__}: {error}"
        print(json.dumps({"error": text, "which": which, "exit_code": exit_code}), flush=True)
        return exit_code
    print(json.dumps(found), flush=True)
    return 0


def _listen(run: RunDirectory | None) -> threading.Event:
    """An event that is set once measuring may begin; watches whether whoever paused the run is still there."""
    go = threading.Event()
    if run is None:
        go.set()
        return go

    def listen() -> None:
        for _ in sys.stdin:
            go.set()
        with suppress(WorkbenchError):
            ask(run, "resume")
        os._exit(EXIT_FAILED)

    threading.Thread(target=listen, daemon=True).start()
    return go


def compare(request: Request, go: threading.Event) -> dict[str, Any]:
    """Measures both. Raises TrialFailedError, which says which of the two it was."""
    from workbench.training.trial_side import Side

    with _told("present", request.present):
        present = Side(request.present)
    with _told("changed", request.changed):
        changed = Side(request.changed)
    if request.present.runtime.feed == request.changed.runtime.feed and present.feed != changed.feed:
        raise TrialFailedError(
            f"there is no room to hold the samples twice: the present settings would be fed by the {present.feed} "
            f"feed and the changed ones by the {changed.feed} feed",
            "",
            EXIT_FAILED,
        )
    go.wait()
    with _told("present", request.present):
        present.warm_up(TURN_SECONDS)
    with _told("changed", request.changed):
        changed.warm_up(TURN_SECONDS)
    ratios: list[float] = []
    while len(ratios) < LEAST_TURNS or (
        len(ratios) < round(request.seconds / TURN_SECONDS)
        and present.seconds + changed.seconds < 2 * MOST_DELAY * request.seconds
    ):
        with _told("present", request.present):
            before = present.turn(TURN_SECONDS)
        with _told("changed", request.changed):
            after = changed.turn(TURN_SECONDS)
        ratios.append(after / before)
    return _answer(present, changed, ratios)


@contextmanager
def _told(which: Which, preset: Preset) -> Iterator[None]:
    """Says of what goes wrong which of the two it was, and in words for the user."""
    from workbench.training.memory_errors import explain_out_of_memory

    try:
        yield
    except Exception as error:
        known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
        text = str(known or f"{type(error).__name__}: {error}")
        raise TrialFailedError(text, which, known.exit_code if known else EXIT_FAILED) from error


def _answer(present: Side, changed: Side, ratios: Sequence[float]) -> dict[str, Any]:
    """The losses are those after as many samples as both have trained on."""
    import numpy as np

    low, median, high = (float(value) for value in np.percentile(ratios, [25, 50, 75]))
    samples = min(present.samples_trained, changed.samples_trained)
    # Of equally many samples: the mean of some of them is compared with the mean of as many.
    window = max(LOSS_SHARE * samples, present.samples_per_step, changed.samples_per_step)
    return {
        "present": _measured(present, samples, window),
        "changed": _measured(changed, samples, window),
        "ratio": round(median, 4),
        "ratio_low": round(low, 4),
        "ratio_high": round(high, 4),
        "turns": len(ratios),
        "loss_samples": samples,
        "same_loss": present.loss_scale == changed.loss_scale,
    }


def _measured(side: Side, samples: int, window: float) -> dict[str, Any]:
    loss = side.loss_after(samples, window)
    return {
        "engine": side.engine,
        "steps": side.steps,
        "step_ms": side.step_ms,
        "samples_per_second": round(side.samples_per_second, 1),
        "loss": loss if math.isfinite(loss) else None,
        "peak_bytes": side.peak_bytes,
    }


if __name__ == "__main__":
    sys.exit(main())
