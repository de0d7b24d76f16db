"""Values that are missing: which they are, and what becomes of their rows."""

from __future__ import annotations

from collections import Counter

from workbench.data.delimited import Rows
from workbench.errors import DataError

NAMED_COLUMNS = 3
"""The most columns that are named, the emptiest first."""


def without_missing(
    rows: Rows, names: list[str], target: str, missing: str, markers: tuple[str, ...]
) -> tuple[Rows, str]:
    """The rows that have a value in each of the columns `names` and in `target`, and what was left out, in words.

    markers: what stands for a missing value, letter for letter. Where some are missing, missing = "drop" leaves their
    rows out; "error" raises DataError.
    """
    marks = frozenset(markers)
    columns = [(rows.header.index(name), name) for name in [*names, target]]
    gaps = [(row, name) for row, values in enumerate(rows.values) for index, name in columns if values[index] in marks]
    if not gaps:
        return rows, ""
    broken = {row for row, _ in gaps}
    if missing == "error":
        first, name = gaps[0]
        value = rows.value(first, name)
        found = f"{value!r} is " if value else ""
        kept = f'; if {value!r} is an ordinary value, data.missing_values = [""] keeps it' if value else ""
        raise DataError(
            f"{rows.place(first, name)}: {found}the first of {len(gaps)} missing values in {len(broken)} of "
            f"{len(rows.values)} rows ({_emptiest(gaps)}); fill them in, set "
            f'data.missing = "drop" to leave such rows out, or name columns in data.ignore{kept}'
        )
    left_out = f"left out {len(broken)} of {len(rows.values)} rows, which lack values ({_emptiest(gaps)})"
    left_out += _classes_gone(rows, target, broken, marks)
    if len(broken) == len(rows.values):
        raise DataError(f"{rows.file}: {left_out}; no row is left. Name the emptiest columns in data.ignore")
    kept_rows = [row for row in range(len(rows.values)) if row not in broken]
    return rows.only(kept_rows), left_out


def _emptiest(gaps: list[tuple[int, str]]) -> str:
    """The columns that lack most, and how many values."""
    counts = Counter(name for _, name in gaps).most_common()
    more = f" and {len(counts) - NAMED_COLUMNS} other columns" if len(counts) > NAMED_COLUMNS else ""
    return ", ".join(f"{name!r} lacks {count}" for name, count in counts[:NAMED_COLUMNS]) + more


def _classes_gone(rows: Rows, target: str, broken: set[int], marks: frozenset[str]) -> str:
    """Values of the target that no other row has: a word that was taken for a gap, a class that lacks other values."""
    values = rows.column(target)
    counts = Counter(values)
    words = [f"{word!r} occurs {counts[word]} times" for word in sorted(marks & set(counts)) if word]
    said = ""
    if words:
        said = f'; {", ".join(words)} in the target: if it is an ordinary value, data.missing_values = [""] keeps it'
    left = {value for row, value in enumerate(values) if row not in broken}
    # Numbers that occur once are no classes.
    gone = [value for value, count in counts.items() if count > 1 and value not in left and value not in marks]
    if gone:
        listed = ", ".join(map(repr, gone[:NAMED_COLUMNS])) + (", …" if len(gone) > NAMED_COLUMNS else "")
        said += f"; this removes every row whose target is {listed}"
    return said
