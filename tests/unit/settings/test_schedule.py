"""Schedules against PyTorch's own, and properties of every schedule with any settings."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tests.unit.settings.strategies import table
from workbench.settings.schedule import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Plateau,
    Schedule,
    ScheduleChoice,
    Step,
)

Scheduler = lr_scheduler.LRScheduler

GAMMAS = st.floats(0.01, 1.0)
EPOCHS = st.integers(1, 30)
STEPS_PER_EPOCH = st.integers(1, 9)


def optimizer() -> torch.optim.Optimizer:
    """An optimizer whose learning rate is the factor itself."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def torch_factors(make: Callable[[torch.optim.Optimizer], Scheduler], count: int) -> list[float]:
    """The learning rates of `count` steps (or epochs) with a scheduler of PyTorch."""
    stepped = optimizer()
    scheduler = make(stepped)
    rates = []
    for _ in range(count):
        rates.append(float(stepped.param_groups[0]["lr"]))
        stepped.step()
        scheduler.step()
    return rates


def step_factors(schedule: Schedule, epochs: int, steps_per_epoch: int) -> list[float]:
    """The factors of all steps, at the positions where the trainer uses them."""
    return [schedule.factor(step / steps_per_epoch) for step in range(epochs * steps_per_epoch)]


def per_step(epoch_rates: list[float], steps_per_epoch: int) -> list[float]:
    return [rate for rate in epoch_rates for _ in range(steps_per_epoch)]


@given(EPOCHS, STEPS_PER_EPOCH)
def test_constant_is_always_one(epochs: int, steps: int) -> None:
    assert set(step_factors(Constant().build(epochs), epochs, steps)) == {1.0}


@settings(deadline=None)
@given(EPOCHS, STEPS_PER_EPOCH, st.integers(1, 12), GAMMAS)
def test_step_equals_torchs_step_lr_stepped_each_epoch(epochs: int, steps: int, every: int, gamma: float) -> None:
    expected = torch_factors(lambda o: lr_scheduler.StepLR(o, every, gamma), epochs)
    found = step_factors(Step(step_size=every, gamma=gamma).build(epochs), epochs, steps)
    assert found == pytest.approx(per_step(expected, steps), rel=1e-9)


@settings(deadline=None)
@given(EPOCHS, STEPS_PER_EPOCH, GAMMAS)
def test_exponential_equals_torchs_exponential_lr_stepped_each_epoch(epochs: int, steps: int, gamma: float) -> None:
    expected = torch_factors(lambda o: lr_scheduler.ExponentialLR(o, gamma), epochs)
    found = step_factors(Exponential(gamma=gamma).build(epochs), epochs, steps)
    assert found == pytest.approx(per_step(expected, steps), rel=1e-9)


@settings(deadline=None)
@given(EPOCHS, STEPS_PER_EPOCH, st.floats(0.0, 1.0))
def test_cosine_equals_torchs_cosine_annealing_lr_stepped_each_step(epochs: int, steps: int, minimum: float) -> None:
    expected = torch_factors(lambda o: lr_scheduler.CosineAnnealingLR(o, epochs * steps, minimum), epochs * steps)
    found = step_factors(Cosine(minimum=minimum).build(epochs), epochs, steps)
    assert found == pytest.approx(expected, abs=1e-7)


@settings(deadline=None)
@given(EPOCHS, STEPS_PER_EPOCH, st.floats(0.05, 0.95), st.floats(0.01, 1.0), st.floats(1e-6, 0.01))
def test_one_cycle_equals_torchs_one_cycle_lr_that_ends_after_the_last_step(
    epochs: int, steps: int, peak_at: float, start: float, end: float
) -> None:
    """PyTorch's cycle ends at the last step, ours at the end of the last step."""
    total = epochs * steps

    def scheduler(stepped: torch.optim.Optimizer) -> Scheduler:
        return lr_scheduler.OneCycleLR(
            stepped,
            max_lr=1.0,
            total_steps=total + 1,
            pct_start=(peak_at * total + 1) / (total + 1),
            div_factor=1 / start,
            final_div_factor=start / end,
        )

    found = step_factors(OneCycle(pct_start=peak_at, start=start, end=end).build(epochs), epochs, steps)
    assert found == pytest.approx(torch_factors(scheduler, total), abs=1e-9)


def test_the_default_one_cycle_equals_torchs_to_within_a_step() -> None:
    total = 600
    expected = torch_factors(lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0, total_steps=total), total)
    found = step_factors(OneCycle().build(6), 6, 100)
    for step, factor in enumerate(found):
        near = expected[max(step - 1, 0) : step + 2]
        assert min(near) - 1e-9 <= factor <= max(near) + 1e-9
    assert max(found) == pytest.approx(1.0)
    assert found.index(max(found)) == 180


LOSS = st.one_of(st.floats(0.0, 10.0), st.floats(-1.0, 1.0), st.just(math.nan), st.just(math.inf))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(LOSS, max_size=40),
    st.floats(0.05, 0.95),
    st.integers(0, 5),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.9),
)
def test_plateau_equals_torchs_reduce_lr_on_plateau(
    losses: list[float], gamma: float, patience: int, threshold: float, minimum: float
) -> None:
    stepped = optimizer()
    theirs = lr_scheduler.ReduceLROnPlateau(
        stepped, factor=gamma, patience=patience, threshold=threshold, min_lr=minimum, eps=0
    )
    ours = Plateau(gamma=gamma, patience=patience, threshold=threshold, minimum=minimum).build(50)
    for epoch, loss in enumerate(losses):
        ours.observe(loss)
        theirs.step(loss)
        assert ours.factor(epoch + 0.5) == pytest.approx(stepped.param_groups[0]["lr"], rel=1e-12)


def test_plateau_does_not_take_a_first_loss_of_nan_as_the_best() -> None:
    schedule = Plateau(gamma=0.5, patience=1).build(10)
    for loss in (math.nan, 1.0, 0.5):
        schedule.observe(loss)
    assert schedule.factor(3.0) == 1.0


@settings(deadline=None)
@given(st.integers(1, 10), STEPS_PER_EPOCH, st.floats(0.01, 1.0))
def test_warm_up_equals_torchs_linear_lr(epochs: int, steps: int, start: float) -> None:
    schedule = Cosine(warmup_epochs=float(epochs), warmup_start=start).build(2 * epochs)
    expected = torch_factors(lambda o: lr_scheduler.LinearLR(o, start, 1.0, epochs * steps), epochs * steps)
    assert step_factors(schedule, epochs, steps) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("label", SCHEDULES.labels)
def test_after_the_warm_up_the_schedule_spans_the_remaining_epochs(label: str) -> None:
    kind = schedule_kind(label)
    warmed, bare = kind(warmup_epochs=3.0).build(10), kind().build(7)
    for step in range(7 * 8):
        assert warmed.factor(3 + step / 8) == pytest.approx(bare.factor(step / 8))


@pytest.mark.parametrize("label", SCHEDULES.labels)
def test_warm_up_is_linear_before_every_schedule(label: str) -> None:
    schedule = schedule_kind(label)(warmup_epochs=2.5, warmup_start=0.2).build(10)
    for epoch in (0.0, 0.1, 1.0, 2.0, 2.4):
        assert schedule.factor(epoch) == pytest.approx(0.2 + 0.8 * epoch / 2.5)


@pytest.mark.parametrize("label", SCHEDULES.labels)
def test_a_warm_up_longer_than_training_lasts_to_the_end(label: str) -> None:
    schedule = schedule_kind(label)(warmup_epochs=100.0, warmup_start=0.0).build(4)
    factors = step_factors(schedule, 4, 5)
    assert all(earlier < later for earlier, later in pairwise(factors))
    assert factors == pytest.approx([step / 20 for step in range(20)])


# Every schedule, with any settings that it takes.

SLACK = 1e-12
"""Tolerance for rounding: factors are sums and products of numbers near 1."""


def schedule_kind(label: str) -> type[ScheduleChoice]:
    kind = SCHEDULES.choice(label)
    assert kind is not None
    assert issubclass(kind, ScheduleChoice)
    return kind


@pytest.mark.parametrize("label", SCHEDULES.labels)
def test_every_factor_of_every_schedule_is_from_0_to_1(label: str) -> None:
    kind = schedule_kind(label)

    @settings(deadline=None, max_examples=80)
    @given(table(kind), st.integers(1, 40), STEPS_PER_EPOCH, st.lists(LOSS, max_size=5))
    def check(values: dict[str, object], epochs: int, steps: int, losses: list[float]) -> None:
        schedule = kind.model_validate(values).build(epochs)
        for loss in losses:
            schedule.observe(loss)
        factors = step_factors(schedule, epochs, steps)
        # The end of training and what a longer resumed run would ask for are defined too.
        factors += [schedule.factor(float(epochs)), schedule.factor(epochs + 1.5)]
        assert all(math.isfinite(factor) for factor in factors)
        assert all(-SLACK <= factor <= 1 + SLACK for factor in factors)

    check()


@pytest.mark.parametrize("label", SCHEDULES.labels)
def test_every_schedule_continues_from_its_state(label: str) -> None:
    kind = schedule_kind(label)

    @settings(deadline=None, max_examples=50)
    @given(table(kind), st.lists(LOSS, max_size=8), st.lists(LOSS, max_size=8))
    def check(values: dict[str, object], before: list[float], after: list[float]) -> None:
        choice = kind.model_validate(values)
        stays, goes_on = choice.build(20), choice.build(20)
        for loss in before:
            stays.observe(loss)
        goes_on.load_state_dict(through_a_checkpoint(stays.state_dict()))
        for loss in after:
            stays.observe(loss)
            goes_on.observe(loss)
        assert goes_on.state_dict() == stays.state_dict()
        assert step_factors(goes_on, 20, 3) == step_factors(stays, 20, 3)

    check()


def through_a_checkpoint(state: dict[str, object]) -> dict[str, object]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, object] = torch.load(file, weights_only=True)
    return loaded
