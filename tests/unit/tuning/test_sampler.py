"""Samplers suggest what a space allows, the same each time, and after a restart what they would have suggested."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product
from random import Random
from statistics import median
from typing import Any

import pytest

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.near import near
from workbench.tuning.sampler import Sampler, fingerprint
from workbench.tuning.samplers import SAMPLERS, make_sampler
from workbench.tuning.space import SearchSpace

PRESET = Preset().override(["optimizer.learning_rate=0.002", "data.batch_size=32"])
SPACE = SearchSpace.parse(
    {
        "optimizer.name": Range(choices=("adam", "sgd")),
        "optimizer.learning_rate": Range(low=1e-4, high=1.0),
        "optimizer.momentum": Range(low=0.5, high=0.99),
        "optimizer.betas": Range(choices=((0.9, 0.99), (0.9, 0.999))),
        "data.batch_size": Range(low=16, high=128),
        "model.dropout": Range(low=0.0, high=0.5, step=0.1),
    },
    PRESET,
)
TRIALS = 24


def loss(values: dict[str, Any]) -> float | None:
    """Best for SGD at a rate of 0.1, with dropout 0.2; fails for large steps of Adam."""
    rate = float(values["optimizer.learning_rate"])
    if values["optimizer.name"] == "adam" and rate > 0.3:
        return None
    momentum = abs(float(values.get("optimizer.momentum", 0.0)) - 0.9)
    return abs(math.log10(rate / 0.1)) + 3 * abs(float(values["model.dropout"]) - 0.2) + momentum


def tell(sampler: Sampler, number: int, values: dict[str, Any]) -> None:
    """Every third trial was cut short after epoch 1."""
    sampler.tell(number, loss(values), 1 if number % 3 == 2 else None)


def search(sampler: Sampler, numbers: range) -> list[dict[str, Any]]:
    """What is suggested where trials run one by one."""
    found = []
    for number in numbers:
        suggestion = sampler.ask(number)
        assert suggestion is not None
        tell(sampler, number, suggestion.values)
        found.append(suggestion.values)
    return found


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "cmaes"])
def test_a_range_of_one_choice_holds_for_its_trials_alone(name: str) -> None:
    ranges = {
        "optimizer.name": Range(choices=("adam", "sgd")),
        "optimizer.learning_rate": Range(low=1e-4, high=1e-2),
        "optimizer.learning_rate@sgd": Range(low=0.1, high=10.0),
    }
    space = SearchSpace.parse(ranges, PRESET)
    found = search_in(make_sampler(name, space, PRESET, seed=3, maximize=False), 10)
    assert all(space.contains(values) for values in found)
    assert {values["optimizer.name"] for values in found} == {"adam", "sgd"}


def test_what_is_near_lies_at_the_same_place_of_another_choices_range() -> None:
    space = SearchSpace.parse(
        {
            "optimizer.name": Range(choices=("adam", "sgd")),
            "optimizer.learning_rate": Range(low=1e-4, high=1e-2),
            "optimizer.learning_rate@sgd": Range(low=0.1, high=10.0),
        },
        PRESET,
    )
    centre = {"optimizer.name": "adam", "optimizer.learning_rate": 1e-3}
    rates = [
        values["optimizer.learning_rate"]
        for seed in range(200)
        if (values := near(space, PRESET, centre, Random(seed)))["optimizer.name"] == "sgd"
    ]
    assert 1.0 in rates, "the middle of the one range is that of the other"
    assert 0.5 < median(rates) < 2


def search_in(sampler: Sampler, count: int) -> list[dict[str, Any]]:
    """The suggestions after the preset itself, where the larger rate is worse."""
    found = []
    for number in range(count + 1):
        suggestion = sampler.ask(number)
        if suggestion is None:
            break
        sampler.tell(number, suggestion.values["optimizer.learning_rate"])
        found.append(suggestion.values)
    return found[1:]


@pytest.mark.parametrize("name", SAMPLERS)
def test_trials_that_are_asked_for_before_any_is_known_have_distinct_settings(name: str) -> None:
    sampler = make_sampler(name, SPACE, PRESET, seed=1)
    found = [suggestion.values for number in range(16) if (suggestion := sampler.ask(number)) is not None]
    assert len({fingerprint(values) for values in found}) == 16
    for number, values in enumerate(found):
        tell(sampler, number, values)
    more = [suggestion.values for number in range(16, 32) if (suggestion := sampler.ask(number)) is not None]
    assert len({fingerprint(values) for values in (*found, *more)}) == 32


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_suggestions_are_active_values_within_the_ranges(name: str) -> None:
    found = search(make_sampler(name, SPACE, PRESET), range(TRIALS))
    assert found[0] == SPACE.own_values(PRESET)
    for values in found:
        assert SPACE.contains(values)
        assert ("optimizer.momentum" in values) == (values["optimizer.name"] == "sgd")
        assert ("optimizer.betas" in values) == (values["optimizer.name"] == "adam")
        assert SPACE.own_values(SPACE.apply(PRESET, values)) == values
    assert {values["optimizer.name"] for values in found} == {"adam", "sgd"}
    assert len({fingerprint(values) for values in found}) == TRIALS


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_suggests_the_same_and_another_seed_something_else(name: str) -> None:
    found = [search(make_sampler(name, SPACE, PRESET, seed=seed), range(12)) for seed in (3, 3, 4)]
    assert found[0] == found[1]
    assert found[0][1:] != found[2][1:]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("killed_after", [1, 7, 18])
def test_a_sampler_that_is_filled_again_continues_as_one_that_was_not_interrupted(name: str, killed_after: int) -> None:
    uninterrupted = search(make_sampler(name, SPACE, PRESET, seed=5), range(TRIALS))
    resumed = make_sampler(name, SPACE, PRESET, seed=5)
    for number in reversed(range(killed_after)):  # the order does not matter
        # As JSON holds them; the preset's trial changes nothing.
        values = {path: list(value) if isinstance(value, tuple) else value for path, value in
                  uninterrupted[number].items()} if number else {}  # fmt: skip
        resumed.add_trial(number, values)
        tell(resumed, number, uninterrupted[number])
    assert search(resumed, range(killed_after, TRIALS)) == uninterrupted[killed_after:]


@pytest.mark.parametrize("name", SAMPLERS)
def test_trials_that_still_run_are_part_of_what_is_known(name: str) -> None:
    together, resumed = (make_sampler(name, SPACE, PRESET, seed=6) for _ in range(2))
    asked = search(together, range(12))
    for number in (12, 13, 14):
        suggestion = together.ask(number)
        assert suggestion is not None
        asked.append(suggestion.values)
    for number, values in enumerate(asked):
        resumed.add_trial(number, values)
        if number < 12:
            tell(resumed, number, values)
    assert together.ask(15) == resumed.ask(15)
    assert len({fingerprint(values) for values in asked}) == 15


@pytest.mark.parametrize("name", ["tpe", "cmaes"])
def test_what_trials_have_given_leads_to_better_ones(name: str) -> None:
    early, late = 0.0, 0.0
    for seed in range(4):  # one may be lucky at first
        found = search(make_sampler(name, SPACE, PRESET, seed=seed), range(60))
        losses = [value if (value := loss(values)) is not None else math.inf for values in found]
        early, late = early + min(losses[:15]), late + min(losses[15:])
    assert late < 0.75 * early


def test_larger_may_be_better() -> None:
    sampler = make_sampler("tpe", SPACE, PRESET, seed=1, maximize=True)
    best = -math.inf
    for number in range(40):
        suggestion = sampler.ask(number)
        assert suggestion is not None
        value = -(loss(suggestion.values) or 9.0)
        best = max(best, value)
        sampler.tell(number, value)
    assert best > -0.5


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_some_suggestions_lie_near_the_preset_or_the_best(name: str) -> None:
    sampler = make_sampler(name, SPACE, PRESET, seed=2)
    origins = []
    for number in range(100):
        suggestion = sampler.ask(number)
        assert suggestion is not None
        tell(sampler, number, suggestion.values)
        origins.append(suggestion.origin)
    assert origins[0] == "preset"
    assert 4 <= sum(origin.startswith("near") for origin in origins) <= 20
    assert "near the preset" in origins
    assert any(origin.startswith("near trial") for origin in origins)
    assert set(origins) - {"preset"} == {name, *(origin for origin in origins if origin.startswith("near "))}


def test_what_failed_is_not_the_best() -> None:
    sampler = make_sampler("random", SPACE, PRESET)
    for number, value in enumerate([None, math.nan, math.inf, 0.5, 0.7]):
        sampler.add_trial(number, {"optimizer.learning_rate": 0.01 * (number + 1)})
        sampler.tell(number, value)
    origins = {suggestion.origin for number in range(5, 60) if (suggestion := sampler.ask(number))}
    assert {origin for origin in origins if origin.startswith("near trial")} == {"near trial 3"}


def test_a_preset_outside_of_its_ranges_is_tried_as_it_is() -> None:
    space = SearchSpace.parse(
        {"optimizer.learning_rate": Range(low=0.1, high=0.5), "model.hidden": Range(choices=((64,), (32,)))}, PRESET
    )
    found = search_any(make_sampler("tpe", space, PRESET), 20)
    assert found[0] == {"optimizer.learning_rate": 0.002, "model.hidden": (512, 256)}
    assert all(space.contains(values) for values in found[1:])


def search_any(sampler: Sampler, trials: int) -> list[dict[str, Any]]:
    """As `search`, with some loss, until everything has been tried."""
    found: list[dict[str, Any]] = []
    while len(found) < trials and (suggestion := sampler.ask(len(found))) is not None:
        sampler.tell(len(found), float(len(found)))
        found.append(suggestion.values)
    return found


FINITE = SearchSpace.parse(
    {
        "optimizer.name": Range(choices=("adam", "sgd")),
        "optimizer.momentum": Range(low=0.5, high=0.9, step=0.2),
        "data.batch_size": Range(choices=(32, 64)),
    },
    PRESET,
)


@pytest.mark.parametrize("name", ["grid", "tpe", "random"])
def test_a_finite_space_is_tried_completely_each_combination_once(name: str) -> None:
    found = search_any(make_sampler(name, FINITE, PRESET), 100)
    expected: list[dict[str, Any]] = [{"optimizer.name": "adam", "data.batch_size": size} for size in (32, 64)]
    expected += [
        {"optimizer.name": "sgd", "optimizer.momentum": momentum, "data.batch_size": size}
        for momentum, size in product((0.5, 0.7, 0.9), (32, 64))
    ]
    assert sorted(map(fingerprint, found)) == sorted(map(fingerprint, expected))


def test_a_grid_keeps_steps_and_takes_five_values_of_other_ranges() -> None:
    space = SearchSpace.parse(
        {"model.dropout": Range(low=0.0, high=0.6, step=0.1), "optimizer.learning_rate": Range(low=1e-4, high=1.0)},
        PRESET,
    )
    found = search_any(make_sampler("grid", space, PRESET), 100)[1:]
    assert {values["model.dropout"] for values in found} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6}
    assert {values["optimizer.learning_rate"] for values in found} == {1e-4, 1e-3, 1e-2, 1e-1, 1.0}
    assert len(found) == 35


def test_combinations_that_do_not_fit_together_are_left_out() -> None:
    sgd = PRESET.override(["optimizer.name=sgd"])
    ranges = {"optimizer.momentum": Range(choices=(0.0, 0.9)), "optimizer.nesterov": Range(choices=(True, False))}
    space = SearchSpace.parse(ranges, sgd)
    for name in ("grid", "tpe"):
        found = {tuple(values.values()) for values in search_any(make_sampler(name, space, sgd), 100)}
        assert found == {(0.9, True), (0.9, False), (0.0, False)}


def test_qmc_covers_the_space_evenly() -> None:
    space = SearchSpace.parse(
        {"optimizer.learning_rate": Range(low=1e-4, high=1.0), "model.dropout": Range(low=0.0, high=0.8)}, PRESET
    )
    found = search_any(make_sampler("qmc", space, PRESET), 17)[1:]
    cells = {
        (int(rate.place(values[rate.path]) * 4), int(dropout.place(values[dropout.path]) * 4))
        for values in found
        for rate, dropout in [space.dimensions]
    }
    assert len(cells) == 16


@pytest.mark.parametrize(
    ("name", "ranges", "problem"),
    [
        ("bayes", {"model.dropout": Range(low=0.0, high=0.5)}, "there is no sampler bayes"),
        ("cmaes", {"model.dropout": Range(low=0.0, high=0.5)}, "ranges of at least two numbers"),
        (
            "grid",
            {
                "training.epochs": Range(low=1, high=2001, step=1),
                "model.dropout": Range(low=0.0, high=0.5, step=0.01),
            },
            "more than 20,000 combinations",
        ),
    ],
)
def test_what_a_sampler_cannot_do_is_explained(name: str, ranges: dict[str, Range], problem: str) -> None:
    with pytest.raises(PresetError, match=problem):
        make_sampler(name, SearchSpace.parse(ranges, PRESET), PRESET)


def test_neither_space_nor_sampler_imports_what_is_slow() -> None:
    script = (
        "import sys\n"
        "import workbench.tuning.sampler, workbench.tuning.default_space\n"
        "print([name for name in ('optuna', 'cmaes', 'numpy', 'torch') if name in sys.modules])\n"
        "import workbench.tuning.optuna_sampler, workbench.tuning.cma_es\n"
        "print([name for name in ('torch', 'sklearn') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def test_optuna_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    for name in SAMPLERS:
        search(make_sampler(name, SPACE, PRESET), range(12))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
