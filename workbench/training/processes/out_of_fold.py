"""The process that judges a cross-validation; `workbench.processes.out_of_fold` says how it is asked and answers."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.processes.messages import Failure, decode, encode
from workbench.processes.out_of_fold import OutOfFold, OutOfFoldRequest
from workbench.training.processes.leave import leave

if TYPE_CHECKING:
    from workbench.settings.preset import Preset
    from workbench.training.validation_scores import ValidationScores


def main() -> int:
    """Judges what standard input names; returns the exit code."""
    try:
        request = decode(OutOfFoldRequest, json.loads(sys.stdin.read()))
        judged = judge(Path(request.preset), [Path(path) for path in request.scores])
    except WorkbenchError as error:
        print(encode(Failure(str(error), error.exit_code, error.kind)))
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        print(encode(Failure(f"{type(error).__name__}: {error}", EXIT_FAILED, "internal")))
        return EXIT_FAILED
    print(encode(judged))
    return 0


def judge(preset_path: Path, scores_of_folds: list[Path]) -> OutOfFold:
    """Reads what the models answer for the samples that each left out, and pools it.

    preset_path: of any fold's preset. Raises StorageError, PresetError.
    """
    from workbench.settings.preset import Preset
    from workbench.training.validation_scores import ValidationScores

    kept = [ValidationScores.read(path) for path in scores_of_folds]
    return judge_kept(Preset.of_run(preset_path), kept)


def judge_kept(preset: Preset, kept: Sequence[ValidationScores]) -> OutOfFold:
    """The same for what has been read, of each fold."""
    import torch

    from workbench.data.task import Task
    from workbench.training.evaluation import split_metrics

    scores, targets = torch.cat([each.scores for each in kept]), torch.cat([each.targets for each in kept])
    task = Task("regression" if targets.is_floating_point() else "classification", scores.shape[1])
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
    leave(main())
