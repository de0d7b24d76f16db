"""Finds out which program's log lies at a path."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from workbench.foreign_logs import lightning_csv, tensorboard, wandb
from workbench.foreign_logs.lightning_csv import LightningCsvLog
from workbench.foreign_logs.log import ForeignLog
from workbench.foreign_logs.tensorboard import TensorBoardLog
from workbench.foreign_logs.wandb import WandbLog

MOST_FOLDERS = 10_000
"""Folders inside the given one that are looked into."""


def find_log(path: Path) -> ForeignLog | None:
    """The log at a path: its file, its folder, or a folder above several, of which the newest counts.

    None if there is none.
    """
    try:
        if path.is_file():
            is_log = path.name == lightning_csv.FILE or path.match(tensorboard.PATTERN) or path.match(wandb.PATTERN)
            return _log_of(path.parent) if is_log else None
        if not path.is_dir():
            return None
        if (found := _log_of(path)) is not None:
            return found
        inside = (each for each in islice(path.rglob("*"), MOST_FOLDERS) if each.is_dir() and not each.is_symlink())
        return max(_logs_of(inside), key=_written, default=None)
    except OSError:
        return None


def _logs_of(folders: Iterable[Path]) -> Iterable[ForeignLog]:
    return [found for folder in folders if (found := _log_of(folder)) is not None]


def _log_of(folder: Path) -> ForeignLog | None:
    if any(folder.glob(wandb.PATTERN)):
        return WandbLog(folder.absolute())
    if any(folder.glob(tensorboard.PATTERN)):  # with times, which the CSV beside it does not have
        return TensorBoardLog(folder.absolute())
    if (folder / lightning_csv.FILE).is_file():
        return LightningCsvLog(folder.absolute())
    return None


def _written(log: ForeignLog) -> float:
    """When anything in its folder was written last."""
    return max((each.stat().st_mtime for each in log.path.iterdir() if each.is_file()), default=0.0)
