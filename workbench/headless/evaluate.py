"""`workbench evaluate`: measures the model of a run on its own data or on others, and prints how good it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, get_args

from workbench.errors import EXIT_DONE, PresetError, UsageError
from workbench.files import expanded, is_file
from workbench.headless.evaluation_report import print_evaluation
from workbench.headless.measuring import measure, run
from workbench.headless.options import Options
from workbench.headless.report import typed_path
from workbench.headless.train import check_trust
from workbench.json_values import finite_or_none
from workbench.processes.evaluation import Evaluation, EvaluationRequest, SplitChoice, evaluate
from workbench.processes.modules import Module
from workbench.runs.checkpoints import model_checkpoint
from workbench.runs.directory import RunDirectory, find_run
from workbench.runs.prepared import read_prepared
from workbench.runs.status import read_summary
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, matching
from workbench.tuning.view import read_study_view

SPLITS: tuple[str, ...] = get_args(SplitChoice)


@dataclass(frozen=True)
class EvaluateCommand:
    """What to evaluate, and on what."""

    run: str
    """Its name, a part of it, or its path."""
    data: str | None = None
    """A preset, or a file or folder like that of the run; None for the run's own data."""
    split: str = "auto"
    worst: int = 10
    """How many samples to list."""
    device: str | None = None
    """None for that of the run."""


def evaluate_run(command: EvaluateCommand, options: Options) -> int:
    """Evaluates and prints; returns the exit code. Raises WorkbenchError."""
    found = find_trained(command.run, options)
    preset = Preset.of_run(found.preset)
    if command.device is not None:
        preset = preset.with_values({"runtime.device": command.device}, "--device")
    on = preset if command.data is None else data_preset(preset, command.data)
    prepared = read_prepared(found)
    request = EvaluationRequest(
        checkpoint=str(model_checkpoint(found)),
        preset=preset.with_absolute_paths().to_toml(),
        data=None if command.data is None else on.to_toml(),
        split=_split(command.split),
        worst=command.worst,
        last_checkpoint=str(found.last_checkpoint) if found.last_checkpoint.exists() else "",
        class_counts=None if prepared is None else prepared.class_counts,
    )
    check_trust(preset.model_copy(update={"data": on.data}), options.trust_code)
    evaluation = run(measure(Module.EVALUATION, partial(evaluate, request=request), Evaluation, None, options))
    own = _own_test(found, evaluation) if command.data is None else None
    if options.json_output:
        of_run = {"run": found.name, "checkpoint": request.checkpoint, "run_test": own}
        print(json.dumps(finite_or_none({"type": "result"} | of_run | asdict(evaluation))))
    elif options.quiet:
        value = evaluation.metrics.get(evaluation.monitor)
        print("nan" if value is None else value)
    else:
        print_evaluation(found, evaluation, own)
    return EXIT_DONE


def find_trained(name: str, options: Options) -> RunDirectory:
    """The run to evaluate. Raises UsageError, which names the best run of a study where it was one."""
    found = matching(name, options.runs_folder, options.studies_folder)
    if len(found) == 1 and isinstance(found[0], StudyDirectory):
        raise UsageError(_instead_of(found[0]))
    return find_run(options.runs_folder, name)


def _instead_of(study: StudyDirectory) -> str:
    """What to evaluate in place of a study."""
    is_study = f"{study.name} is a study, and evaluate takes one run"
    ranked = read_study_view(study).ranked()
    best = next((trial for trial in ranked if trial.run and is_file(study.run(trial.run).preset)), None)
    if best is None:
        return f"{is_study}; it has no run of a trial that has been validated"
    which = "its best" if best is ranked[0] else "the best that has a run"
    return f"{is_study}: {which} is trial {best.number}: workbench evaluate {typed_path(study.run(best.run).path)}"


def _split(name: str) -> SplitChoice:
    if name not in SPLITS:
        raise UsageError(f"--split takes {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, not {name!r}")
    return name  # type: ignore[return-value]  # it is one of them


def data_preset(preset: Preset, given: str) -> Preset:
    """The preset whose data to take: one of that name or path, or the run's with its file or folder replaced.

    Raises PresetError, UsageError.
    """
    path = expanded(given)
    is_preset = path.suffix == library.SUFFIX or (path.name == given and given in library.names())
    if is_preset or not path.exists():
        try:
            return library.load(given).with_absolute_paths()
        except PresetError as error:
            if is_preset:
                raise
            raise UsageError(
                f"--data takes a preset, or a file or folder; there is no file {given}, and {error}"
            ) from None
    source = type(preset.data).model_fields
    place = next((key for key in ("file", "folder") if key in source and source[key].is_required()), None)
    if place is None:
        raise UsageError(
            f"--data {given}: the run was trained on {preset.data.label()}, which is not read from a file or folder; "
            "give a preset that says how these data are read"
        )
    values: dict[str, Any] = {f"data.{place}": str(path.absolute())}
    # All of a text is evaluated, where none of it has been trained on.
    values |= {f"data.{key}": 0.0 for key in ("validation_fraction", "test_fraction") if key in source}
    return preset.with_values(values, "--data").with_absolute_paths()


def _own_test(found: RunDirectory, evaluation: Evaluation) -> dict[str, Any] | None:
    """What the run has measured on its test split when it ended, where that was evaluated again."""
    summary = read_summary(found)
    return summary.test if summary is not None and evaluation.split == "test" else None
