"""Ranges as they are typed mean what they say, and are written as they are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import PresetError
from workbench.settings.search import Range
from workbench.tuning.ranges import is_range, parse_range, parse_searches, range_text


@pytest.mark.parametrize(
    ("text", "range_", "trials"),
    [
        ("1e-4..1e-1", Range(low=1e-4, high=1e-1), None),
        ("1e-4..1e-1 x20", Range(low=1e-4, high=1e-1), 20),
        (" 1 .. 5  × 3 ", Range(low=1, high=5), 3),
        ("-1..0.5", Range(low=-1, high=0.5), None),
        ("16..512 step 16", Range(low=16, high=512, step=16), None),
        ("1..5 log", Range(low=1, high=5, log=True), None),
        ("1..100 linear x7", Range(low=1, high=100, log=False), 7),
        ("1_000..2_000", Range(low=1000, high=2000), None),
        ("relu|gelu|mish", Range(choices=("relu", "gelu", "mish")), None),
        ("16|32 x4", Range(choices=(16, 32)), 4),
        ("[64]|[128, 64]", Range(choices=((64,), (128, 64))), None),
        ("true|false", Range(choices=(True, False)), None),
        ('"a|b"|c', Range(choices=("a|b", "c")), None),
        ("a x3|b", Range(choices=("a x3", "b")), None),
    ],
)
def test_what_is_typed_is_understood(text: str, range_: Range, trials: int | None) -> None:
    assert parse_range(text, "test") == (range_, trials)
    assert is_range(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "test: nothing is no range: write a range as 1e-4..1e-1, or choices as relu|gelu|mish"),
        ("relu", "test: relu is no range"),
        ("1e-4..", "high is missing, but must be a number"),
        ("..3", "low is missing, but must be a number"),
        ("a..b", "low is a, but must be a number"),
        ("0..inf", "high is inf, but must be a number"),
        ("3..1", "low must be less than high, but 3 is not less than 1"),
        ("2..2", "low must be less than high, but 2 is not less than 2"),
        ("0..1 log", "a log range must begin above 0, but low is 0"),
        ("1..2 x0", "the number of trials must be at least 1"),
        ("1..2 foo", "foo is not understood; after 1..2 may stand log, linear, step S, and x20 for 20 trials"),
        ("1..9 step", "step is not understood"),
        ("1..9 step 0", "step must be above 0"),
        ("relu||mish", "a choice is empty"),
        ("relu|", "a choice is empty"),
        ("a|a", 'choices has "a" twice'),
        (f"0..{'9' * 400}", "must be a finite number"),
    ],
)
def test_what_is_no_range_is_explained(text: str, problem: str) -> None:
    with pytest.raises(PresetError) as refused:
        parse_range(text, "test")
    assert problem in str(refused.value)


@pytest.mark.parametrize("text", ["0.001", "relu", "../shared/data.csv", "1...5", "", "[1, 2]", '"a|b"'])
def test_a_plain_value_is_no_range(text: str) -> None:
    assert not is_range(text)


def test_options_are_read_together() -> None:
    ranges, trials = parse_searches(["optimizer.learning_rate = 1e-4..1e-1 x20", "activation.name=relu|gelu"])
    assert ranges == {
        "optimizer.learning_rate": Range(low=1e-4, high=1e-1),
        "activation.name": Range(choices=("relu", "gelu")),
    }
    assert trials == 20


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["optimizer.learning_rate"], "write it as key.path=RANGE"),
        (["=1..2"], "write it as key.path=RANGE"),
        (["a.b=1..2", "a.b=3..4"], "--search a.b: is given twice"),
        (["a.b=1..2 x3", "a.c=3..4 x5"], "both 3 and 5 trials are asked for"),
        (["a.b=2..1"], "--search a.b: 2..1: low must be less than high"),
    ],
)
def test_options_that_cannot_be_are_explained(options: list[str], problem: str) -> None:
    with pytest.raises(PresetError) as refused:
        parse_searches(options)
    assert problem in str(refused.value)


NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
SCALARS = (
    NUMBERS
    | st.booleans()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["true", "1e5", "nan", "1..2", "a|b", "x20", "[", '"', "1979-05-27", "relu"])
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    if draw(st.booleans()):
        values: Any = SCALARS | st.lists(SCALARS, max_size=3).map(tuple)
        return Range(choices=tuple(draw(st.lists(values, min_size=2, max_size=4, unique_by=repr))))
    low, high = sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True)))
    log = draw(st.sampled_from([None, False] if low <= 0 else [None, False, True]))
    with_step = log is not True and draw(st.booleans()) and (high - low) / 3 > 0
    return Range(low=low, high=high, log=log, step=(high - low) / 3 if with_step else None)


@given(ranges(), st.none() | st.integers(1, 999))
def test_a_range_is_written_as_it_is_read(range_: Range, trials: int | None) -> None:
    text = range_text(range_) + (f" x{trials}" if trials else "")
    read, asked = parse_range(text, "test")
    # As text, for to Python 1, 1.0 and True are one and the same.
    assert (repr(read), asked) == (repr(range_), trials)
    assert is_range(range_text(range_))
