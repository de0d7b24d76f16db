"""How the app shows things, apart from what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AppOptions:
    """What the command line says about the app."""

    runs_folder: Path
    ascii: bool = False
    low_bandwidth: bool = False
    standby: bool = True
    """Whether a trainer stands by before it is needed."""
