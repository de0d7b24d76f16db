"""Writes what is on the screen as files: a picture (SVG), and the text alone."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from textual.app import App


def take_screenshot(app: App[Any], folder: Path) -> str:
    """Writes the screen as workbench-<time>.svg and .txt into a folder; returns both names. Raises OSError."""
    stem = f"workbench-{datetime.now():%Y-%m-%d-%H%M%S}"
    written = {".svg": app.export_screenshot(title="workbench"), ".txt": text_of(app)}
    for suffix, content in written.items():
        (folder / f"{stem}{suffix}").write_text(content, encoding="utf-8")
    return f"{stem}.svg and .txt"


def text_of(app: App[Any]) -> str:
    """What a person reads on the screen, a line a row, dialogs included."""
    width, height = app.size
    console = Console(width=width, height=height, file=io.StringIO(), record=True, color_system=None)
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    console.print(update, end="")
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"
