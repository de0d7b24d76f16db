"""The batch scan: the knee of a throughput that is known, what ends it, and real batch sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from tests.unit.training.conftest import SMALL
from workbench.processes.batch_scan import Measured, scaled_rate
from workbench.settings.preset import Preset
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.tuning import batch_scan
from workbench.training.tuning.batch_scan import MeasureBatch, batch_sizes, conclude, knee_of, scan
from workbench.training.tuning.pace import pace_of

OVERHEAD, PER_SAMPLE = 1e-3, 1e-5
"""Seconds of a step of the machine below: throughput is within 5 % of its best from 2,048 of 4,096 samples on."""


class Machine:
    """A machine whose clock only moves when it trains, with a hiccup of a second in its tenth call."""

    def __init__(self, batch_size: int) -> None:
        self.time = 0.0
        self._batch_size = batch_size
        self._calls = 0

    def now(self) -> float:
        return self.time

    def run(self, steps: int) -> tuple[int, int]:
        self._calls += 1
        self.time += steps * (OVERHEAD + PER_SAMPLE * self._batch_size) + (self._calls == 10)
        return steps, steps * self._batch_size


def measured_by(machine: Callable[[int], Machine]) -> Callable[[int], Measured]:
    def measure(batch_size: int) -> Measured:
        made = machine(batch_size)
        pace = pace_of(made.run, made.now)
        return Measured(batch_size, pace.samples_per_second, 1000 * pace.step_seconds)

    return measure


def test_the_pace_is_that_of_the_steps_whatever_a_hiccup_takes() -> None:
    machine = Machine(100)
    pace = pace_of(machine.run, machine.now)
    assert pace.step_seconds == pytest.approx(0.002)
    assert pace.samples_per_second == pytest.approx(50_000)


def test_the_knee_is_the_smallest_batch_within_five_per_cent_of_the_best_throughput() -> None:
    found = list(scan(5000, None, measured_by(Machine), lambda *_: None))
    assert [each.batch_size for each in found] == [2**power for power in range(13)]
    # 97,600 samples a second at best, of which 95 % are 92,700: 1,024 samples reach 91,100, and 2,048 reach 95,300.
    assert knee_of(found) == 2048


def test_a_throughput_that_falls_again_has_its_knee_before() -> None:
    paces = {1: 10.0, 2: 80.0, 4: 99.0, 8: 100.0, 16: 60.0}
    assert knee_of([Measured(size, pace, 1.0) for size, pace in paces.items()]) == 4
    assert knee_of([Measured(1, problem="out of memory", out_of_memory=True)]) is None


def test_batch_sizes_end_at_the_training_split() -> None:
    assert batch_sizes(100, None) == [1, 2, 4, 8, 16, 32, 64]
    assert batch_sizes(64, None)[-1] == 64
    assert batch_sizes(63, None)[-1] == 32
    assert batch_sizes(100, 20)[-1] == 16
    assert batch_sizes(1, None) == [1]


def test_running_out_of_memory_is_a_result_and_ends_the_scan(tiny: tuple[PreparedData, Preset]) -> None:
    def measure(batch_size: int) -> Measured:
        if batch_size >= 8:
            return Measured(batch_size, problem="out of memory", out_of_memory=True)
        return Measured(batch_size, 100.0 * batch_size, 1.0)

    found = list(scan(1000, None, measure, lambda *_: None))
    assert [each.batch_size for each in found] == [1, 2, 4, 8]
    answer = conclude(found, 1000, MeasureBatch(*tiny))
    assert (answer.knee, answer.largest) == (4, 4)
    assert answer.notes == ["batch size 8: out of memory"]


def test_the_first_batch_size_that_is_too_large_already_gives_no_answer(tiny: tuple[PreparedData, Preset]) -> None:
    found = list(scan(1, None, lambda size: Measured(size, problem="out of memory", out_of_memory=True), print))
    answer = conclude(found, 1, MeasureBatch(*tiny))
    assert (answer.knee, answer.largest) == (None, None)


def test_a_step_that_would_take_too_long_is_not_measured() -> None:
    found = list(scan(10**6, None, lambda size: Measured(size, 1.0, 1000.0 * size), lambda *_: None))
    assert [each.batch_size for each in found] == [1, 2, 4, 8, 16]
    assert found[-1].problem == "not measured: a step would take about 16.0 s"
    assert found[-1].samples_per_second is None


@pytest.fixture(scope="module")
def tiny() -> tuple[PreparedData, Preset]:
    preset = Preset().override([*SMALL, "data.batch_size=1", "model.dropout=0.2"])
    return prepare(preset, lambda progress: None), preset


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timed as briefly as can be."""
    monkeypatch.setattr("workbench.training.tuning.pace.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("workbench.training.tuning.pace.LEAST_TURNS", 1)


@pytest.mark.usefixtures("quick")
def test_real_batch_sizes_are_measured_and_leave_the_random_generators_alone(
    tiny: tuple[PreparedData, Preset],
) -> None:
    measure, before = MeasureBatch(*tiny), torch.get_rng_state()
    found = [measure(size) for size in (1, 16)]
    assert torch.equal(torch.get_rng_state(), before)
    for each in found:
        assert each.problem == ""
        assert each.samples_per_second is not None
        assert each.samples_per_second > 0
        assert each.peak_bytes is not None
    assert found[1].peak_bytes is not None
    assert found[0].peak_bytes is not None
    assert found[1].peak_bytes > found[0].peak_bytes
    assert measure.engine == "traced"


@pytest.mark.usefixtures("quick")
def test_on_the_cpu_what_would_not_fit_beside_a_free_tenth_is_not_tried(
    tiny: tuple[PreparedData, Preset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_scan, "host_room", lambda: 1000)
    monkeypatch.setattr(batch_scan, "make_engine", None)  # were it called, this would raise
    found = MeasureBatch(*tiny)(16)
    assert found.out_of_memory
    assert found.problem.startswith("out of memory: needs about ")
    assert found.problem.endswith(" and 1000 B may be used")


@pytest.mark.usefixtures("quick")
def test_memory_that_runs_out_in_a_step_is_a_result(
    tiny: tuple[PreparedData, Preset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(batch_scan, "validate_batch", no_memory)
    assert MeasureBatch(*tiny)(16) == Measured(16, problem="out of memory", out_of_memory=True)


@pytest.mark.usefixtures("quick")
def test_a_fault_of_the_model_is_an_error_and_no_result(
    tiny: tuple[PreparedData, Preset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("shapes do not fit")

    monkeypatch.setattr(batch_scan, "validate_batch", broken)
    with pytest.raises(ValueError, match="shapes do not fit"):
        MeasureBatch(*tiny)(16)


def test_batch_norm_refuses_a_batch_of_one_and_the_scan_continues() -> None:
    preset = Preset().override([*SMALL, "data.batch_size=1", "model.batch_norm=true"])
    measure = MeasureBatch(prepare(preset, lambda progress: None), preset)
    found = list(scan(100, 2, measure, lambda *_: None))
    assert "batch norm cannot train on a batch of one sample" in found[0].problem
    assert found[1].problem == ""
    assert conclude(found, 100, measure).knee == 2


@pytest.mark.parametrize(
    ("optimizer", "rate", "expected"),
    [("sgd", 0.1, 0.4), ("adam", 0.001, 0.002), ("lion", 0.0001, 0.0002), ("adadelta", 1.0, 1.0), ("asgd", 0.01, 0.04)],
)
def test_the_learning_rate_scales_by_the_rule_of_its_optimizer(optimizer: str, rate: float, expected: float) -> None:
    choice = Preset().override([f"optimizer.name={optimizer}", f"optimizer.learning_rate={rate}"]).optimizer
    scaled, sentence = scaled_rate(choice, 16, 64)
    assert math.isclose(scaled, expected)
    assert f"{expected:g}" in sentence
    assert scaled_rate(choice, 64, 64)[0] == rate


def test_a_scaled_rate_stays_within_the_bounds_of_the_setting() -> None:
    choice = Preset().override(["optimizer.name=sgd", "optimizer.learning_rate=500.0"]).optimizer
    assert scaled_rate(choice, 1, 1024)[0] == 1000
