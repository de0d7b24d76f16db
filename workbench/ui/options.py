"""The options of the app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AppOptions:
    """Options from the command line."""

    runs_folder: Path
    ascii: bool = False
    low_bandwidth: bool = False
    standby: bool = True
    """Whether a trainer stands by before it is needed."""
    studies_folder: Path | None = None
    """None: the default one."""
