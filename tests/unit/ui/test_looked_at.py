"""What the Judge screen looks at: cursors that stay where they belong, and what they say."""

from __future__ import annotations

from dataclasses import replace

from tests.ui.made_judge import DIGITS_JUDGED, IN_CELL, NUMBERS, NUMBERS_JUDGED
from workbench.processes.judging import Choice
from workbench.ui.live.judged_tables import as_text, residuals_table, samples_table
from workbench.ui.live.looked_at import LookedAt


def test_it_begins_at_the_cell_with_most_mistakes_and_stays_there_when_sorted() -> None:
    look = LookedAt(DIGITS_JUDGED)
    assert look.cell == Choice("cell", 4, 9)
    assert look.about_cell() == "12 of the 232 samples of 4 are predicted as 9 (5.2 %)"
    look.sort()
    assert look.matrix.names == list("0123456789")
    assert look.cell == Choice("cell", 4, 9)
    assert look.is_at((4, 9))


def test_a_cursor_stays_in_the_matrix() -> None:
    look = LookedAt(DIGITS_JUDGED, is_sorted=False)
    look.move_in_matrix(100, -100)
    assert look.cell == Choice("cell", 0, 9)
    look.move_in_matrix(-100, 100)
    assert look.cell == Choice("cell", 9, 0)
    look.go_to((4, 4))
    recognised = "220 of the 232 samples of 4 are recognised (94.8 %)"
    assert look.about_cell() == f"{recognised}; of 227 predicted as it, 96.9 % are"


def test_a_cell_that_was_opened_is_described_wherever_the_cursor_is() -> None:
    look = LookedAt(DIGITS_JUDGED)
    look.move_in_matrix(-3, 1)
    assert look.about_samples(Choice("cell", 3, 8)) == "5 of the 225 samples of 3 are predicted as 8 (2.2 %)"
    assert look.title_of(Choice("cell", 3, 8)) == "3 as 8"
    assert look.title_of(Choice("cell", 3, 3)) == "3, recognised"


def test_classes_and_targets_are_chosen_among_those_that_there_are() -> None:
    look = LookedAt(DIGITS_JUDGED)
    look.next_class(2)
    assert look.about_curves().startswith("AUC 0.980: of a sample of 3 and one of another class")
    look.next_class(100)
    assert look.place == 3
    look.next_class(-100)
    assert look.place == 0
    look.next_target(1)
    assert look.target == 0
    assert [each.which for each in look.kinds] == ["worst", "surprising"]


def test_numbers_have_no_matrix_and_no_mistakes() -> None:
    look = LookedAt(NUMBERS_JUDGED)
    assert not look.has_matrix
    assert look.curves is None
    assert look.about_curves() == ""
    assert [each.which for each in look.kinds] == ["worst"]
    assert not LookedAt().has_matrix


def test_a_perfect_model_and_classes_without_names() -> None:
    metrics = {"confusion": [[3, 0], [0, 4]]}
    perfect = replace(DIGITS_JUDGED, evaluation=replace(DIGITS_JUDGED.evaluation, classes=[], metrics=metrics))
    look = LookedAt(perfect)
    assert look.cell == Choice("cell", 0, 0)
    assert look.matrix.names == ["0", "1"]


def test_samples_and_residuals_are_copied_as_tables() -> None:
    lines = as_text(samples_table(IN_CELL.samples)).splitlines()
    assert lines[0].split("\t") == ["split", "number", "loss", "true", "predicted", "probability", "from"]
    assert lines[1].split("\t") == ["test", "20", "2.0", "4", "9", "0.9", "line 22"]
    assert as_text(samples_table(NUMBERS.samples)).splitlines()[2] == "test\t1\t2.0\t100.0\t139.0\t\t"
    table = residuals_table(NUMBERS_JUDGED.evaluation.residuals)
    assert table[1] == ["disease", 11.5, 9.9, 0.973, 0.4, 11.5]
