"""What a range test and a batch scan lead to: for which settings they hold, and what the rules make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.advice.made import PREPARED, batch_scan, found, preset, range_test, severity
from workbench.advice.facts import Facts
from workbench.advice.rules import findings_before_a_run
from workbench.advice.tuned import Tuned
from workbench.runs.history import RunHistory
from workbench.settings.preset import Preset


def tuned(measured: Preset, device: str = "CPU") -> Tuned:
    """What was measured with these settings."""
    answers = Tuned()
    answers.keep_range_test(measured, range_test())
    answers.keep_batch_scan(measured, batch_scan({64: 50_000.0}, 64, device))
    return answers


@pytest.mark.parametrize(
    ("assignment", "range_holds", "scan_holds"),
    [
        ("optimizer.learning_rate=0.5", True, True),
        ("training.epochs=99", True, True),
        ("training.seed=7", True, True),
        ("schedule.warmup_epochs=2", True, True),
        ("data.batch_size=256", False, True),
        ("runtime.num_threads=1", True, False),
        ("training.gradient_clip_norm=1.0", False, True),
        ("runtime.precision=bf16", False, False),
        ("training.gradient_accumulation=2", False, False),
        ("model.hidden=[16]", False, False),
        ("optimizer.name=sgd", False, False),
        ("loss.label_smoothing=0.1", False, False),
    ],
)
def test_an_answer_holds_while_the_settings_that_matter_to_it_are_unchanged(
    assignment: str, range_holds: bool, scan_holds: bool
) -> None:
    answers = tuned(preset())
    other = preset(assignment).model_copy(update={"name": "another", "description": "of that name"})
    assert (answers.range_test(other) is not None) == range_holds
    assert (answers.batch_scan(other) is not None) == scan_holds


def test_without_a_measurement_and_of_another_device_nothing_is_known() -> None:
    assert Tuned().range_test(preset()) is None
    assert Tuned().batch_scan(preset()) is None
    history = RunHistory()
    history.take(PREPARED)
    assert Facts.of(history, preset(), None, tuned(preset())).batch_scan is not None
    assert Facts.of(history, preset(), None, tuned(preset(), "NVIDIA H100 80GB HBM3")).batch_scan is None
    assert Facts.of(history, None, None, tuned(preset())).range_test is None


@pytest.mark.parametrize(
    ("learning_rate", "expected"),
    [(0.1, None), (0.149, None), (0.151, "warning"), (0.29, "warning"), (0.301, "critical"), (5.0, "critical")],
)
def test_a_rate_near_the_one_at_which_the_range_test_diverges_is_too_high(
    learning_rate: float, expected: str | None
) -> None:
    """The last rate before it diverges is 0.3, for 0.1 is a third of it."""
    assert severity("learning-rate-too-high", learning_rate=learning_rate) == expected


def test_the_finding_names_the_rates_and_proposes_the_one_that_the_range_test_names() -> None:
    finding = found("learning-rate-too-high", learning_rate=0.4)
    assert finding is not None
    assert finding.fact == (
        "the learning rate is 0.4; in the range test of these settings the loss diverges above 0.3 and falls best near "
        "0.002"
    )
    assert finding.change == ("optimizer.learning_rate=0.002",)
    assert (finding.learning_rate, finding.measure) == (0.002, "validation_loss")
    ended = found("learning-rate-too-high", learning_rate=0.4, is_live=False)
    assert ended is not None
    assert ended.learning_rate is None


@pytest.mark.parametrize(("learning_rate", "expected"), [(0.1, []), (0.2, ["warning"]), (0.4, ["critical"])])
def test_the_rate_is_judged_before_any_run_too(learning_rate: float, expected: list[str]) -> None:
    chosen = preset(f"optimizer.learning_rate={learning_rate}")
    assert [finding.severity for finding in findings_before_a_run(chosen, tuned(preset()))] == expected
    assert findings_before_a_run(chosen, Tuned()) == []
    assert findings_before_a_run(chosen.override(["model.hidden=[3]"]), tuned(preset())) == []


def test_where_only_the_divergence_is_known_a_third_of_it_is_proposed() -> None:
    finding = found("learning-rate-too-high", range_test=range_test(None, None, 0.1), learning_rate=0.4)
    assert finding is not None
    assert finding.fact.endswith("the loss diverges above 0.3")
    assert finding.change == ("optimizer.learning_rate=0.1",)


@pytest.mark.parametrize("rate", [0.001, 0.4])
def test_a_range_test_that_does_not_diverge_calls_no_rate_too_high(rate: float) -> None:
    assert found("learning-rate-too-high", range_test=range_test(before_divergence=None), learning_rate=rate) is None


def test_a_rate_that_the_range_test_names_is_not_too_high() -> None:
    """The steepest point may lie near the divergence: what one measurement proposes, its finding does not warn of."""
    near = range_test(steepest=0.2, valley=0.05, before_divergence=0.1)
    assert found("learning-rate-too-high", range_test=near, learning_rate=0.2) is None
    assert severity("learning-rate-too-high", range_test=near, learning_rate=0.21) == "warning"


SCAN = {32: 30_000.0, 64: 50_000.0, 128: 90_000.0, 256: 140_000.0, 512: 200_000.0, 1024: 205_000.0}


@pytest.mark.parametrize(
    ("paces", "expected"),
    [({64: 100_100.0, 512: 200_000.0}, None), ({64: 99_000.0, 512: 200_000.0}, "warning"), (SCAN, "warning")],
)
def test_a_batch_of_less_than_half_the_pace_of_the_knee_is_below_it(
    paces: dict[int, float], expected: str | None
) -> None:
    assert severity("batch-below-knee", batch_scan=batch_scan(paces, 512)) == expected


def below_knee(assignments: tuple[str, ...] = (), **facts: Any) -> Any:
    return found("batch-below-knee", preset=preset(*assignments), batch_scan=batch_scan(SCAN, 512), **facts)


def test_the_knee_is_proposed_with_the_learning_rate_that_suits_it() -> None:
    finding = below_knee(("optimizer.name=sgd", "optimizer.learning_rate=0.1"))
    assert finding.fact == "about 50 k samples/s at batch size 64, and 200 k at 512, the knee"
    assert finding.change == ("data.batch_size=512", "optimizer.learning_rate=0.8")
    assert finding.measure == "speed"


def test_an_epoch_keeps_ten_steps() -> None:
    """3,000 samples leave ten steps of 256, not of 512."""
    few = replace(PREPARED, train_samples=3000)
    finding = below_knee(prepared=few)
    assert "140 k at 256, the largest that leaves an epoch ten steps" in finding.fact
    assert finding.change[0] == "data.batch_size=256"
    assert below_knee(prepared=replace(PREPARED, train_samples=800)) is None


def test_a_batch_between_two_that_were_measured_counts_as_the_larger_one() -> None:
    """Of 100 the pace is at most that of 128, 90,000: no less than 200,000 / 2 would be needed to be silent."""
    assert "about 90 k samples/s at batch size 100" in below_knee(("data.batch_size=100",)).fact
    assert below_knee(("data.batch_size=200",)) is None, "140,000 is more than half of 200,000"


@pytest.mark.parametrize("batch_size", [512, 700, 4096])
def test_at_the_knee_and_above_nothing_is_found(batch_size: int) -> None:
    assert below_knee((f"data.batch_size={batch_size}",)) is None
    assert found("batch-below-knee", batch_scan=batch_scan(SCAN, None)) is None


def test_both_abstain_in_the_facts_of_a_run_that_nothing_was_measured_for() -> None:
    assert found("learning-rate-too-high", range_test=None, learning_rate=5.0) is None
    assert found("batch-below-knee", batch_scan=None) is None
