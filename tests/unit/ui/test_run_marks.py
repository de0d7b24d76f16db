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


def test_a_name_that_got_a_mark_before_its_run_was_renamed_to_it_leaves_that_mark_to_nobody() -> None:
    marks = RunMarks()
    assert [marks.of(name).letter for name in ("before", "now", "other")] == ["A", "B", "C"]
    marks.rename("before", "now")
    assert [marks.of(name).letter for name in ("now", "other", "new")] == ["A", "C", "D"]


def test_eight_colours_take_turns_with_and_without_dashes() -> None:
    marks = list(map(RunMarks().of, map(str, range(32))))
    assert [mark.style for mark in marks[:9]] == [*(f"overlay-{number}" for number in range(1, 9)), "overlay-1"]
    assert [mark.dashed for mark in marks] == ([False] * 8 + [True] * 8) * 2
