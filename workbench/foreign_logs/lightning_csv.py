"""Reads the folder of Lightning's CSVLogger: metrics.csv, a row a time it logs, and hparams.yaml."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.files import open_regular, read_small
from workbench.foreign_logs.log import Scalar
from workbench.foreign_logs.simple_yaml import read_yaml

FILE = "metrics.csv"
MOST_BYTES = 2**28


class LightningCsvLog:
    """A growing metrics.csv. A new metric makes Lightning write the whole file anew, with the same rows before it."""

    loop = "lightning_csv"
    exit_code: int | None = None

    def __init__(self, path: Path) -> None:
        """path: the folder."""
        self.path = path
        self._rows = 0
        """Rows that were read."""
        self._stamp: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The folder's name, after that of the experiment where Lightning has numbered it."""
        is_version = self.path.name.startswith("version_")
        return f"{self.path.parent.name}-{self.path.name}" if is_version else self.path.name

    @property
    def settings(self) -> Mapping[str, Any]:
        try:
            return read_yaml(read_small(self.path / "hparams.yaml"))
        except (OSError, ValueError):
            return {}

    def read(self) -> list[Scalar]:
        try:
            found = (self.path / FILE).stat()
            stamp = found.st_mtime_ns, found.st_size
            if stamp == self._stamp:
                return []
            with open_regular(self.path / FILE) as file:
                text = file.read(MOST_BYTES).decode(errors="replace")
        except OSError:
            return []
        self._stamp = stamp
        whole = text[: text.rfind("\n") + 1]  # the last row may not be written to its end yet
        rows = list(csv.DictReader(io.StringIO(whole)))
        new, self._rows = rows[self._rows :], max(self._rows, len(rows))
        return [scalar for row in new for scalar in _scalars(row)]


def _scalars(row: Mapping[str | None, Any]) -> list[Scalar]:
    """The numbers of a row, the epoch first: the others are of it."""
    numbers = {name: value for name, text in row.items() if name and (value := _number(text)) is not None}
    step = numbers.pop("step", None)
    if step is None:
        return []
    ordered = {name: numbers[name] for name in ("epoch", *numbers) if name in numbers}
    return [Scalar(name, int(step), value) for name, value in ordered.items()]


def _number(text: object) -> float | None:
    try:
        return float(text) if isinstance(text, str) and text else None
    except ValueError:
        return None
