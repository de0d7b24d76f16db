"""The process that judges a cross-validation; `workbench.processes.out_of_fold` says how it is asked and answers."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.processes.messages import Failure, decode, encode
from workbench.processes.out_of_fold import OutOfFold, OutOfFoldRequest
from workbench.runs.directory import RunDirectory


def main() -> int:
    """Judges the runs that standard input names; returns the exit code."""
    try:
        request = decode(OutOfFoldRequest, json.loads(sys.stdin.read()))
        judged = judge([RunDirectory(Path(path)) for path in request.runs])
    except WorkbenchError as error:
        print(encode(Failure(str(error), error.exit_code, error.kind)))
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        print(encode(Failure(f"{type(error).__name__}: {error}", EXIT_FAILED, "internal")))
        return EXIT_FAILED
    print(encode(judged))
    return 0


def judge(runs: list[RunDirectory]) -> OutOfFold:
    """Reads what the runs' models answer for the samples that each left out, and pools it. Raises StorageError."""
    import torch

    from workbench.data.task import Task
    from workbench.settings.preset import Preset
    from workbench.training.evaluation import split_metrics
    from workbench.training.validation_scores import ValidationScores

    kept = [ValidationScores.read(run) for run in runs]
    scores, targets = torch.cat([each.scores for each in kept]), torch.cat([each.targets for each in kept])
    task = Task("regression" if targets.is_floating_point() else "classification", scores.shape[1])
    preset = Preset.of_run(runs[0].preset)
    metrics = split_metrics(task, preset.loss, len(scores))
    metrics.update(scores, targets)
    total_loss = sum(each.metrics["loss"] * len(each.scores) for each in kept)
    monitor = str(preset.training.monitor)
    return OutOfFold(
        monitor=task.default_monitor if monitor == "auto" else monitor,
        samples=tuple(len(each.scores) for each in kept),
        folds=[each.metrics for each in kept],
        pooled={"loss": total_loss / len(scores)} | metrics.compute(),
    )


if __name__ == "__main__":
    sys.exit(main())
