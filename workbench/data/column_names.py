"""Checks that the columns named in the settings are in the table. Imports no torch: the app checks before a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from workbench.data.delimited import Rows
from workbench.errors import DataError


def check_names(rows: Rows, named: Mapping[str, Sequence[str]]) -> None:
    """Raises DataError for a column that is not in the table, or that two settings name.

    named: the columns that each setting names, by the setting's key path.
    """
    named_in: dict[str, str] = {}
    for setting, names in named.items():
        for name in names:
            if name not in rows.header:
                close = get_close_matches(name, rows.header, n=1)
                nearest = f", perhaps {close[0]!r}" if close else ""
                there = ", ".join(map(repr, rows.header))
                header = ""
                if rows.header_looks_like_values:
                    header = ". These look like values: the first line of the file must name its columns"
                elif rows.notes:
                    header = f" ({'; '.join(rows.notes)})"
                raise DataError(f"{setting}: {rows.file} has no column {name!r}{nearest}; it has {there}{header}")
            if named_in.setdefault(name, setting) != setting:
                raise DataError(f"column {name!r} is named both in {named_in[name]} and in {setting}")
