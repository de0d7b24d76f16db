"""The preset.toml of a run that workbench has not trained: a loop of the user's own, or another program's log.

Such a run has no preset: its settings are the user's, under names of their own. Its preset.toml says which loop made
it, how many epochs were planned where that is known, and the user's settings in a table of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from workbench.errors import NoPresetError
from workbench.files import read_small
from workbench.printable import as_text
from workbench.runs.preset_text import flattened

KEY = "loop"
"""The key of preset.toml that no preset has: which loop made the run."""
LOOPS = {
    "own": "a loop of your own",
    "lightning": "Lightning's Trainer",
    "transformers": "the Trainer of Hugging Face",
    "tensorboard": "another program, and read from its TensorBoard log",
    "lightning_csv": "Lightning, and read from its CSV log",
    "wandb": "another program, and read from its W&B folder",
}
"""What made a run, in words, by the value of the key."""
FOLLOWED = ("tensorboard", "lightning_csv", "wandb")
"""Those that are mirrors of another program's log."""
MOST_LETTERS = 1000
"""A longer text among the settings is cut."""
MOST_DEPTH = 6
"""Tables nested deeper are written as text."""


@dataclass(frozen=True)
class OwnLoop:
    """What is known of how such a run was made."""

    name: str
    loop: str = "own"
    """A key of LOOPS."""
    epochs: int | None = None
    """How many are planned; None if that is not known."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The user's, as TOML values."""

    @property
    def maker(self) -> str:
        """What made the run, in words."""
        return LOOPS.get(self.loop, LOOPS["own"])

    def to_toml(self) -> str:
        """The text of preset.toml."""
        values: dict[str, Any] = {"name": self.name, KEY: self.loop}
        if self.epochs is not None:
            values["training"] = {"epochs": self.epochs}
        if self.settings:
            values["settings"] = plain(self.settings)
        return tomli_w.dumps(values)

    def flat(self) -> dict[str, Any]:
        """All settings by key path, such as settings.learning_rate."""
        return flattened(tomllib.loads(self.to_toml()))


def own_loop_of(values: Mapping[str, Any]) -> OwnLoop | None:
    """Reads a parsed preset.toml; None if it is a preset."""
    if not isinstance(loop := values.get(KEY), str):
        return None
    training, settings = values.get("training"), values.get("settings")
    epochs = training.get("epochs") if isinstance(training, Mapping) else None
    return OwnLoop(
        str(values.get("name", "")),
        loop,
        epochs if isinstance(epochs, int) and not isinstance(epochs, bool) and epochs > 0 else None,
        settings if isinstance(settings, Mapping) else {},
    )


def read_own_loop(preset: Path) -> OwnLoop | None:
    """Reads a run's preset.toml; None if it is a preset, or cannot be read."""
    try:
        return own_loop_of(tomllib.loads(read_small(preset)))
    except (OSError, ValueError, RecursionError):
        return None


def refuse_own_loop(values: Mapping[str, Any], where: str) -> None:
    """Refuses the parsed preset.toml of a run that has no preset. Raises NoPresetError."""
    if (own := own_loop_of(values)) is not None:
        raise NoPresetError(
            f"this run was made by {own.maker}: it has no preset, and only what made it can repeat or continue it "
            f"({where})"
        )


def plain(value: Any, depth: int = 0) -> Any:
    """A setting as TOML can hold it: what is neither number, text, list nor table is written as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, str):
        return as_text(value)[:MOST_LETTERS]
    if isinstance(value, Path):
        return as_text(str(value))
    if isinstance(value, Mapping) and depth < MOST_DEPTH:
        return {as_text(str(key)): plain(item, depth + 1) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray) and depth < MOST_DEPTH:
        return [plain(item, depth + 1) for item in value if item is not None]
    if hasattr(value, "item"):
        with suppress(ValueError, RuntimeError, TypeError):  # more than one number
            return plain(value.item(), depth + 1)
    return as_text(str(value))[:MOST_LETTERS]
