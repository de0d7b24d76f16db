"""What a change of settings would bring, measured: `python -m workbench.training.processes.comparison`.

Reads a line of JSON from standard input:
{"preset": TOML, "change": ["data.batch_size=512"], "measure": "speed", "steps": null, "most_seconds": 180}. Trains the
present settings and the changed ones in turns, each on a throw-away model from its first step on, and writes lines of
JSON: {"progress": ...} while it measures, and at last what was measured of both, or the error and the exit code.
Nothing else is written anywhere.

measure: by what it is decided whether the change helps, a name of `MEASURES`; steps: as many optimizer steps of the
present settings both must train, null for as many as need be; most_seconds: a comparison of what is learned that would
take longer is refused.

With "run": PATH, a run that was paused for it, the process measures once a second line comes; and if standard
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
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset

if TYPE_CHECKING:
    from workbench.training.processes.comparison_rounds import Rounds
    from workbench.training.processes.comparison_validation import Validated
    from workbench.training.processes.contender import Contender

MEASURES = ("speed", "memory", "validation_loss", "f1", "dead_units", "saturated_units")
SHARES = {"dead_units": "dead_share", "saturated_units": "saturated_share"}
"""The measures that look at activations, and what is looked at in each layer."""
MOST_SECONDS = 180.0
"""If the request says nothing else."""

Which = Literal["", "present", "changed"]


class ComparisonFailedError(Exception):
    """A comparison that could not be made; its text is for the user."""

    def __init__(self, text: str, which: Which, exit_code: int) -> None:
        super().__init__(text)
        self.which = which
        self.exit_code = exit_code


class ComparisonRefusedError(ComparisonFailedError):
    """A comparison that could not answer what is asked, though nothing is wrong with either setting."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "", EXIT_FAILED)


@dataclass(frozen=True)
class Request:
    """What is to be measured."""

    present: Preset
    changed: Preset
    measure: str
    steps: int | None
    most_seconds: float
    run: RunDirectory | None
    """Was paused for the comparison."""

    @classmethod
    def from_json(cls, line: str) -> Request:
        """Raises PresetError; ValueError, KeyError or TypeError for what is no request."""
        values = json.loads(line)
        present = Preset.from_toml(values["preset"], "the preset")
        run, steps, measure = values.get("run"), values.get("steps"), str(values.get("measure", "speed"))
        if measure not in MEASURES:
            raise ValueError(f"unknown measure {measure!r}")
        return cls(
            present=present,
            changed=present.override(values["change"]),
            measure=measure,
            steps=None if steps is None else int(steps),
            most_seconds=float(values.get("most_seconds", MOST_SECONDS)),
            run=None if run is None else RunDirectory(Path(run)),
        )


def main() -> int:
    """Makes the comparison that is asked for on standard input; returns the exit code."""
    which: Which = ""
    try:
        request = Request.from_json(sys.stdin.readline())
        found = compare(request, _listen(request.run))
    except Exception as error:
        traceback.print_exc()
        exit_code = EXIT_FAILED
        if isinstance(error, ComparisonFailedError):
            which, exit_code = error.which, error.exit_code
        elif isinstance(error, WorkbenchError):
            exit_code = error.exit_code
        known = isinstance(error, (ComparisonFailedError, WorkbenchError))
        text = str(error) if known else f"{type(error).__name__}: {error}"
        told = {"error": text, "which": which, "exit_code": exit_code}
        print(json.dumps(told | {"refused": True} if isinstance(error, ComparisonRefusedError) else told), flush=True)
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
    """Measures both. Raises ComparisonFailedError, which says which of the two it was."""
    from workbench.devices.cores import CoreMonitor
    from workbench.training.processes.comparison_rounds import TooLongError, learning_rounds, speed_rounds
    from workbench.training.processes.contender import Contender
    from workbench.training.threads.spinning import Spinning

    _tell("preparing the present settings")
    with _told("present", request.present):
        present = Contender(request.present)
    _tell("preparing the changed settings")
    with _told("changed", request.changed):
        changed = Contender(request.changed)
    _check(request, present, changed)
    _tell("pausing the run")
    go.wait()

    def told(side: Contender) -> AbstractContextManager[None]:
        return _told("present" if side is present else "changed", side.preset)

    def tell(number: int, rounds: int, seconds_left: float | None) -> None:
        _tell("measuring", number, rounds, seconds_left)

    _tell("warming up")
    cores, spinning = CoreMonitor(), Spinning(present.job.device, max(present.num_threads, changed.num_threads))

    def adapt() -> None:
        """As in a run: between two rounds."""
        spinning.adapt(cores.take())

    try:
        if request.measure in ("speed", "memory"):
            rounds = speed_rounds(present, changed, tell, told, adapt)
        else:
            # Units die early, and the answer tells where they have not: fewer steps may do.
            fewer, most = request.measure in SHARES, request.most_seconds
            rounds = learning_rounds(present, changed, request.steps, most, tell, told, or_fewer=fewer)
    except TooLongError as error:
        raise ComparisonRefusedError(str(error)) from error
    finally:
        spinning.close()
    return _answer(request, present, changed, rounds)


def _check(request: Request, present: Contender, changed: Contender) -> None:
    """Raises ComparisonFailedError where the two cannot be compared."""
    if request.present.runtime.data_loading == request.changed.runtime.data_loading and present.feed != changed.feed:
        raise ComparisonFailedError(
            f"there is no room to hold the samples twice: the present settings would be fed by the {present.feed} "
            f"feed and the changed ones by the {changed.feed} feed",
            "",
            EXIT_FAILED,
        )
    if request.measure == "memory" and present.peak_bytes is None:
        raise ComparisonRefusedError(
            f"how much memory a training takes is not told by this device ({present.job.device})"
        )
    if request.measure == "validation_loss" and present.loss_scale != changed.loss_scale:
        raise ComparisonRefusedError(
            "the change makes another loss, and two kinds of loss cannot be compared. Keep the change, start a run "
            "with it, and compare the metrics of the two runs."
        )
    if request.measure == "f1" and (present.job.validation is None or present.job.task.kind != "classification"):
        raise ComparisonRefusedError("F1 needs a validation split of classes, which this run does not have")


def _tell(doing: str, number: int = 0, rounds: int = 0, seconds_left: float | None = None) -> None:
    """Writes a line on what is being done; number: of the round, from 1, or 0 before the first."""
    left = None if seconds_left is None else round(seconds_left, 3)
    progress = {"doing": doing, "round": number, "rounds": rounds, "seconds_left": left}
    print(json.dumps({"progress": progress}), flush=True)


@contextmanager
def _told(which: Which, preset: Preset) -> Iterator[None]:
    """Says of what goes wrong which of the two it was, and in words for the user."""
    from workbench.training.memory.out_of_memory import explain_out_of_memory

    try:
        yield
    except Exception as error:
        known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
        text = str(known or f"{type(error).__name__}: {error}")
        raise ComparisonFailedError(text, which, known.exit_code if known else EXIT_FAILED) from error


def _answer(request: Request, present: Contender, changed: Contender, rounds: Rounds) -> dict[str, Any]:
    """What was measured of both, as the app reads it."""
    from workbench.training.processes.comparison_rounds import difference, lowest, paired

    pace = paired(rounds.paces)
    before, after = _measured(request, present, rounds.present), _measured(request, changed, rounds.changed)
    interval = difference(lowest(rounds.present), lowest(rounds.changed))
    low, high = (None, None) if interval is None else interval
    return {
        "measure": request.measure,
        "present": before | {"samples_per_second": round(pace["present"], 4)},
        "changed": after | {"samples_per_second": round(pace["changed"], 4)},
        "ratio": round(pace["ratio"], 6),
        "ratio_low": round(pace["ratio_low"], 6),
        "ratio_high": round(pace["ratio_high"], 6),
        "rounds": pace["rounds"],
        "samples": min(present.samples_trained, changed.samples_trained),
        "epochs": round(present.samples_trained / present.job.samples_per_epoch, 4),
        "validation_samples": rounds.validation_samples,
        "same_loss": present.loss_scale == changed.loss_scale,
        "difference_low": low,
        "difference_high": high,
    }


def _measured(request: Request, side: Contender, validated: Sequence[Validated]) -> dict[str, Any]:
    from workbench.training.processes.comparison_rounds import lowest, worst_share

    best, last = lowest(validated), validated[-1] if validated else None
    shares = SHARES.get(request.measure)
    with _told("present" if side.preset is request.present else "changed", side.preset):
        share = None if shares is None or not side.is_finite else worst_share(side, shares)
    return {
        "engine": side.engine,
        "steps": side.steps,
        "peak_bytes": side.peak_bytes,
        "lowest_loss": None if best is None else best.loss,
        "lowest_after": None if best is None else best.samples_trained,
        "loss": None if last is None or not math.isfinite(last.loss) else last.loss,
        "f1": None if last is None else last.f1,
        "share": share,
    }


if __name__ == "__main__":
    sys.exit(main())
