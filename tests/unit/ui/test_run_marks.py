"""The marks of runs."""

from __future__ import annotations

from workbench.ui.look.run_marks import RunMarks


def test_a_run_keeps_its_mark_and_shares_it_with_no_other() -> None:
    marks = RunMarks()
    first = marks.of("first")
    others = [marks.of(f"run {number}") for number in range(200)]
    assert (first.letter, first.style) == ("A", "overlay-1")
    assert [other.letter for other in others[:3]] == ["B", "C", "D"]
    assert len({first.letter, *(other.letter for other in others)}) == 201
    assert marks.of("first") == first


def test_a_renamed_run_keeps_its_mark() -> None:
    marks = RunMarks()
    marks.of("other")
    before = marks.of("before")
    marks.rename("before", "now")
    assert marks.of("now") == before
