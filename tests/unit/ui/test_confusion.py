"""Classes of a confusion matrix: their order, their names, and the shades of its cells."""

from __future__ import annotations

import pytest
from textual.color import Color

from workbench.ui.live.class_labels import row_and_column_names, short_names
from workbench.ui.live.confusion import neighbours_by_confusion
from workbench.ui.look.heat import LEAST_CONTRAST, LEVELS, Heat, contrast, level_of
from workbench.ui.look.themes import DARK, LIGHT


def matrix(size: int, **mistakes: int) -> list[list[int]]:
    """A matrix with 100 right predictions a class; mistakes: such as c0_4=12."""
    made = [[100 * (row == column) for column in range(size)] for row in range(size)]
    for name, value in mistakes.items():
        row, column = map(int, name[1:].split("_"))
        made[row][column] = value
    return made


def test_nothing_confused_leaves_the_order() -> None:
    assert neighbours_by_confusion(matrix(5)) == [0, 1, 2, 3, 4]


def test_the_most_confused_pairs_stand_side_by_side() -> None:
    assert neighbours_by_confusion(matrix(6, c0_4=30, c2_5=20)) == [0, 4, 1, 2, 5, 3]
    assert neighbours_by_confusion(matrix(6, c4_0=30, c0_5=20)) == [4, 0, 5, 1, 2, 3]


def test_a_chain_joins_at_its_ends_only() -> None:
    # 1 stands between 0 and 2 already: there is no place beside it for 3.
    assert neighbours_by_confusion(matrix(5, c0_1=40, c1_2=30, c1_3=20)) == [0, 1, 2, 3, 4]


def test_it_is_the_fraction_of_a_class_that_counts() -> None:
    rare = matrix(4, c0_1=20)
    rare[3] = [0, 5, 0, 5]  # half of the samples of 3
    rare[0][2] = 15
    assert neighbours_by_confusion(rare) == [2, 0, 1, 3]


def test_the_short_form_of_a_name_is_taken_where_all_have_one() -> None:
    assert short_names(["0 - zero", "1 - one"]) == ["0", "1"]
    assert short_names(["4 - four", "4 - vier"]) == ["4 - four", "4 - vier"]
    assert short_names(["a - b", "c"]) == ["a - b", "c"]
    assert short_names(["two\nlines", ""]) == ["two lines", "''"]


def test_names_that_cannot_be_told_apart_in_a_column_become_numbers() -> None:
    assert row_and_column_names(["cat", "dog"], 3) == (["cat", "dog"], ["cat", "dog"])
    assert row_and_column_names(["catfish", "dogfish"], 3) == (["catfish", "dogfish"], ["cat", "dog"])
    assert row_and_column_names(["trouser", "trolley"], 3) == (["1 trouser", "2 trolley"], ["1", "2"])


def test_a_fraction_has_a_level_and_a_small_one_is_seen() -> None:
    assert level_of(0.0) == 0
    assert level_of(1e-6) == 1
    assert level_of(1.0) == LEVELS
    assert level_of(1 / 8) == LEVELS // 2
    assert level_of(0.04) > level_of(0.01) > 0


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("colour", ["train", "warning"])
def test_a_number_can_be_read_on_every_shade(theme: object, colour: str) -> None:
    variables = theme.to_color_system().generate() | theme.variables  # type: ignore[attr-defined]
    heat = Heat(variables, mixes=True)
    shades = set()
    for level in range(1, LEVELS + 1):
        style = heat.style(colour, (level / LEVELS) ** 3)
        assert style.color is not None
        assert style.bgcolor is not None
        assert contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)) >= LEAST_CONTRAST
        shades.add(str(style.bgcolor))
    assert len(shades) == LEVELS
    assert not heat.style(colour, 0.0)


def test_sixteen_colours_are_not_mixed() -> None:
    heat = Heat({"train": "ansi_cyan"}, mixes=False)
    low, high = heat.style("train", 0.01), heat.style("train", 1.0)
    assert low.bgcolor is high.bgcolor is None
    assert (low.reverse, high.reverse) == (None, True)
