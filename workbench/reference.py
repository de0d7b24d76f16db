"""Prints what `--list`, `--explain` and `--schema` ask for, from the declarations in workbench.settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from workbench import output
from workbench.errors import EXIT_DONE
from workbench.settings import explain

if TYPE_CHECKING:
    from rich.table import Table

WIDE_COLUMNS = 100
"""From this width on, lists also show the settings of each choice."""


def print_list(what: str) -> int:
    """Prints the choices of a family, or the presets. Raises UsageError for an unknown family."""
    rows = explain.list_choices(what)
    if not sys.stdout.isatty():
        for row in rows:
            # For cut and awk; and rich, which takes a while to import, is not needed.
            print("\t".join(" ".join(cell.split()) for cell in row))
        return EXIT_DONE
    from rich.text import Text

    last = "where" if what == "presets" else "settings and defaults"
    console = output.console()
    table = _table()
    table.add_column("name", style="bold cyan", no_wrap=True)
    table.add_column("what it is", ratio=3)
    wide = console.width >= WIDE_COLUMNS
    if wide:
        table.add_column(last, style="dim", ratio=2)
    for row in rows:
        table.add_row(*map(Text, row if wide else row[:2]))
    console.print(table)
    return EXIT_DONE


def print_explanation(path: str) -> int:
    """Prints every setting of a choice or a table. Raises UsageError for an unknown path."""
    from rich.padding import Padding
    from rich.text import Text

    console = output.console()
    for title, summary, rows in explain.explain(path):
        console.print(Text.assemble((title, "bold cyan"), "  ", summary))
        table = _table()
        table.add_column("setting", style="bold", no_wrap=True)
        table.add_column("type and bounds", ratio=2)
        table.add_column("default")
        table.add_column("meaning", ratio=3)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(Padding(table, (0, 0, 1, 2)) if rows else Padding("no settings", (0, 0, 1, 2)))
    return EXIT_DONE


def print_schema() -> int:
    """Prints the JSON schema of presets."""
    print(explain.schema())
    return EXIT_DONE


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
