"""Missing values: finds them, and drops their rows or raises an error."""

from __future__ import annotations

from collections import Counter

from workbench.data.delimited import Rows
from workbench.data.filling import FILLINGS
from workbench.errors import DataError

NAMED_COLUMNS = 3
"""The most columns that are named, those with the most missing values first."""


def without_missing(
    rows: Rows, names: list[str], target: str, missing: str, markers: tuple[str, ...], *, ignorable: bool = True
) -> tuple[Rows, str]:
    """Returns the rows without missing values in the columns `names` and `target`, and says what was left out.

    markers: the exact texts that stand for a missing value. missing: "drop" leaves out rows with missing values;
    "error" raises DataError if there are any; a way to fill in what is missing leaves out rows without a target.
    ignorable: whether data.ignore may name columns.
    """
    if missing in FILLINGS:
        names, missing = [], "drop"
    texts = frozenset(markers)
    columns = [(rows.header.index(name), name) for name in [*names, target]]
    cells = [(row, name) for row, values in enumerate(rows.values) for index, name in columns if values[index] in texts]
    if not cells:
        return rows, ""
    incomplete = {row for row, _ in cells}
    emptiest = emptiest_columns(Counter(name for _, name in cells))
    if missing == "error":
        first, name = cells[0]
        value = rows.value(first, name)
        found = f"{value!r} is " if value else ""
        kept = f'; if {value!r} is an ordinary value, data.missing_values = [""] keeps it' if value else ""
        ignore = ', "median" to fill them in, or name columns in data.ignore' if ignorable else ""
        raise DataError(
            f"{rows.place(first, name)}: {found}the first of {len(cells)} missing values in {len(incomplete)} of "
            f"{len(rows.values)} rows ({emptiest}); fill them in, set "
            f'data.missing = "drop" to leave such rows out{ignore}{kept}'
        )
    left_out = f"left out {len(incomplete)} of {len(rows.values)} rows with missing values ({emptiest})"
    left_out += _lost_classes(rows, target, incomplete, texts)
    if len(incomplete) == len(rows.values):
        advice = ". Name the emptiest columns in data.ignore" if ignorable else ""
        raise DataError(f"{rows.file}: {left_out}; no row is left{advice}")
    kept_rows = [row for row in range(len(rows.values)) if row not in incomplete]
    return rows.only(kept_rows), left_out


def emptiest_columns(missing: Counter[str]) -> str:
    """The columns with the most missing values, and how many: 'age' lacks 3. missing: how many each column has."""
    counts = missing.most_common()
    more = f" and {len(counts) - NAMED_COLUMNS} other columns" if len(counts) > NAMED_COLUMNS else ""
    return ", ".join(f"{name!r} lacks {count}" for name, count in counts[:NAMED_COLUMNS]) + more


def _lost_classes(rows: Rows, target: str, incomplete: set[int], texts: frozenset[str]) -> str:
    """Names the target values that are lost: words that were read as missing, and classes without a complete row."""
    values = rows.column(target)
    counts = Counter(values)
    words = [f"{word!r} occurs {counts[word]} times" for word in sorted(texts & set(counts)) if word]
    note = ""
    if words:
        note = f'; {", ".join(words)} in the target: if it is an ordinary value, data.missing_values = [""] keeps it'
    kept = {value for row, value in enumerate(values) if row not in incomplete}
    # Values that occur once are numbers, not classes.
    lost = [value for value, count in counts.items() if count > 1 and value not in kept and value not in texts]
    if lost:
        listed = ", ".join(map(repr, lost[:NAMED_COLUMNS])) + (", …" if len(lost) > NAMED_COLUMNS else "")
        note += f"; this removes every row whose target is {listed}"
    return note
