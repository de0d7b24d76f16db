"""Left and right go from any value to a round one beside it, and never out of bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.settings.strategies import presets
from workbench.settings.base import Settings
from workbench.settings.preset import Preset
from workbench.ui.form.draft import Draft
from workbench.ui.form.fields import fields_of
from workbench.ui.form.stepping import live_rate, stepped


def schema(table: str, key: str, preset: Preset | None = None) -> dict[str, Any]:
    model: type[Settings] = type(getattr(preset or Preset(), table))
    return next(field.schema for field in fields_of(model) if field.key == key)


@pytest.mark.parametrize(
    ("table", "key", "values"),
    [
        ("optimizer", "learning_rate", (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)),
        ("optimizer", "weight_decay", (0.0, 1e-5, 2e-5, 5e-5, 1e-4)),
        ("optimizer", "eps", (0.0, 1e-10, 2e-10, 5e-10, 1e-9)),
        ("data", "batch_size", (1, 2, 4, 8, 16, 32, 64, 128)),
        ("training", "epochs", (1, 2, 5, 10, 20, 50, 100)),
        ("training", "seed", (0, 1, 2, 3)),
        ("model", "dropout", (0.0, 0.05, 0.1, 0.15, 0.2)),
        ("validation", "fraction", (0.05, 0.1, 0.15, 0.2)),
    ],
)
def test_each_setting_steps_in_its_own_way_up_and_down(table: str, key: str, values: tuple[float, ...]) -> None:
    how = schema(table, key)
    assert [stepped(value, how, 1) for value in values[:-1]] == list(values[1:])
    assert [stepped(value, how, -1) for value in values[1:]] == list(values[:-1])


@pytest.mark.parametrize(
    ("table", "key", "value", "down", "up"),
    [
        ("optimizer", "learning_rate", 0.003, 0.002, 0.005),
        ("optimizer", "learning_rate", 1000.0, 500.0, 1000.0),
        ("data", "batch_size", 100, 64, 128),
        ("data", "batch_size", 1, 1, 2),
        ("data", "batch_size", 9_000_000, 8_388_608, 10_000_000),
        ("training", "epochs", 30, 20, 50),
        ("training", "epochs", 1, 1, 2),
        ("model", "dropout", 0.0, 0.0, 0.05),
        ("model", "dropout", 0.97, 0.95, 0.97),
        ("model", "dropout", 0.33, 0.3, 0.35),
        ("validation", "fraction", 0.05, 0.05, 0.1),
    ],
)
def test_a_step_lands_on_a_round_value_and_stops_at_a_bound(
    table: str, key: str, value: float, down: float, up: float
) -> None:
    assert stepped(value, schema(table, key), -1) == down
    assert stepped(value, schema(table, key), 1) == up


def test_choices_and_switches_go_round() -> None:
    precision = schema("runtime", "precision")
    assert stepped("float32", precision, -1) == "fp16"
    assert stepped("fp16", precision, 1) == "float32"
    assert stepped(False, schema("data", "flip"), 1) is True
    assert stepped(True, schema("data", "flip"), 1) is False


def test_a_list_of_class_weights_steps_back_to_a_name() -> None:
    weights = schema("loss", "class_weights")
    assert stepped("equal", weights, 1) == "balanced"
    assert stepped((1.0, 2.0), weights, 1) == "equal"


@settings(max_examples=100, deadline=None)
@given(presets(), st.sampled_from((-1, 1)))
def test_no_step_from_any_value_is_ever_refused(values: dict[str, Any], direction: int) -> None:
    preset = Preset.from_mapping(values, "generated")
    for row in Draft(preset).rows():
        if row.is_head or not row.can_step or row.path == "optimizer.nesterov":
            continue
        draft = Draft(preset)
        draft.step(row.path, direction)
        problem = draft.problems.get(row.path, "")
        between_two = problem.startswith("nesterov needs") or "cannot be divided by heads" in problem
        assert not problem or between_two, (row, problem)


def test_the_rate_of_a_run_is_stepped_within_a_factor_of_a_hundred_of_where_it_began() -> None:
    """screen #12: sixty presses of ] ended at 1e+37."""
    rate = 0.01
    for _ in range(60):
        rate = live_rate(rate, 0.01, 1)
    assert rate == 1.0
    for _ in range(60):
        rate = live_rate(rate, 0.01, -1)
    assert rate == 0.0001
    assert live_rate(1.0, 0.07, 1) == 2.0
    assert live_rate(5.0, 0.07, 1) == 5.0, "ten is more than seven"


def test_nor_beyond_the_bounds_of_the_setting() -> None:
    assert live_rate(500.0, 100.0, 1) == 1000.0
    assert live_rate(1000.0, 100.0, 1) == 1000.0


def test_a_rate_that_was_typed_far_away_is_stepped_back() -> None:
    assert live_rate(700.0, 0.01, -1) == 500.0
    assert live_rate(700.0, 0.01, 1) == 700.0
    assert live_rate(1e-9, 0.01, 1) == 2e-9
