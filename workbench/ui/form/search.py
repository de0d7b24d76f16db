"""Finds settings by the words that the user types."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.ui.form.rows import Row


def found(rows: Sequence[Row], words: Sequence[str]) -> list[Row]:
    """The rows that match all words: in label, path, help or value, or by the label's initials."""
    return [row for row in rows if all(_has(row, word) for word in words)]


def best_match(rows: Sequence[Row], words: Sequence[str]) -> Row | None:
    """The likeliest row: the user typed its initials or the beginning of its label, or its name has the words."""
    typed = " ".join(words)

    def unlikeliness(row: Row) -> tuple[bool, bool, bool, bool]:
        return typed != _initials(row), not row.label.startswith(typed), typed not in row.label, typed not in row.path

    return min(found(rows, words), key=unlikeliness, default=None)


def _has(row: Row, word: str) -> bool:
    return word in f"{row.label} {row.path} {row.help} {row.value}".lower() or word == _initials(row)


def _initials(row: Row) -> str:
    """The usual abbreviation: lr for learning rate; empty for a label of one word."""
    words = row.label.split()
    return "".join(word[0] for word in words) if len(words) > 1 else ""
