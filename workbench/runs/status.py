"""The status of a run, from its lock and its summary, never from the last event of a dead process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from workbench.atomic_files import write_text_atomically
from workbench.files import read_small
from workbench.runs.directory import RunDirectory
from workbench.runs.lock import is_running
from workbench.runs.typed import metrics, taken

Status = Literal["new", "running", "completed", "stopped", "failed", "lost"]
"""`lost`: the process ended without a summary, because it was killed or the machine restarted."""
RESUMABLE = ("stopped", "failed", "lost")
ENDED = ("completed", *RESUMABLE)
"""Statuses of a run that was started and is not in progress."""


@dataclass(frozen=True)
class Summary:
    """How a run ended, in seconds, milliseconds and bytes; None if not measured."""

    status: str
    reason: str
    exit_code: int
    step: int
    epoch: int
    """Epochs completed."""
    best_epoch: int | None
    monitor: str
    train: Annotated[dict[str, Any], metrics] | None
    """Metrics of the last epoch."""
    validation: Annotated[dict[str, Any], metrics] | None
    """Metrics of the best epoch."""
    test: Annotated[dict[str, Any], metrics] | None
    seconds: dict[str, float] = field(default_factory=dict)
    """train, total, and the categories of the trainer's `TimeAccount`."""
    phase_ms: dict[str, float] = field(default_factory=dict)
    step_ms: dict[str, float] = field(default_factory=dict)
    samples_per_second: float | None = None
    memory_bytes: dict[str, int] = field(default_factory=dict)
    """By kind as in the footprint event, peak and expected_peak."""
    flops_per_step: int | None = None
    gpu_busy_share: float | None = None
    """0 to 1, over the whole training."""
    torch_peak_bytes: int | None = None
    host_peak_rss_bytes: int | None = None
    kind: str = ""
    """The kind of error from workbench.errors; empty without an error."""

    def save(self, run: RunDirectory) -> None:
        """Writes summary.json atomically. Raises StorageError."""
        write_text_atomically(run.summary, json.dumps(asdict(self), indent=2) + "\n", parents=False)


def read_summary(run: RunDirectory) -> Summary | None:
    """Reads how the run ended; None if it has not ended, or if the file cannot be read."""
    try:
        return taken(Summary, json.loads(read_small(run.summary)))
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def status(run: RunDirectory) -> Status:
    """The status of the run."""
    return "running" if is_running(run) else ended(run, read_summary(run))


def ended(run: RunDirectory, summary: Summary | None) -> Status:
    """The status of a run that is not in progress."""
    if summary is not None:
        return summary.status if summary.status in ("completed", "stopped", "failed") else "failed"  # type: ignore[return-value]
    return "lost" if run.events.exists() else "new"
