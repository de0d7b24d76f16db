"""Gathers how a run ended, from the trainer."""

from __future__ import annotations

from dataclasses import replace

from workbench.runs.directory import RunDirectory
from workbench.runs.history import read_history
from workbench.runs.status import Summary
from workbench.training.trainer import Trainer


def summarize(
    trainer: Trainer | None, status: str, reason: str, exit_code: int, kind: str, total_seconds: float
) -> Summary:
    """Returns what summary.json holds. trainer: None if it was never built; total_seconds: since the run began."""
    seconds = {"total": round(total_seconds, 3)}
    if trainer is None:
        return Summary(status, reason, exit_code, 0, 0, None, "", None, None, None, seconds, kind=kind)
    state, clock = trainer.state, trainer.clock
    measured = clock.total_phases
    seconds |= {name: round(spent, 6) for name, spent in trainer.times.seconds.items()}
    seconds["train"] = round(clock.training_seconds, 6)
    return Summary(
        status=status,
        reason=reason,
        exit_code=exit_code,
        step=state.step,
        epoch=state.epoch,
        best_epoch=state.best_epoch,
        monitor=trainer.job.monitor.name,
        train=trainer.last_epoch.train if trainer.last_epoch else None,
        validation=state.best_validation,
        test=trainer.test_metrics,
        seconds=seconds,
        phase_ms=measured.phase_ms(),
        step_ms=clock.step_times.percentiles(),
        samples_per_second=round(measured.samples / measured.seconds, 1) if measured.seconds else None,
        memory_bytes={} if trainer.footprint is None else trainer.footprint.bytes,
        flops_per_step=None if trainer.footprint is None else trainer.footprint.flops_per_step,
        gpu_busy_share=trainer.reporter.gpu_busy_share,
        torch_peak_bytes=trainer.reporter.torch_peak_bytes,
        host_peak_rss_bytes=trainer.reporter.host_peak_rss_bytes,
        kind=kind,
    )


def with_last_epoch(summary: Summary, run: RunDirectory) -> Summary:
    """Adds the training metrics of the last epoch, which an earlier life of the run has trained, to the summary."""
    last = read_history(run).view.epoch_end
    return summary if last is None else replace(summary, train=last.train)


def with_earlier_life(summary: Summary, run: RunDirectory) -> Summary:
    """Adds to the summary of a life that never came to training what earlier lives of the run had reached."""
    history = read_history(run)
    last, best = history.view.epoch_end, history.best
    if last is None:
        return summary
    return replace(
        summary,
        step=last.step,
        epoch=last.epoch,
        best_epoch=None if best is None else best.epoch,
        monitor="" if history.view.prepared is None else history.view.prepared.monitor,
        train=last.train,
        validation=None if best is None else best.validation,
        seconds=summary.seconds | {"train": round(history.view.seconds, 6)},
    )
