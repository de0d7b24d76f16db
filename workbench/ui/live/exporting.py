"""One export in progress, and why some are not possible."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.export_kinds import ExportKind
from workbench.processes.export_command import ExportRequest, Written
from workbench.runs.own_loop import KEY
from workbench.runs.row import RunRow


@dataclass
class Export:
    """An export that was started."""

    request: ExportRequest
    doing: str = ""
    """What its process said last."""
    written: Written | None = None
    """What came of it."""
    problem: str = ""
    """Why nothing came of it."""
    was_shown: bool = False
    """Whether its dialog has shown how it ended."""
    began: float = field(default_factory=time.monotonic)

    @property
    def has_ended(self) -> bool:
        """Whether it was written, or has failed."""
        return self.written is not None or bool(self.problem)

    @property
    def seconds(self) -> int:
        """How long it has taken."""
        return int(time.monotonic() - self.began)

    def report(self, doing: str) -> None:
        """Notes what the process is doing."""
        self.doing = doing


def why_not(kind: ExportKind, rows: Sequence[RunRow]) -> str:
    """Why these runs cannot be exported to a kind; empty if they can."""
    if len(rows) > 1 and not kind.takes_several:
        return "takes one run"
    if any(row.broken for row in rows):
        return "the run's files cannot be read"
    if (kind.needs_model or kind.needs_preset) and KEY in rows[0].settings:
        return "workbench has not trained this run"
    if kind.needs_model and not any(rows[0].run.checkpoints.glob("*.pt")):
        return "the run has no checkpoint yet" if rows[0].status == "running" else "the run has no checkpoint"
    return ""
