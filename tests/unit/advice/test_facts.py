"""From a run's events to facts: what was not measured is None, and trends are what they are called."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from tests.ui.made import MadeReadings, events, preset
from tests.unit.advice.made import GIB, MIB, ON_GPU, PREPARED, batch_scan, health, layer, range_test, tensor
from workbench.advice.facts import RECENT, Facts
from workbench.advice.rules import RULES, findings
from workbench.advice.trends import LEAST_READINGS
from workbench.advice.tuned import Tuned
from workbench.devices.gpu import GpuReading
from workbench.errors import DataError
from workbench.runs.events import EpochEnd, Event, Finished, Prepared, RequestHandled, Started, Steps
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Health, Memory, Timing
from workbench.ui.live.readings import own_gpu

STEPS = PREPARED.steps_per_epoch or 0


def facts(*happened: Event, prepared: Prepared = PREPARED) -> Facts:
    return Facts.of(history(prepared, *happened), preset())


def history(*happened: Event) -> RunHistory:
    made = RunHistory()
    for event in happened:
        made.take(event)
    return made


def steps(losses: Iterable[float], first: int = 1) -> Steps:
    losses = list(losses)
    last = first + len(losses) - 1
    return Steps(first_step=first, epoch=last / STEPS, losses=losses, learning_rate=0.01, seconds=last / 100)


def timing(step: int = 100, timed: int = 50, p50: float = 1.0, p99: float = 1.2, **phases: float) -> Timing:
    return Timing(
        step=step, steps=50, timed_steps=timed, phase_ms=phases, steps_per_second=1.0, samples_per_second=1.0,
        step_ms={"p50": p50, "p95": p99, "p99": p99, "max": 2 * p99},
    )  # fmt: skip


def epoch_end(epoch: int, validation: float, train: float = 0.1) -> EpochEnd:
    return EpochEnd(
        epoch=epoch, step=epoch * STEPS, learning_rate=0.01, train={"loss": train}, train_seconds=1.0,
        validation={"loss": validation, "support": [30, 10]}, best=False, validation_seconds=0.1,
    )  # fmt: skip


def test_of_an_empty_run_nothing_is_known() -> None:
    nothing = Facts.of(RunHistory(), None)
    known = {name for name, value in vars(nothing).items() if value is not None}
    assert known == {"step", "cores", "is_live", "steps_over"}
    assert findings(nothing) == []


def test_a_made_run_gives_facts_and_no_finding() -> None:
    found = Facts.of(history(*events(1300)), preset(), MadeReadings().read())
    assert found.phase_fractions is not None
    assert sum(found.phase_fractions.values()) == pytest.approx(1)
    assert (found.host_used_bytes, found.host_total_bytes) == (23 * GIB, 64 * GIB)
    assert found.class_counts is not None
    assert found.gpu_used_bytes is None, "it trains on the CPU"
    assert findings(found) == []


def test_shares_are_those_of_the_recent_seconds_by_the_steps_they_timed() -> None:
    old = [timing(data=100.0, forward=0.0)] * 5
    recent = [timing(timed=10, data=1.0, forward=1.0)] * (RECENT // 2)
    recent += [timing(timed=90, data=0.0, forward=1.0)] * (RECENT // 2)
    fractions = facts(*old, *recent).phase_fractions
    assert fractions == pytest.approx({"data": 10 / 110, "forward": 100 / 110})
    assert facts(timing(timed=0)).phase_fractions is None


def test_a_single_odd_second_is_no_habit() -> None:
    usual = [timing(data=1.0)] * 4
    assert facts(*usual, timing(p99=50.0)).p99_to_median == pytest.approx(1.2)
    assert facts(*[timing(p99=3.0)] * 4, timing()).p99_to_median == pytest.approx(3.0)
    assert facts(timing()).p99_to_median is None, "of 50 steps there is no 99th percentile"


def test_memory_of_the_card_is_that_of_the_run_without_what_is_kept_for_later() -> None:
    gpu = {"index": 0, "name": ON_GPU.device_name, "used_bytes": 70 * GIB, "total_bytes": 80 * GIB}
    read = Memory(step=1, gpus=[gpu], torch_reserved_bytes=60 * GIB, torch_peak_bytes=20 * GIB)
    found = facts(read, prepared=ON_GPU)
    assert (found.gpu_used_bytes, found.gpu_total_bytes) == (30 * GIB, 80 * GIB)
    assert facts(replace(read, torch_reserved_bytes=None), prepared=ON_GPU).gpu_used_bytes == 70 * GIB
    assert facts(replace(read, gpus=[gpu | {"name": "another"}]), prepared=ON_GPU).gpu_used_bytes is None
    assert facts(read).gpu_used_bytes is None


def memories(rss: Callable[[int], float], count: int = 60) -> list[Memory]:
    return [
        Memory(step=10 * second, host_rss_bytes=round(rss(second)), host_available_bytes=GIB, time=1000.0 + second)
        for second in range(count)
    ]


def test_a_leak_is_seen_and_warming_up_is_not() -> None:
    leak = facts(steps([1.0] * 50), *memories(lambda second: GIB + 3 * MIB * second))
    assert [finding.rule for finding in findings(leak)] == ["growing-memory"]
    assert leak.memory is not None
    assert leak.memory[0].bytes_per_second == pytest.approx(3 * MIB, rel=0.05)
    warm = facts(steps([1.0] * 50), *memories(lambda second: GIB * (1 - 0.5 * math.exp(-second / 5))))
    assert findings(warm) == []
    set_back = [replace(memory, time=100.0) for memory in memories(lambda second: GIB + 3 * MIB * second)]
    assert facts(steps([1.0] * 50), *set_back).memory is None, "without a duration there is no rate"
    few = facts(steps([1.0] * 50), *memories(lambda second: GIB + 3 * MIB * second, LEAST_READINGS - 1))
    assert few.memory is None


def test_the_loss_is_averaged_over_epochs() -> None:
    found = facts(steps([2.0] * 10 + [1.0] * 90 + [0.5] * 100 + [0.7] * 100)).loss
    assert found is not None
    assert (found.start, found.lowest) == (2.0, 0.5)
    assert found.recent == pytest.approx(0.7)
    assert (found.highest, found.highest_step) == (0.7, 201)
    assert facts(steps([1.0] * 150)).loss is None, "less than two epochs"


def test_a_run_whose_start_is_unknown_has_no_trend() -> None:
    assert facts(steps([1.0] * 400, first=501)).loss is None


def test_ten_epochs_are_compared_by_halves() -> None:
    falling = [1.0] * (5 * STEPS) + [0.9] * (5 * STEPS)
    plateau = facts(steps([2.0] * STEPS + falling)).plateau
    assert plateau is not None
    assert plateau.before == pytest.approx(1.0)
    assert plateau.after == pytest.approx(0.9)
    assert facts(steps(falling)).plateau is None, "the first epoch does not count"


def test_trends_hold_for_a_run_whose_curve_is_kept_coarsely() -> None:
    happened = [steps([math.exp(-step / 1e5)] * 500, first=step + 1) for step in range(0, 200_000, 500)]
    found = facts(*happened)
    assert found.loss is not None
    assert found.loss.start == pytest.approx(1.0, rel=0.01)
    assert found.loss.recent == pytest.approx(math.exp(-2), rel=0.02)
    assert found.plateau is not None
    assert found.plateau.after < found.plateau.before


def test_overfitting_is_seen_in_a_validation_that_rises_while_training_falls() -> None:
    happened: list[Event] = []
    for epoch in range(1, 21):
        happened.append(steps([1 / epoch] * STEPS, first=(epoch - 1) * STEPS + 1))
        happened.append(epoch_end(epoch, 0.5 + 0.03 * abs(epoch - 8), train=1 / epoch))
    found = facts(*happened)
    assert found.validation is not None
    assert found.validation.validations_since == 11
    assert found.validation.best_step == 9 * STEPS
    assert found.validation.latest / found.validation.best == pytest.approx(0.83 / 0.52)
    assert "overfitting" in [finding.rule for finding in findings(found)]
    assert facts(*happened[:10]).validation is None, "five validations"


def test_overfitting_names_each_epochs_own_losses_in_a_long_run() -> None:
    """The curves merge neighbouring epochs, and the trend averages validations: neither is an epoch's value."""
    happened: list[Event] = []
    for epoch in range(1, 2501):
        happened.append(steps([9.0] * STEPS, first=(epoch - 1) * STEPS + 1))
        lowest = epoch == 1001
        happened.append(epoch_end(epoch, 0.0505 if lowest else 0.1 + epoch / 1e4, train=0.07 if lowest else 0.03))
    found = facts(*happened)
    assert found.validation is not None
    assert (found.validation.lowest.validation, found.validation.lowest.train) == (0.0505, 0.07)
    fact = next(finding.fact for finding in findings(found) if finding.rule == "overfitting")
    assert "risen to 6.9 × its lowest, from 0.0505 in epoch 1,001 to 0.3500 in epoch 2,500" in fact
    assert fact.endswith("while the training loss fell from 0.0700 to 0.0300")


def test_the_lowest_validation_loss_of_a_resumed_run_is_one_that_it_kept() -> None:
    losses = [0.5, 0.3, 0.4, 0.2, 0.1]
    ended = [epoch_end(epoch, loss) for epoch, loss in enumerate(losses, 1)]
    resumed = history(*ended, Started(process_id=2, resumed=True, step=3 * STEPS))
    assert [epoch.validation for epoch in resumed.lowest] == [0.5, 0.3]
    assert resumed.validated is None
    resumed.take(epoch_end(4, 0.35))
    assert resumed.validated is not None
    assert (resumed.lowest[-1].epoch, resumed.validated.epoch) == (2, 4)


@dataclass(frozen=True)
class TwoCards:
    """Two cards of one name: the first is full, of somebody else's."""

    gpus: tuple[GpuReading, ...] = tuple(
        GpuReading(index, f"GPU-{letter}", ON_GPU.device_name, used * GIB, 80 * GIB, None, None, None)
        for index, letter, used in ((0, "a", 79), (1, "b", 5))
    )
    host_total_bytes: int = 64 * GIB
    host_available_bytes: int = 40 * GIB


@pytest.mark.parametrize("live", [True, False])
def test_advice_judges_the_card_that_the_memory_panel_shows(live: bool) -> None:
    """REVIEW, "Which GPU is the run's": with CUDA_VISIBLE_DEVICES=1 the second card is CUDA's cuda:0."""
    prepared = replace(ON_GPU, device="cuda:0", device_uuid="b")
    cards = TwoCards()
    logged = [{"index": gpu.index, "uuid": gpu.uuid, "name": gpu.name, "used_bytes": gpu.used_bytes,
               "total_bytes": gpu.total_bytes} for gpu in cards.gpus]  # fmt: skip
    made = history(prepared, Memory(step=1, gpus=logged))
    found = Facts.of(made, preset(), cards if live else None)
    shown = own_gpu(prepared, cards.gpus)
    assert shown is not None
    assert (found.gpu_used_bytes, shown.used_bytes) == (5 * GIB, 5 * GIB)
    assert "gpu-memory" not in [finding.rule for finding in findings(found)]


def test_divergence_is_known_from_the_losses_and_from_how_the_run_ended() -> None:
    assert facts(steps([1.0] * 30)).diverged == ""
    assert facts(steps([1.0] * 29 + [math.nan])).diverged == "the loss near step 30"
    reason = "something is not a finite number: training has diverged"
    other = facts(steps([1.0] * 40), Finished(status="failed", step=40, reason=reason, kind="data"))
    assert other.diverged == "", "the kind tells, not the words"
    ended = facts(steps([1.0] * 40), diverged("validation loss", 40, reason=reason))
    assert ended.diverged == "the validation loss after step 40"
    [finding] = findings(ended)
    assert finding.fact == "the validation loss after step 40 is not a finite number"
    assert finding.learning_rate is None, "the run has ended"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("loss", "the loss at step 31"),
        ("weight", "a weight after step 31"),
        ("test loss", "the test loss after step 31"),
    ],
)
def test_what_is_not_finite_is_read_from_the_events_fields(what: str, words: str) -> None:
    assert facts(steps([1.0] * 40), diverged(what, 31)).diverged == words


def test_a_run_that_does_not_say_what_diverged_is_judged_by_its_losses_alone() -> None:
    """Runs of older versions name it only in a sentence, which is not parsed."""
    old = Finished(status="failed", step=40, kind="diverged", reason="the loss at step 40 is not a finite number: ...")
    assert facts(steps([1.0] * 39 + [math.nan]), old).diverged == "the loss near step 40"
    assert facts(steps([1.0] * 40), old).diverged is None
    assert facts(old).diverged is None


def diverged(what: str, at_step: int, reason: str = "") -> Finished:
    return Finished(status="failed", step=40, reason=reason, kind="diverged", what=what, at_step=at_step)


def test_samples_that_are_not_finite_are_no_divergence() -> None:
    """data/REPORT 29, 30: a smaller learning rate would not help."""
    reason = "sample 7 (counted from 0), which is in the training split, holds nan: all inputs must be finite numbers"
    ended = facts(
        steps([1.0] * 29 + [math.nan]), Finished(status="failed", step=30, reason=reason, kind=DataError.kind)
    )
    assert ended.diverged == ""


def test_a_run_with_all_events_leaves_no_rule_without_a_fact_that_it_needs() -> None:
    """A rule that needs a fact that no event and no reading has would never fire."""
    prepared = replace(ON_GPU, device_uuid="b", class_counts=[3300, 3100])
    events: list[Event] = [Started(process_id=1, learning_rate=0.01), prepared]
    for epoch in range(1, 21):
        events.append(steps([1 / epoch] * STEPS, first=(epoch - 1) * STEPS + 1))
        second = timing(epoch * STEPS, timed=STEPS, data=0.1, forward=0.9)
        events.append(replace(second, gpu_busy_share=0.8, cpu_wait_share=0.1, other_cores=0.2))
        events.append(epoch_end(epoch, 0.5))
    events += memories(lambda second: GIB)
    events.append(health([layer(dead_share=0.1)], [tensor()]))
    tuned = Tuned()
    tuned.keep_range_test(preset(), range_test())
    tuned.keep_batch_scan(preset(), batch_scan({64: 50_000.0}, 64, device=ON_GPU.device_name))
    known = Facts.of(history(*events), preset(), TwoCards(), tuned)
    needed = {fact for rule in RULES for fact in rule.needs}
    assert [fact for fact in sorted(needed) if getattr(known, fact) is None] == []


def test_the_learning_rate_is_the_last_one_that_the_trainer_reported() -> None:
    """screen #1: a number, never read out of a sentence; where there is none, none is claimed."""
    assert facts(steps([1.0])).learning_rate is None
    started = Started(process_id=1, learning_rate=0.01)
    assert facts(started, steps([1.0])).learning_rate == 0.01
    changed = RequestHandled(command="set_learning_rate", step=1, value=0.0005)
    assert facts(started, steps([1.0]), changed).learning_rate == 0.0005
    again = Started(process_id=2, resumed=True, learning_rate=0.01)
    assert facts(started, steps([1.0]), changed, again).learning_rate == 0.01


def test_classes_are_counted_in_the_training_split_if_its_counts_are_known() -> None:
    assert facts().class_counts is None
    assert facts(epoch_end(1, 0.5)).class_counts == [30, 10]
    assert facts(epoch_end(1, 0.5), prepared=replace(PREPARED, class_counts=[900, 100])).class_counts == [900, 100]


def test_what_a_resumed_run_will_do_again_is_forgotten() -> None:
    measured = Health(
        step=300, epoch=3, samples=256, seconds=0.01, layers=[], tensors=[],
        gradient_norm=1.0, weight_norm=1.0,
    )  # fmt: skip
    assert facts(measured, Started(process_id=1, resumed=True, step=300)).health is measured
    assert facts(measured, Started(process_id=1, resumed=True, step=200)).health is None


def test_what_other_programs_cost_is_the_median_of_recent_seconds_against_the_fastest_one() -> None:
    """Screen #3: one quiet second at the start is what a step could take."""
    quiet = replace(timing(), cpu_wait_share=0.0, other_cores=0.0, samples_per_second=60_000.0)
    busy = replace(timing(), cpu_wait_share=0.6, other_cores=1.0, samples_per_second=1000.0)
    found = facts(steps([1.0] * 50), quiet, *[busy] * RECENT, quiet)
    assert (found.cpu_wait_fraction, found.other_cores) == (0.6, 1.0)
    assert found.slowdown == pytest.approx(60.0)
    unknown = facts(steps([1.0] * 50), timing())
    assert (unknown.cpu_wait_fraction, unknown.other_cores, unknown.slowdown) == (None, None, 1.0)


def test_of_less_than_two_seconds_of_training_nothing_is_said_about_speed() -> None:
    """Screen #33: "critical: waiting for data" of a run of 0.13 s."""
    waiting = replace(timing(timed=200, data=0.3, forward=0.7), steps=200, steps_per_second=1500.0)
    short = facts(steps([1.0] * 200), waiting)
    assert (short.phase_fractions, short.p99_to_median, short.step_median_ms, short.gpu_busy_fraction) == (
        None,
        None,
        None,
        None,
    )
    assert [finding.rule for finding in findings(short)] == []
    long = facts(steps([1.0] * 200), replace(waiting, steps_per_second=99.0))
    assert [finding.rule for finding in findings(long)] == ["waiting-for-data"]


def test_what_a_report_says_of_a_step_is_what_it_was_over_the_whole_run() -> None:
    """Screen #11: p50 in the report 0.972 ms, in the warning just under it a median of 1.29 ms."""
    late = timing(timed=200, p50=1.29, p99=12.0, data=0.1, forward=0.9)
    found = facts(steps([1.0] * 200), *[late] * 3)
    assert "over the last seconds, p99 is" in findings(found)[-1].fact
    whole = found.over_the_run({"p50": 0.972, "p95": 2.0, "p99": 9.72, "max": 20.0}, {"data": 0.4, "forward": 0.6})
    assert whole.step_median_ms == 0.972
    assert whole.p99_to_median == pytest.approx(10.0)
    assert whole.phase_fractions == {"data": 0.4, "forward": 0.6}
    facts_by_rule = {finding.rule: finding.fact for finding in findings(whole)}
    assert "over the whole run, p99 is 10.0 times the median of 0.972 ms" in facts_by_rule["step-outliers"]
    assert facts_by_rule["waiting-for-data"].startswith("data takes 40 % of a step")
    nothing = facts(steps([1.0] * 200))
    assert nothing.over_the_run({"p50": 1.0, "p99": 9.0}, {"data": 1.0}) == nothing
