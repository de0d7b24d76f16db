"""Whether a run is going, from facts: its lock, its process, its summary; never from what a dead process said last."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from workbench.errors import UsageError
from workbench.files import storage_error, write_text_atomically
from workbench.runs.directory import RunDirectory

Status = Literal["new", "running", "completed", "stopped", "failed", "lost"]
"""`lost`: the process ended without a summary: killed, or the machine restarted."""


@dataclass(frozen=True)
class Summary:
    """How a run ended. Seconds, milliseconds, bytes; what was not measured is None."""

    status: str
    reason: str
    exit_code: int
    step: int
    epoch: int
    """Epochs completed."""
    best_epoch: int | None
    monitor: str
    train: dict[str, Any] | None
    """Metrics of the last epoch."""
    validation: dict[str, Any] | None
    """Metrics of the best epoch."""
    test: dict[str, Any] | None
    seconds: dict[str, float] = field(default_factory=dict)
    """prepare, train, validate, checkpoint, profile, paused, test, total."""
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
    """Which error, as in workbench.errors; empty if there was none."""

    def save(self, run: RunDirectory) -> None:
        """Writes summary.json, all of it or nothing. Raises StorageError."""
        write_text_atomically(run.summary, json.dumps(asdict(self), indent=2) + "\n")


def read_summary(run: RunDirectory) -> Summary | None:
    """How the run ended; None while it has not, or if the file cannot be read."""
    try:
        return Summary(**json.loads(run.summary.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def claim(run: RunDirectory) -> IO[str]:
    """Makes this process the run's trainer: locks process.json as long as the returned file is open.

    Raises UsageError if another process trains this run; StorageError if the file cannot be written.
    """
    try:
        file = run.process.open("a+", encoding="utf-8")
    except OSError as error:
        raise storage_error(run.process, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UsageError(f"the run {run.name} is being trained by another process") from None
    # A loader's worker that outlives a killed trainer must not hold its lock.
    os.register_at_fork(after_in_child=file.close)
    try:
        file.truncate(0)
        file.write(json.dumps({"process_id": os.getpid(), "start_time": _start_time(os.getpid())}) + "\n")
        file.flush()
    except OSError as error:
        raise storage_error(run.process, error) from error
    return file


def is_running(run: RunDirectory) -> bool:
    """Whether the process that claimed the run is alive: the same id, started at the same time."""
    process_id, start_time = _read_process(run.process)
    return process_id is not None and start_time is not None and _start_time(process_id) == start_time


def status(run: RunDirectory) -> Status:
    """What has become of the run."""
    if is_running(run):
        return "running"
    summary = read_summary(run)
    if summary is not None:
        return summary.status if summary.status in ("completed", "stopped", "failed") else "failed"  # type: ignore[return-value]
    return "lost" if run.events.exists() else "new"


def process_id(run: RunDirectory) -> int | None:
    """The id of the run's living trainer."""
    return _read_process(run.process)[0] if is_running(run) else None


def _read_process(path: Path) -> tuple[int | None, float | None]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return int(values["process_id"]), float(values["start_time"])
    except (OSError, ValueError, TypeError, KeyError):
        return None, None


def _start_time(process_id: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(process_id)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None  # killed, and not yet reaped by whoever started it
        return float(process.create_time())
    except psutil.Error:
        return None
