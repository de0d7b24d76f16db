"""What was previewed last, kept in a file: the next start shows it before a process has imported PyTorch."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError
from workbench.files import user_folder
from workbench.processes.data import DataSummary
from workbench.processes.messages import decode, encode
from workbench.processes.preview import Model


@dataclass(frozen=True)
class Seen:
    """The data and the network of a preset, as they were."""

    content: str
    """The preset as TOML, without its name."""
    key: str
    """What decides its data."""
    data: DataSummary
    model: Model

    @staticmethod
    def path() -> Path:
        """The file: in the user's folder of state. Raises StorageError where the user has no home folder."""
        return user_folder("state") / "preview.json"

    @classmethod
    def load(cls) -> Seen | None:
        """What was kept; None where there is nothing, or not such a file."""
        try:
            return decode(cls, json.loads(cls.path().read_text(encoding="utf-8")))
        except (OSError, StorageError, ValueError, RecursionError):
            return None

    def save(self) -> None:
        """Writes the file; on a full disk the next start shows nothing at first."""
        with suppress(StorageError):
            write_text_atomically(self.path(), encode(self))
