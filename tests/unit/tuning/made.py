"""Runs and studies made up to the last digit, as if they had been trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import Prepared
from workbench.runs.status import Summary
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, create_study
from workbench.tuning.question import Question

ENVIRONMENT = {
    "workbench": "1.0",
    "torch": "2.9.0",
    "git_revision": "0123456789ab",
    "command": "workbench --preset fast",
    "working_folder": "/somewhere",
    "host": {"hostname": "box", "logical_cores": 2},
    "gpus": [{"index": 0, "name": "NVIDIA H100", "uuid": "GPU-0", "total_bytes": 1}],
}


def made_run(
    folder: Path,
    preset: Preset | None = None,
    *,
    validation: Mapping[str, Any] | None,
    test: Mapping[str, Any] | None = None,
    study: str | None = None,
    status: str = "completed",
    monitor: str = "accuracy",
    forward_ms: float = 0.5,
    environment: Mapping[str, Any] = ENVIRONMENT,
    samples: tuple[int, int] = (900, 100),
) -> RunDirectory:
    """A run that has ended, with these metrics. samples: training, validation."""
    preset = preset or Preset()
    run = create_run(folder, preset.name, preset.to_toml(), study=study)
    run.environment.write_text(json.dumps(environment))
    prepared = Prepared(
        device="cpu", device_name="a processor", batch_size=64, steps_per_epoch=10, epochs=10,
        train_samples=samples[0], validation_samples=samples[1],
    )  # fmt: skip
    run.events.write_text(encode(prepared) + "\n")
    Summary(
        status=status, reason="", exit_code=0, step=100, epoch=10, best_epoch=7, monitor=monitor, train={"loss": 0.1},
        validation=None if validation is None else dict(validation), test=None if test is None else dict(test),
        seconds={"train": 2.0, "validate": 0.5, "total": 5.5}, phase_ms={"forward": forward_ms, "data": 0.1},
        step_ms={"p50": forward_ms + 0.25},
    ).save(run)  # fmt: skip
    return run


def made_study(
    folder: Path,
    preset: Preset | None = None,
    *,
    accuracies: Sequence[float | None],
    first_seed: int = 0,
    **more: Any,
) -> StudyDirectory:
    """A study that repeats a preset over as many seeds as there are accuracies; None for a run without results."""
    preset = preset or Preset()
    seeds = tuple(range(first_seed, first_seed + len(accuracies)))
    study = create_study(folder, preset, Question(way="repeat", seeds=seeds))
    for seed, accuracy in zip(seeds, accuracies, strict=True):
        made_run(
            study.trials,
            preset.override([f"training.seed={seed}"]),
            validation=None if accuracy is None else {"loss": 1 - accuracy, "accuracy": accuracy},
            test=None if accuracy is None else {"accuracy": accuracy - 0.01, "f1": [0.5, 0.6]},
            study=study.name,
            **more,
        )
    return study
