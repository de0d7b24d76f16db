"""`workbench predict`: has a process predict, and writes its lines to stdout or to a file, whole or not at all."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from workbench import output
from workbench.atomic_files import write_atomically
from workbench.errors import EXIT_DONE, UsageError
from workbench.files import expanded, short_path
from workbench.headless.measuring import Narration, run
from workbench.headless.options import Options
from workbench.processes.measuring import MeasuringProcess, Progress
from workbench.processes.modules import Module
from workbench.processes.predict import MOST_BATCH_SIZE, SPLIT_CHOICES, Lines, Predicted, Request
from workbench.processes.predict import predict as ask_to_predict
from workbench.runs.directory import RunDirectory, find_run
from workbench.settings.preset import Preset
from workbench.units import count, counted
from workbench.wording import data_changed

STDIN = "-"
MODEL_FILES = (".pt", ".safetensors")


@dataclass(frozen=True)
class Destination:
    """Where predictions go."""

    out: Path | None = None
    """None for stdout."""
    overwrite: bool = False


def predict(model: str, request: Request, destination: Destination, options: Options) -> int:
    """Predicts and writes; returns the exit code. Raises WorkbenchError.

    model: a run, by name or path, or a file. request: all but its model, which is found here.
    """
    _check(request, destination)
    found = _found(model, request, options)
    if destination.out is None:
        predicted = run(_predicted(found, _print, options))
        output.check()
        _narrate(predicted, None, options)
        return EXIT_DONE
    path = expanded(str(destination.out)).absolute()
    results: list[Predicted] = []

    def write(file: IO[bytes]) -> None:
        results.append(run(_predicted(found, lambda text: file.write(text.encode(errors="replace")), options)))

    write_atomically(path, write)
    _narrate(results[0], path, options)
    return EXIT_DONE


def _check(request: Request, destination: Destination) -> None:
    """Raises UsageError for options that cannot be, or do not fit together."""
    if request.split is not None and request.split not in SPLIT_CHOICES:
        raise UsageError(f"--split takes one of {', '.join(SPLIT_CHOICES)}, not {request.split}")
    given = bool(request.inputs or request.texts)
    if request.split and given:
        raise UsageError("--split predicts the run's own data: give no inputs with it")
    if not request.split and not given:
        raise UsageError("nothing to predict: name files or folders, or - for standard input, or --split test")
    Preset().with_values({"runtime.device": request.device}, "--device")
    if request.inputs.count(STDIN) > 1:
        raise UsageError("standard input (-) can be read only once")
    if request.batch_size is not None and not 1 <= request.batch_size <= MOST_BATCH_SIZE:
        raise UsageError(f"--batch-size takes a number from 1 to {MOST_BATCH_SIZE:,}, not {request.batch_size}")
    if request.split and (request.skip_broken or request.batch_size or request.overrides):
        raise UsageError("--split predicts as the run did: it takes no --skip-broken, --batch-size, --set")
    out = destination.out
    if out is not None and expanded(str(out)).exists() and not destination.overwrite:
        raise UsageError(f"{out} exists already: choose another --out, or replace it with --overwrite")
    if out is not None and expanded(str(out)).is_dir():
        raise UsageError(f"{out} is a folder; --out names a file")


def _found(model: str, request: Request, options: Options) -> Request:
    """The request with the path of its model, and standard input where it is read."""
    path = expanded(model)
    is_file = path.suffix in MODEL_FILES and path.is_file()
    place = path.absolute() if is_file else _trained_run(model, options).path
    descriptor = os.dup(sys.stdin.fileno()) if STDIN in request.inputs else None
    return Request(**(asdict(request) | {"model": str(place), "descriptor": descriptor}))


def _trained_run(name: str, options: Options) -> RunDirectory:
    """The run. Raises UsageError, also for one that another loop has made, which leaves no model here."""
    found = find_run(options.runs_folder, name)
    if not found.checkpoints.exists():
        Preset.of_run(found.preset)
    return found


async def _predicted(request: Request, write: Callable[[str], object], options: Options) -> Predicted:
    """Asks a process, and writes its lines as they come. Raises WorkbenchError."""
    narration = Narration(options)
    passed = () if request.descriptor is None else (request.descriptor,)
    predicted: Predicted | None = None
    async with MeasuringProcess.launched(Module.PREDICT, pass_fds=passed) as process:
        narration.show(Progress("importing PyTorch"))
        async for message in ask_to_predict(process, request):
            if isinstance(message, Lines):
                narration.clear()
                write(message.text)
            elif isinstance(message, Progress):
                narration.show(message)
            else:
                predicted = message
    narration.clear()
    assert predicted is not None, "the answer is the last message"
    return predicted


def _print(text: str) -> None:
    """Writes to stdout. Raises BrokenPipeError where nobody reads it, StorageError where it is lost."""
    print(text, end="")
    output.check()


def _narrate(predicted: Predicted, path: Path | None, options: Options) -> None:
    """Says what was predicted: on stderr, or on stdout where the predictions are in a file."""
    if path is not None and options.json_output:
        print(json.dumps({"type": "result", "path": str(path)} | asdict(predicted)))
        return
    if path is not None and options.quiet:
        print(path)
        return
    if options.quiet:
        return
    lines = [f"predicted {counted(predicted.samples, 'sample')} with {short_path(Path(predicted.model))}"]
    if predicted.broken:
        lines.append(f"{count(predicted.broken)} could not be read: their lines have an error")
    if predicted.data_changes:
        lines.append(f"the data have changed: {data_changed(predicted.data_changes)}")
    lines += predicted.notes
    if predicted.metrics:
        known = {name: value for name, value in predicted.metrics.items() if value is not None}
        lines.append(", ".join(f"{name} {value:.6g}" for name, value in known.items()))
    if path is not None:
        lines.append(f"wrote {short_path(path)}")
    for line in lines:
        print(line, file=sys.stderr if path is None else sys.stdout)
