"""What `tune auto` measures before its search; kept with the study, whose page says it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.files import read_small
from workbench.runs.typed import taken


@dataclass(frozen=True)
class Measured:
    """The batch size and the learning rates that were found."""

    knee: int | None
    """The smallest batch size that is within 5 % of the best throughput; None where none could be measured."""
    rates: dict[str, float | None]
    """By optimizer, the learning rate that its range test names; None where it names none."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """By optimizer, why its range test names none, in sentences."""

    def to_json(self) -> str:
        """As the study keeps it."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def lines(self) -> list[str]:
        """What was found, in words."""
        found = [f"batch sizes: the knee of the throughput is at {self.knee or 'none'}"]
        for name, rate in self.rates.items():
            why = "; ".join(self.notes.get(name, [])) or "the range test names none"
            found.append(f"learning rate of {name}: {why if rate is None else f'{rate:g}'}")
        return found


def read_measured(path: Path) -> Measured | None:
    """What a study keeps; None where it keeps nothing that can be read."""
    try:
        return taken(Measured, json.loads(read_small(path)))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None
