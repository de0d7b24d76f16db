"""A search space is checked as a preset is, and makes presets."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import EXIT_USAGE, PresetError
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.default_space import default_ranges, default_space
from workbench.tuning.dimensions import Numbers, Options
from workbench.tuning.space import SearchSpace, corners

PRESET = Preset().override(["model.hidden=[64]", "optimizer.learning_rate=0.002"])
CONDITIONAL: dict[str, Any] = {
    "optimizer.momentum": {"low": 0.5, "high": 0.99},
    "optimizer.learning_rate": {"low": 1e-4, "high": 0.1},
    "optimizer.name": {"choices": ["adam", "sgd"]},
    "model.hidden": {"choices": [[64], [128, 64]]},
    "data.batch_size": {"low": 16, "high": 64, "step": 16},
}


def test_the_choices_come_first_and_settings_know_whose_they_are() -> None:
    space = SearchSpace.parse(CONDITIONAL, PRESET)
    assert space.dimensions == (
        Options("optimizer.name", ("adam", "sgd")),
        Numbers("optimizer.momentum", 0.5, 0.99, labels=frozenset({"sgd", "rmsprop"})),
        Numbers("optimizer.learning_rate", 1e-4, 0.1, log=True),
        Options("model.hidden", ((64,), (128, 64))),
        Numbers("data.batch_size", 16, 64, is_whole=True, step=16),
    )
    assert [dimension.path for dimension in space.active({"optimizer.name": "adam"})] == [
        "optimizer.name",
        "optimizer.learning_rate",
        "model.hidden",
        "data.batch_size",
    ]
    assert "optimizer.momentum" in [dimension.path for dimension in space.active({"optimizer.name": "sgd"})]


def test_a_trial_is_the_preset_with_other_values() -> None:
    space = SearchSpace.parse(CONDITIONAL, PRESET.model_copy(update={"search": {"a.b": Range(low=1, high=2)}}))
    values = {"optimizer.name": "sgd", "optimizer.momentum": 0.8, "model.hidden": [128, 64], "data.batch_size": 32}
    trial = space.apply(PRESET, values)
    expected = ["optimizer.name=sgd", "optimizer.momentum=0.8", "model.hidden=[128, 64]", "data.batch_size=32"]
    assert trial == PRESET.override(expected)
    assert trial.search == {}
    assert space.own_values(trial) == {
        "optimizer.name": "sgd",
        "optimizer.momentum": 0.8,
        "optimizer.learning_rate": 0.002,
        "model.hidden": (128, 64),
        "data.batch_size": 32,
    }


def test_the_presets_own_values_are_trial_0() -> None:
    space = SearchSpace.parse(CONDITIONAL, PRESET)
    own = space.own_values(PRESET)
    assert own == {
        "optimizer.name": "adam",
        "optimizer.learning_rate": 0.002,
        "model.hidden": (64,),
        "data.batch_size": 64,
    }
    assert space.apply(PRESET, own) == PRESET
    assert space.contains(own)
    assert space.completed({}, PRESET) == own
    assert not space.contains(own | {"data.batch_size": 24})


@pytest.mark.parametrize(
    ("path", "range_", "log"),
    [
        ("optimizer.learning_rate", Range(low=0.001, high=0.002), True),  # declared so
        ("training.gradient_clip_norm", Range(low=0.5, high=5.0), True),  # 10 times
        ("training.gradient_clip_norm", Range(low=0.5, high=4.9), False),
        ("training.gradient_clip_norm", Range(low=0.5, high=5.0, log=False), False),
        ("training.gradient_clip_norm", Range(low=0.0, high=5.0), False),
        ("data.batch_size", Range(low=16, high=512, step=16), False),
    ],
)
def test_the_scale_is_logarithmic_where_factors_matter(path: str, range_: Range, log: bool) -> None:
    [dimension] = SearchSpace.parse({path: range_}, PRESET).dimensions
    assert isinstance(dimension, Numbers)
    assert dimension.log is log


def test_ranges_are_described_as_they_are_typed() -> None:
    assert SearchSpace.parse(CONDITIONAL, PRESET).describe() == {
        "optimizer.name": "adam|sgd",
        "optimizer.momentum": "0.5..0.99",
        "optimizer.learning_rate": "0.0001..0.1 log",
        "model.hidden": "[64]|[128, 64]",
        "data.batch_size": "16..64 step 16",
    }


BAD: list[tuple[str, Any, str]] = [
    ("optimizer.lr", Range(low=1, high=2), "there is no such setting; known: learning_rate"),
    ("optimizer.learning_rat", Range(low=1, high=2), "did you mean learning_rate?"),
    ("model.activation", Range(choices=("relu", "gelu")), "did you mean activation.name?"),
    ("optimiser.name", Range(choices=("sgd",)), "did you mean optimizer?"),
    ("optimizer.momentum", Range(low=0.1, high=0.9), "is a setting of sgd or rmsprop, but optimizer.name is adam: it"),
    ("optimizer.learning_rate", Range(low=0, high=1), "0.0 is not possible: must be greater than 0"),
    ("optimizer.learning_rate", Range(low=1, high=2000), "2000.0 is not possible: must be at most 1000"),
    ("model.dropout", Range(choices=(0.1, 1.0)), "1.0 is not possible: must be less than 1"),
    ("activation.name", Range(choices=("rel", "gelu")), '"rel" is not known; did you mean relu?'),
    ("optimizer.name", Range(low=1, high=2), "needs choices, of sgd, adam"),
    ("model.hidden", Range(low=1, high=3), "is no number (list of (whole number, ≥ 1, ≤ 1000000))"),
    ("data.batch_size", Range(low=1.5, high=8), "1.5 is not possible: needs a whole number"),
    ("data.batch_size", Range(choices=(16, "x")), '"x" is not possible: needs a whole number'),
    ("data.batch_size", Range(low=1, high=9, step=0.5), "step 0.5 needs to be a whole number"),
    ("optimizer.betas", Range(choices=((0.9, 2.0),)), "entry 2 must be less than 1"),
    ("training.keep_best", Range(choices=(True, 2)), "2 is not possible: needs true or false"),
    ("runtime.engine", Range(choices=("fast",)), "must be 'auto', 'eager'"),
    ("data.name", Range(choices=("iris", "wine")), "trials with different data sets cannot be compared"),
    ("validation.seed", Range(low=1, high=9), "trials with different splits cannot be compared"),
    ("training.seed", Range(low=1, high=5), "the best seed is best by chance; how far seeds move the result is shown"),
    ("training.monitor", Range(choices=("loss",)), "trials with different metrics cannot be compared"),
    ("model.name", Range(choices=("mlp", "module")), "model.name = module: model.function: is needed"),
    ("name", Range(choices=("a", "b")), "there is no such setting"),
    ("optimizer.learning_rate@sgd", Range(low=0.1, high=1), "optimizer.name is never sgd"),
    ("optimizer.learning_rate@", Range(low=0.1, high=1), "optimizer.name is never empty"),
    ("optimizer.name@adam", Range(choices=("adam",)), "is the same setting for all choices; leave out @adam"),
    ("data.batch_size@adam", Range(low=1, high=9), "data.name is never adam"),
    ("training.epochs@adam", Range(low=1, high=9), "is the same setting for all choices; leave out @adam"),
    ("model.arguments.depth", Range(low=1, high=3), "is a setting of module, but model.name is mlp"),
]


@pytest.mark.parametrize(("path", "range_", "problem"), BAD)
def test_what_cannot_be_searched_is_refused_with_place_and_reason(path: str, range_: Range, problem: str) -> None:
    with pytest.raises(PresetError) as refused:
        SearchSpace.parse({path: range_}, PRESET, "test")
    assert str(refused.value).startswith(f"test: {path}")
    assert problem in str(refused.value)
    assert refused.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({}, "nothing is searched"),
        ({"optimizer.learning_rate": {"low": 2, "high": 1}}, "low must be less than high"),
        ({"optimizer.learning_rate": {"low": 1}}, "needs low and high, or choices"),
        ({"optimizer.learning_rate": 3}, "needs a table"),
    ],
)
def test_tables_are_checked_as_those_of_a_preset(mapping: dict[str, Any], problem: str) -> None:
    with pytest.raises(PresetError, match=problem):
        SearchSpace.parse(mapping, PRESET)


def test_whole_numbers_and_others_are_as_the_setting_has_them() -> None:
    ranges = {"data.batch_size": Range(low=1e1, high=1e2), "model.dropout": Range(choices=(0, 0.5))}
    batch_size, dropout = SearchSpace.parse(ranges, PRESET).dimensions
    assert repr(batch_size.grid(2)) == "[10, 100]"
    assert repr(dropout.grid(2)) == "[0.0, 0.5]"


def test_arguments_of_the_users_function_are_searched_by_the_type_of_their_value() -> None:
    mine = Preset().override(["model.name=module", "model.function=mine:net", "model.arguments={depth = 2}"])
    space = SearchSpace.parse({"model.arguments.depth": Range(low=1, high=4)}, mine)
    assert space.dimensions == (Numbers("model.arguments.depth", 1, 4, is_whole=True, step=1),)
    assert space.apply(mine, {"model.arguments.depth": 3}).flat()["model.arguments.depth"] == 3
    with pytest.raises(PresetError, match="give it a value in the preset first"):
        SearchSpace.parse({"model.arguments.width": Range(low=1, high=4)}, mine)
    with pytest.raises(PresetError, match="needs a value like the present one, 2"):
        SearchSpace.parse({"model.arguments.depth": Range(choices=(1, "two"))}, mine)


def test_every_choice_and_every_end_is_in_a_corner() -> None:
    space = SearchSpace.parse(CONDITIONAL, PRESET)
    found = corners(space, PRESET)
    seen = {(path, value) for corner in found for path, value in space.own_values(corner).items()}
    wanted = {(dimension.path, value) for dimension in space.dimensions for value in dimension.extremes}
    assert wanted <= seen
    assert len(found) <= 4


RATES: dict[str, Any] = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 0.01},
    "optimizer.learning_rate@sgd": {"low": 0.01, "high": 1},
    "optimizer.name": {"choices": ["adam", "sgd", "nadam"]},
}


def test_a_range_may_be_for_one_choice() -> None:
    space = SearchSpace.parse(RATES, PRESET)
    _, others, sgd = space.dimensions
    assert sgd == Numbers("optimizer.learning_rate", 0.01, 1.0, log=True, labels=frozenset({"sgd"}), choice="sgd")
    assert space.active({"optimizer.name": "sgd"})[1:] == [sgd]
    assert space.active({"optimizer.name": "nadam"})[1:] == [others]
    assert space.contains({"optimizer.name": "sgd", "optimizer.learning_rate": 0.5})
    assert not space.contains({"optimizer.name": "adam", "optimizer.learning_rate": 0.5})
    assert space.paths == ["optimizer.name", "optimizer.learning_rate"]
    assert space.spans[1] == Numbers("optimizer.learning_rate", 1e-4, 1.0, log=True)
    assert space.describe()["optimizer.learning_rate@sgd"] == "0.01..1 log"
    tried = {(corner.optimizer.name, corner.optimizer.learning_rate) for corner in corners(space, PRESET)}
    assert {("adam", 1e-4), ("sgd", 0.01), ("sgd", 1.0)} <= tried


def test_ranges_of_choices_must_be_of_use_and_alike() -> None:
    with pytest.raises(PresetError, match="each optimizer has a range of its own; leave this one out"):
        SearchSpace.parse(RATES | {"optimizer.name": {"choices": ["sgd"]}}, PRESET)
    with pytest.raises(
        PresetError, match=r"optimizer\.momentum is a setting of sgd or rmsprop, but optimizer.name is adam"
    ):
        SearchSpace.parse(RATES | {"optimizer.momentum@adam": {"low": 0.1, "high": 0.9}}, PRESET)
    alike = {"optimizer.learning_rate@sgd": {"choices": [0.1, 1.0]}}
    with pytest.raises(PresetError, match="must all be low and high, or all choices"):
        SearchSpace.parse(RATES | alike, PRESET)


def test_corners_that_do_not_fit_together_are_refused() -> None:
    sgd = Preset().override(["optimizer.name=sgd"])
    ranges = {"optimizer.momentum": Range(low=0.0, high=0.9), "optimizer.nesterov": Range(choices=(True, False))}
    with pytest.raises(PresetError, match="nesterov needs momentum above 0"):
        corners(SearchSpace.parse(ranges, sgd), sgd)


@pytest.mark.parametrize("name", library.names())
def test_every_preset_has_a_default_space_around_what_it_has(name: str) -> None:
    preset = library.load(name)
    space = default_space(preset)
    own = space.own_values(preset)
    for dimension in space.dimensions:
        if dimension.path in own and dimension.path != "optimizer.weight_decay":  # 0 lies on no logarithmic scale
            assert dimension.contains(own[dimension.path]), dimension.path
    assert set(space.paths) == set(default_ranges(preset))
    assert corners(space, preset)


def test_the_default_space_of_a_small_network() -> None:
    assert default_space(PRESET).describe() == {
        "optimizer.name": "adam|adamw|sgd",
        "schedule.name": "constant|cosine|one_cycle",
        "activation.name": "relu|gelu|silu",
        "optimizer.learning_rate": "0.0001..1.0 log",
        "optimizer.weight_decay": "1e-06..0.1 log",
        "optimizer.momentum": "0.5..0.99",
        "data.batch_size": "16|32|64|128|256",
        "model.hidden": "[64]|[32]|[128]|[64, 32]|[64, 64]",
        "model.dropout": "0.0..0.5",
    }
