"""The names of the commands, apart from their code, so that opening the app does not import the parser."""

from __future__ import annotations

COMMANDS = ("train", "resume", "runs", "compare", "tune", "data", "predict", "evaluate", "export", "alerts")
"""In the order of `--help`. Any other first word is a preset to open in the app."""

SUBCOMMANDS: dict[str, tuple[str, ...]] = {
    "runs": ("tag", "note", "rename", "delete"),
    "alerts": ("test",),
    "tune": ("lr", "batch", "search", "repeat", "queue", "auto"),
}
"""Of the commands that have some."""

LISTING = ("runs", "alerts")
"""Those of them that do something without a subcommand too."""
