"""What a person types is read as what they mean, and whatever is shown can be typed again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.settings.strategies import presets
from workbench.settings.preset import Preset
from workbench.settings.toml_text import from_toml, toml
from workbench.ui.form.draft import Draft
from workbench.ui.form.parsing import parse, shown, typed

WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
TEXT = {"type": "string"}
NUMBERS = {"type": "array", "items": WHOLE}
TEXTS = {"type": "array", "items": TEXT}
TABLE = {"type": "object"}

# Any text that a terminal can send: what is typed is one line.
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10)


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("0.003", NUMBER, 0.003),
        (" 1e-3 ", NUMBER, 0.001),
        ("1_000", WHOLE, 1000),
        ("1e3", WHOLE, 1000),
        ("1.5", WHOLE, 1.5),
        ("as typed", TEXT, "as typed"),
        ('" in quotes "', TEXT, " in quotes "),
        ('"', TEXT, '"'),
        ("512, 256", NUMBERS, (512, 256)),
        ("[512,256,]", NUMBERS, (512, 256)),
        ("", NUMBERS, ()),
        ("[]", NUMBERS, ()),
        ("512", NUMBERS, (512,)),
        ("age, my town", TEXTS, ("age", "my town")),
        ('"a, b", c', TEXTS, ("a, b", "c")),
        ("a=1, b=x", TABLE, {"a": 1, "b": "x"}),
        ("{a = 1.5, b = true}", TABLE, {"a": 1.5, "b": True}),
        ('a="1, 2"', TABLE, {"a": "1, 2"}),
        ("", TABLE, {}),
        ("nonsense", TABLE, "nonsense"),
        ("on", {"type": "boolean"}, True),
        ("FALSE", {"type": "boolean"}, False),
        ("tab", {"enum": ["auto", "\t"]}, "\t"),
        (r'"\t"', {"enum": ["auto", "\t"]}, "\t"),
    ],
)
def test_typed_text_is_read_by_the_type_of_the_setting(text: str, schema: dict[str, Any], value: object) -> None:
    read = parse(text, schema)
    assert (read, type(read)) == (value, type(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_shown_with_every_digit(value: float) -> None:
    assert parse(shown(value), NUMBER) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (0.0, "0.0"),
        (1e-8, "1e-8"),
        (4e-6, "4e-6"),
        (1e6, "1e6"),
        (0.1 + 0.2, "0.30000000000000004"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_shown_as_people_write_them(value: float, text: str) -> None:
    assert shown(value) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_text_can_be_typed_again(value: str) -> None:
    assert parse(typed(value), TEXT) == value
    assert from_toml(toml(value)) == value


@given(st.lists(LINE, max_size=4))
def test_any_list_can_be_typed_again(values: list[str]) -> None:
    assert parse(typed(tuple(values)), TEXTS) == tuple(values)


@given(st.dictionaries(LINE, LINE | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9), max_size=4))
def test_any_dictionary_can_be_typed_again(values: dict[str, Any]) -> None:
    assert toml(parse(typed(values), TABLE)) == toml(values)


@settings(max_examples=100, deadline=None)
@given(presets())
def test_entering_what_stands_in_a_row_changes_nothing(values: dict[str, Any]) -> None:
    draft = Draft(Preset.from_mapping(values, "generated"))
    for row in draft.rows():
        if row.kind != "table":
            assert draft.enter(row.path, row.typed) is None, row
    assert not draft.is_changed


@pytest.mark.parametrize("text", ["64 32", "64, 32", "64,32", "[64, 32]", " 64  32 ", "[64 32]", "(64, 32)", "64 32,"])
def test_whole_numbers_are_parted_by_commas_or_blanks(text: str) -> None:
    """screen/REPORT #29: 64 32 was refused, and nothing named the comma."""
    assert parse(text, {"type": "array", "items": {"type": "integer"}}) == (64, 32)


def test_a_blank_in_a_text_parts_nothing() -> None:
    assert parse("petal width, petal length", {"type": "array", "items": {"type": "string"}}) == (
        "petal width", "petal length",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("validation.fraction", "20%", 0.2),
        ("validation.fraction", "2.9 %", 0.029),
        ("model.dropout", "50%", 0.5),
        ("optimizer.betas", "90% 99.9%", (0.9, 0.999)),
        ("optimizer.learning_rate", "1e-3", 0.001),
        ("optimizer.learning_rate", ".5", 0.5),
        ("data.batch_size", "1,024", 1024),
        ("data.batch_size", "128 samples", 128),
        ("training.checkpoint_seconds", "90s", 90.0),
        ("training.checkpoint_seconds", "1.5 s", 1.5),
        ("training.early_stopping_patience", "Never", 0),
        ("training.gradient_clip_norm", "off", 0.0),
        ("runtime.num_threads", "auto", 0),
    ],
)
def test_a_value_is_taken_as_people_write_it(path: str, text: str, value: object) -> None:
    draft = Draft(Preset())
    assert draft.enter(path, text) is None
    assert draft.preset.flat()[path] == value


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("optimizer.learning_rate", "5%", "needs a number"),  # of what?
        ("optimizer.learning_rate", "0,001", "needs a number"),
        ("validation.fraction", "120%", "must be less than 1"),
        ("validation.fraction", "%", "needs a number"),
        ("validation.fraction", "half", "needs a number"),
        ("data.batch_size", "1k", "needs a whole number"),  # 1000 or 1024?
        ("data.batch_size", "64 seconds", "needs a whole number"),
        ("data.batch_size", "12,34", "needs a whole number"),
        ("training.epochs", "never", "needs a whole number"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_refused(path: str, text: str, fault: str) -> None:
    assert Draft(Preset()).check(path, text) == fault


def test_a_list_of_words_in_parentheses_keeps_them() -> None:
    assert parse("(a), b (kg)", TEXTS) == ("(a)", "b (kg)")
