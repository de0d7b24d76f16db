"""Text in lines of a width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.pictures.wrapping import wrapped


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one two three", 7, ["one two", "three"]),
        ("a\nb", 7, ["a", "b"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("x abcdefgh y", 3, ["x", "abc", "def", "gh", "y"]),
        ("数据", 2, ["数", "据"]),
    ],
)
def test_lines_break_between_words_where_they_can(text: str, cells: int, expected: list[str]) -> None:
    assert wrapped(text, cells) == expected


def test_what_is_left_out_is_said_within_the_width() -> None:
    assert wrapped("one two three four", 5, 2) == ["one", "two…"]
    assert wrapped("one two three", 3, 1) == ["on…"]
    assert wrapped("one two", 7, 1) == ["one two"]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=80), st.integers(2, 20), st.integers(1, 4)
)
def test_no_line_is_wider_and_there_are_never_more(text: str, cells: int, most: int) -> None:
    lines = wrapped(text, cells, most)
    assert 1 <= len(lines) <= most
    assert all(cell_len(line) <= cells for line in lines)
