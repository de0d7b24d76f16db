"""What a study asks: which way to tune, over what, and how much it may cost. It is written once, as study.toml."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w

from workbench.errors import UsageError
from workbench.files import read_small
from workbench.runs.typed import taken

VERSION = 1
Way = Literal["search", "repeat", "folds", "queue"]
SamplerName = Literal["tpe", "random", "grid", "cmaes", "qmc"]
Together = Literal["auto", "always", "never"]
DiscardRule = Literal["keep", "asha", "median", "none"]


@dataclass(frozen=True)
class Question:
    """What is asked. Numbers that are 0 and texts that are empty set no limit."""

    way: Way
    version: int = VERSION
    preset_digest: str = ""
    """SHA-256 of preset.toml: trials of another preset would not compare with those that there are."""
    search: dict[str, Any] = field(default_factory=dict)
    """The search space: by path of a setting, as the `[search]` table of a preset has it."""
    sampler: SamplerName = "tpe"
    seed: int = 0
    """Of the sampler."""
    trials: int = 0
    """How many settings are tried at most."""
    seconds: float = 0.0
    """How long the study may take."""
    until: str = ""
    """A value of a metric at which the study ends, such as accuracy>=0.98."""
    discard: DiscardRule = "asha"
    keep: int = 3
    """With the rule `keep`, how many trials continue after `discard_after`; how many of the best keep their weights."""
    discard_after: int = 1
    """The epoch at which a rule decides first."""
    seeds: tuple[int, ...] = ()
    """Of a repeat; in a search, the fresh seeds with which the best are trained again."""
    confirm: int = 3
    """How many of the best are trained again with fresh seeds before one is called best."""
    changes: tuple[dict[str, Any], ...] = ()
    """The settings of each trial that was listed beforehand: of a queue, and of folds."""
    origins: tuple[str, ...] = ()
    """What each trial of a queue is, in words; empty where the settings say it."""
    save_as: str = ""
    """The name under which the best settings are saved as a preset."""
    workers: int = 0
    """How many trials run at once on a CPU; 0: one."""
    together: Together = "auto"
    """Whether trials that differ only in numbers are trained together, without runs of their own: where that is faster,
    wherever it can be done, or not at all."""
    on: str = ""
    """Where trials run: empty for this machine; ray, or ray://HOST:PORT, for a Ray cluster."""

    def to_toml(self) -> str:
        """As study.toml holds it."""
        return tomli_w.dumps(asdict(self))


def together_of(wanted: bool | None) -> Together:
    """What `--together` and `--one-by-one` ask for; None: neither was given."""
    if wanted is None:
        return "auto"
    return "always" if wanted else "never"


def read_question(path: Path) -> Question:
    """Reads study.toml. Raises UsageError where it cannot be read or is of another version."""
    try:
        values = tomllib.loads(read_small(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if values.get("version") != VERSION:
        raise UsageError(
            f"{path} is of version {values.get('version')}, and this workbench knows {VERSION}: "
            "continue the study with the workbench that began it"
        )
    try:
        return taken(Question, values)
    except (TypeError, OverflowError, ValueError):
        raise UsageError(f"{path} is not what workbench has written: it was edited or damaged") from None


@dataclass(frozen=True)
class Target:
    """The value of a metric at which a search ends."""

    metric: str
    sign: str
    """>= or <=."""
    value: float
    typed: str
    """The value as it was typed."""


def parse_target(text: str) -> Target:
    """Reads `accuracy>=0.98`. Raises UsageError."""
    found = re.fullmatch(r"\s*(\w+)\s*(>=|<=)\s*([-+.\deE]+)\s*", text)
    try:
        value = float(found[3] if found else "")
    except ValueError:
        value = math.nan
    if found is None or not math.isfinite(value):
        raise UsageError(f"--until {text}: write a metric and its value, such as accuracy>=0.98 or loss<=0.1")
    return Target(found[1], found[2], value, found[3])
