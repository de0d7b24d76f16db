"""What all stages share: where results go, which device, and how much time is left."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = sys.executable


@dataclass
class Kit:
    """One run of the kit; read from the environment (README.md)."""

    out: Path = field(default_factory=lambda: Path(os.environ.get("OUT", "/tmp/out")))
    work: Path = field(default_factory=lambda: Path(os.environ.get("WORK", "/tmp/on-card")))
    device: str = field(default_factory=lambda: os.environ.get("DEVICE", "cuda"))
    """`cpu` tries the kit itself where there is no card."""
    limit_seconds: float = field(default_factory=lambda: float(os.environ.get("LIMIT_S", 450)))
    started: float = field(default_factory=lambda: float(os.environ.get("START", time.time())))
    """Unix time."""
    table: list[str] = field(default_factory=list)

    @property
    def on_gpu(self) -> bool:
        """Whether there is a card to measure."""
        return self.device != "cpu"

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.time() - self.started

    def add(self, line: str) -> None:
        """Adds a line to the table, and prints it now: a run that is cut off has reported what it knew."""
        self.table.append(line)
        print(line, flush=True)
