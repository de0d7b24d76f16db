"""What candidates do when each is trained by itself, by the ordinary engine and evaluation: what a stack is held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.evaluation import Evaluator
from workbench.training.job import Job, assemble
from workbench.training.prepared_data import PreparedData
from workbench.training.step_runner import StepRunner
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.stacked.course import Course
from workbench.training.tuning.stacked.train import Keep, prepare_all, train_stacked


def preset(*settings: str) -> Preset:
    """A small network on iris: 109 samples in batches of 16, the last one of 13."""
    small = ["data.name=iris", "data.batch_size=16", "model.hidden=[8]", "training.epochs=2"]
    return Preset().override([*small, "runtime.device=cpu", "runtime.engine=eager", *settings])


def all_kept(epoch: int, values: list[float | None]) -> None:
    """Discards nobody."""


def stacked(presets: Sequence[Preset], on_epoch: Keep = all_kept) -> list[Course]:
    """Trains them together."""
    return train_stacked(prepare_all(presets, lambda _: None), presets, on_epoch)


def alone(data: PreparedData, preset: Preset) -> tuple[list[float], dict[str, Any] | None]:
    """The loss of each step, and the metrics of the validation split after the last epoch."""
    job = assemble(data, preset)
    schedule = preset.schedule.build(preset.training.epochs)
    rate = ScheduledRate(BaseRate(preset.optimizer.learning_rate, preset.changes).at, schedule, job.steps_per_epoch)
    hooks = EngineHooks(_ignore, _ignore, lambda what, seconds: None)
    engine = make_engine(job, PhaseClock(), rate.at, hooks).engine
    runner, losses = StepRunner(job, engine), []
    metrics = None
    for _ in range(preset.training.epochs):
        losses += [loss.loss for loss in runner.run(job.steps_per_epoch)]
        metrics = _validated(job)
        if metrics is not None:
            schedule.observe(metrics["loss"])
    return losses, metrics


def _ignore(_: str) -> None:
    pass


def _validated(job: Job) -> dict[str, Any] | None:
    evaluator = Evaluator(
        job.model,
        job.loss,
        job.precision,
        job.task,
        job.target_scale,
        choice=job.preset.loss,
        class_counts=job.loss_class_counts,
    )
    never: Callable[[], bool] = lambda: False  # noqa: E731
    return None if job.validation is None else evaluator.evaluate(job.validation, "validation", never)
