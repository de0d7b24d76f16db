"""The sentence about the setting at the cursor: its meaning, its bounds, its fault.

Where the line is short, the default is left out first, then the end of the help; the bounds stay.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from workbench.advice.tuned import BATCH_SIZE, LEARNING_RATE
from workbench.ui.form.rows import Row
from workbench.ui.keys.actions import action
from workbench.ui.look.glyphs import Glyphs

MEASURED = (LEARNING_RATE, BATCH_SIZE)
"""The settings whose value can be measured."""
MEASURE_KEY, DATA_KEY = action("measure").shown_key, action("data").shown_key
DATA_SOURCE = "data"
NO_EFFECT = "no effect"
LEAST_HELP_CELLS = 12
"""A help that would be cut shorter than this is left out."""


def describe(
    row: Row, running: str | None, problem: str, width: int, style_of: Callable[[str], Style], glyphs: Glyphs
) -> Text:
    """Describes a setting in a line.

    running: the value that a run in progress uses, if it is another one; width: cells for the sentence.
    """
    label = (f"{row.label}  ", style_of("strong"))
    if problem:
        said = (f"{glyphs.wrong} {problem}", style_of("error"))
        bounds = f"  {row.bounds}" if row.bounds not in ("", "text") else ""
        return Text.assemble(label, said, (bounds, style_of("dim")), (f"  {row.help}", style_of("dim")))
    separator = " - " if glyphs.ascii else " · "
    unit = row.unit if row.unit not in row.bounds else ""
    kept = [f"running {running}" if running is not None else "", f"{row.bounds} {unit}".strip()]
    kept = [part for part in kept if part] + ([f"{MEASURE_KEY} measures it"] if row.path in MEASURED else [])
    kept += [f"{DATA_KEY} shows it"] if row.path == DATA_SOURCE else []
    default = [f"default {row.default}"] if row.default else []
    room = width - cell_len(label[0])
    meaning = f"{NO_EFFECT} here: {row.lacks}{separator}{row.help}" if row.lacks else row.help
    text = separator.join([*([meaning] if meaning else []), *kept, *default])
    if cell_len(text) > room and kept:
        text = separator.join([*_shortened(meaning, room - cell_len(separator.join(["", *kept])), glyphs), *kept])
    return Text.assemble(label, (text, style_of("text")))


def _shortened(help: str, room: int, glyphs: Glyphs) -> list[str]:
    """The help, or its beginning, or nothing, whichever fits."""
    if not help or cell_len(help) <= room:
        return [help] if help else []
    return [set_cell_size(help, room - 1).rstrip() + glyphs.ellipsis] if room >= LEAST_HELP_CELLS else []
