"""The files of a follower, in the directory of the run or the study that it follows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.runs.owned import OwnedDirectory
from workbench.runs.tail import LineTail

Kind = Literal["tensorboard", "alerts"]
KINDS: tuple[Kind, ...] = ("tensorboard", "alerts")
PROBLEM = "problem: "
"""How a line of the log begins that the user should see, after its time."""


@dataclass(frozen=True)
class FollowerFiles:
    """Where one follower keeps its log and its state."""

    directory: OwnedDirectory
    kind: Kind

    @property
    def folder(self) -> Path:
        """Of all followers; absent before the first."""
        return self.directory.path / "followers"

    @property
    def log(self) -> Path:
        """What it has to say. The follower holds a lock on this file, so that there is one of each kind."""
        return self.folder / f"{self.kind}.log"

    @property
    def state(self) -> Path:
        """How far it has come, as JSON; absent for one that keeps nothing."""
        return self.folder / f"{self.kind}.json"


class ProblemReader:
    """Reads what went wrong in the followers of a run or a study since it was made."""

    def __init__(self, directory: OwnedDirectory) -> None:
        self._tails = []
        for kind in KINDS:
            log = FollowerFiles(directory, kind).log
            self._tails.append((kind, LineTail(log, log.stat().st_size if log.exists() else 0)))

    def read(self) -> list[str]:
        """New problems, each a sentence."""
        found = []
        for kind, tail in self._tails:
            for line in tail.read():
                _, is_problem, text = line.decode(errors="replace").partition(PROBLEM)
                if is_problem:
                    found.append(f"{kind}: {text}")
        return found
