"""The process that measures what a change of settings would bring.

`workbench.processes.comparison` says what it is asked and what it answers.

It trains the present settings and the changed ones in turns, each on a throw-away model from its first step on, and
writes nothing but its answer. If standard input ends before it has answered, whoever launched it has died: then it lets
the run that was paused for it continue, and ends.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.processes.comparison import (
    Comparison,
    ComparisonFailure,
    Measured,
    Progress,
    ProgressLine,
    Request,
    Which,
)
from workbench.processes.messages import encode
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.training.processes.leave import leave

if TYPE_CHECKING:
    from workbench.training.processes.comparison_rounds import Rounds
    from workbench.training.processes.comparison_validation import Validated
    from workbench.training.processes.contender import Contender

FRACTIONS = {"dead_units": "dead_share", "saturated_units": "saturated_share"}
"""The measures of activations, and which figure of each layer they read."""


class ComparisonFailedError(Exception):
    """A comparison that could not be made; its text is for the user."""

    def __init__(self, text: str, which: Which, exit_code: int) -> None:
        super().__init__(text)
        self.which = which
        self.exit_code = exit_code


class ComparisonRefusedError(ComparisonFailedError):
    """A comparison that could not answer the question, though nothing is wrong with either setting."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "", EXIT_FAILED)


def main() -> int:
    """Makes the comparison that is asked for on standard input; returns the exit code."""
    try:
        request = Request.from_json(sys.stdin.readline())
        answer = compare(request, _listen(request.run))
    except Exception as error:
        traceback.print_exc()
        failure = _failure(error)
        print(encode(failure), flush=True)
        return failure.exit_code
    print(encode(answer), flush=True)
    return 0


def _failure(error: Exception) -> ComparisonFailure:
    if isinstance(error, ComparisonFailedError):
        refused = isinstance(error, ComparisonRefusedError)
        return ComparisonFailure(str(error), error.exit_code, which=error.which, refused=refused)
    if isinstance(error, WorkbenchError):
        return ComparisonFailure(str(error), error.exit_code, error.kind)
    return ComparisonFailure(f"{type(error).__name__}: {error}", EXIT_FAILED, "internal")


def _listen(run: str | None) -> threading.Event:
    """Returns an event that is set once measuring may begin; watches whether whoever paused the run is still there."""
    go = threading.Event()
    if run is None:
        go.set()
        return go

    def listen() -> None:
        for _ in sys.stdin:
            go.set()
        with suppress(WorkbenchError):
            ask(RunDirectory(Path(run)), "resume")
        os._exit(EXIT_FAILED)

    threading.Thread(target=listen, daemon=True).start()
    return go


def compare(request: Request, go: threading.Event) -> Comparison:
    """Measures both settings once `go` is set.

    Raises PresetError, and ComparisonFailedError, which names the settings that failed.
    """
    with ExitStack() as closing:
        return _compare(request, go, closing)


def _compare(request: Request, go: threading.Event, closing: ExitStack) -> Comparison:
    """closing: takes what ends the processes that read samples, whatever happens."""
    from workbench.devices.cores import CoreMonitor
    from workbench.training.processes.comparison_rounds import TooLongError, learning_rounds, speed_rounds
    from workbench.training.processes.contender import Contender
    from workbench.training.threads.spinning import Spinning

    present_preset, changed_preset = request.presets()
    _report("preparing the present settings")
    with _naming("present", present_preset):
        present = Contender(present_preset)
    closing.callback(present.close)
    _report("preparing the changed settings")
    with _naming("changed", changed_preset):
        changed = Contender(changed_preset)
    closing.callback(changed.close)
    _check(request, present, changed)
    _report("pausing the run")
    go.wait()

    def naming(contender: Contender) -> AbstractContextManager[None]:
        return _naming("present" if contender is present else "changed", contender.preset)

    def report(number: int, rounds: int, seconds_left: float | None) -> None:
        _report("measuring", number, rounds, seconds_left)

    _report("warming up")
    cores, spinning = CoreMonitor(), Spinning(present.job.device, max(present.num_threads, changed.num_threads))

    def adapt() -> None:
        """As in a run: between two rounds."""
        spinning.adapt(cores.take())

    try:
        if request.measure in ("speed", "memory"):
            rounds = speed_rounds(present, changed, report, naming, adapt)
        else:
            # Units die early, and the answer says where they have not: fewer steps may do.
            fewer, most = request.measure in FRACTIONS, request.most_seconds
            rounds = learning_rounds(present, changed, request.steps, most, report, naming, or_fewer=fewer)
    except TooLongError as error:
        raise ComparisonRefusedError(str(error)) from error
    finally:
        spinning.close()
    return _answer(request, present, changed, rounds)


def _check(request: Request, present: Contender, changed: Contender) -> None:
    """Raises ComparisonFailedError where the two cannot be compared."""
    if (
        present.preset.runtime.data_loading == changed.preset.runtime.data_loading
        and present.data_loading != changed.data_loading
    ):
        raise ComparisonFailedError(
            "the device has no room for the samples of both settings: the present ones would load batches by "
            f"{present.data_loading}, the changed ones by {changed.data_loading}",
            "",
            EXIT_FAILED,
        )
    if request.measure == "memory" and present.peak_bytes is None:
        raise ComparisonRefusedError(
            f"this device ({present.job.device}) does not report how much memory training takes"
        )
    if request.measure == "validation_loss" and present.loss_scale != changed.loss_scale:
        raise ComparisonRefusedError(
            "the change makes another loss, and two kinds of loss cannot be compared. Keep the change, start a run "
            "with it, and compare the metrics of the two runs."
        )
    if request.measure == "f1" and (present.job.validation is None or present.job.task.kind != "classification"):
        raise ComparisonRefusedError("F1 needs a validation split of classes, which this run does not have")


def _report(doing: str, number: int = 0, rounds: int = 0, seconds_left: float | None = None) -> None:
    """Writes what is being done; number: of the round, from 1, or 0 before the first."""
    left = None if seconds_left is None else round(seconds_left, 3)
    print(encode(ProgressLine(Progress(doing, number, rounds, left))), flush=True)


@contextmanager
def _naming(which: Which, preset: Preset) -> Iterator[None]:
    """Turns what goes wrong inside the `with` into a ComparisonFailedError that names the settings, in words."""
    from workbench.training.memory.out_of_memory import explain_out_of_memory

    try:
        yield
    except Exception as error:
        known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
        text = str(known or f"{type(error).__name__}: {error}")
        raise ComparisonFailedError(text, which, known.exit_code if known else EXIT_FAILED) from error


def _answer(request: Request, present: Contender, changed: Contender, rounds: Rounds) -> Comparison:
    from workbench.training.processes.comparison_rounds import difference, lowest, paired

    paces = paired(rounds.paces)
    interval = difference(lowest(rounds.present), lowest(rounds.changed))
    low, high = (None, None) if interval is None else interval
    return Comparison(
        measure=request.measure,
        present=_measured(request, "present", present, paces.present, rounds.present),
        changed=_measured(request, "changed", changed, paces.changed, rounds.changed),
        ratio=round(paces.ratio, 6),
        ratio_low=round(paces.ratio_low, 6),
        ratio_high=round(paces.ratio_high, 6),
        rounds=len(rounds.paces),
        samples=min(present.samples_trained, changed.samples_trained),
        epochs=round(present.samples_trained / present.job.samples_per_epoch, 4),
        validation_samples=rounds.validation_samples,
        same_loss=present.loss_scale == changed.loss_scale,
        difference_low=low,
        difference_high=high,
    )


def _measured(
    request: Request, which: Which, contender: Contender, samples_per_second: float, validated: Sequence[Validated]
) -> Measured:
    from workbench.training.processes.comparison_rounds import lowest, worst_fraction

    best, last = lowest(validated), validated[-1] if validated else None
    fractions = FRACTIONS.get(request.measure)
    with _naming(which, contender.preset):
        fraction = None if fractions is None or not contender.is_finite else worst_fraction(contender, fractions)
    return Measured(
        engine=contender.engine,
        steps=contender.steps,
        samples_per_second=round(samples_per_second, 4),
        peak_bytes=contender.peak_bytes,
        lowest_loss=None if best is None else best.loss,
        lowest_after=None if best is None else best.samples_trained,
        loss=None if last is None or not math.isfinite(last.loss) else last.loss,
        f1=None if last is None else last.f1,
        fraction=fraction,
    )


if __name__ == "__main__":
    leave(main())
