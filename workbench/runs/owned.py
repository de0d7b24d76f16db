"""A directory that one process owns at a time and everyone else reads: a run's, or a study's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OwnedDirectory:
    """`<UTC time>-<preset name>-<4 hex>/` and the files that runs and studies both have in it."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the run or the study, which is its directory's."""
        return self.path.name

    @property
    def preset(self) -> Path:
        """The complete preset, including defaults, which a run trains and a study's trials change; written once."""
        return self.path / "preset.toml"

    @property
    def events(self) -> Path:
        """Everything that happened: one typed event per line; append-only."""
        return self.path / "events.jsonl"

    @property
    def control(self) -> Path:
        """Requests of viewers to the owner, one per line."""
        return self.path / "control.jsonl"

    @property
    def process(self) -> Path:
        """Process id and start time of the owner, as JSON; the owner holds a lock on it."""
        return self.path / "process.json"

    @property
    def summary(self) -> Path:
        """How it ended, or the result when a study's controller last ended, as JSON; absent before."""
        return self.path / "summary.json"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where files are written whole or not at all."""
        return (self.path,)

    @property
    def is_taken(self) -> str:
        """What to say to a second owner."""
        raise NotImplementedError
