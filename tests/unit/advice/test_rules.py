"""The rules as a table, and each threshold from both sides."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.unit.advice.made import (
    GIB,
    GOOD,
    LOADED,
    MIB,
    ON_GPU,
    PREPARED,
    batch_scan,
    found,
    health,
    layer,
    preset,
    range_test,
    severity,
    tensor,
    validation_trend,
)  # fmt: skip
from workbench.advice.facts import FACT_NAMES, Facts
from workbench.advice.finding import Finding
from workbench.advice.policy import LEAST_STEPS, POLICY
from workbench.advice.rules import RULES, abstained, findings
from workbench.advice.trends import LossTrend, MemoryTrend, Plateau

# The table.


def test_every_rule_has_a_policy_with_a_source_and_every_policy_a_rule() -> None:
    assert [rule.name for rule in RULES] == list(dict.fromkeys(rule.name for rule in RULES))
    assert {rule.name for rule in RULES} == set(POLICY)
    for policy in POLICY.values():
        assert policy.title
        assert policy.threshold
        assert len(policy.source) > 20


def test_every_rule_says_what_it_needs() -> None:
    known = {field.name for field in fields(Facts)}
    for rule in RULES:
        assert rule.needs
        assert set(rule.needs) <= known & set(FACT_NAMES)


def test_every_rule_abstains_where_nothing_is_known() -> None:
    nothing = Facts()
    assert [name for name, _ in abstained(nothing)] == [rule.name for rule in RULES]
    assert all(missing for _, missing in abstained(nothing))
    assert findings(replace(nothing, step=1000)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_without_one_of_its_facts_abstains_and_says_which(rule: Any) -> None:
    for need in rule.needs:
        facts = replace(BAD[rule.name], **{need: None})  # type: ignore[arg-type]
        assert (rule.name, FACT_NAMES[need]) in abstained(facts)
        assert rule.name not in [finding.rule for finding in findings(facts)]
    assert rule.name not in dict(abstained(BAD[rule.name]))


def test_where_all_is_well_and_known_nothing_is_found_and_nothing_abstains() -> None:
    assert findings(GOOD) == []
    assert abstained(GOOD) == []


def test_nothing_is_said_before_twenty_steps_but_that_the_run_has_diverged() -> None:
    for rule, facts in BAD.items():
        early = [finding.rule for finding in findings(replace(facts, step=LEAST_STEPS - 1))]
        assert early == (["not-finite"] if rule == "not-finite" else [])
        assert findings(replace(facts, step=None)) == []
        assert findings(replace(facts, step=LEAST_STEPS)) != []


def test_the_gravest_comes_first() -> None:
    facts = replace(
        GOOD, phase_fractions={"data": 0.1, "forward": 0.7, "rest": 0.2}, diverged="", max_to_median=50.0,
        health=health([layer(dead_share=0.6)]),
    )  # fmt: skip
    assert [(finding.severity, finding.rule) for finding in findings(facts)] == [
        ("critical", "overhead"), ("warning", "dead-units"), ("warning", "waiting-for-data"), ("note", "step-outliers"),
    ]  # fmt: skip


BAD: dict[str, Facts] = {
    "waiting-for-data": replace(GOOD, phase_fractions={"data": 0.3, "forward": 0.7}),
    "loader-workers": replace(GOOD, phase_fractions={"data": 0.3, "forward": 0.7}, prepared=LOADED),
    "transfer": replace(GOOD, phase_fractions={"transfer": 0.3, "forward": 0.7}, prepared=ON_GPU),
    "overhead": replace(GOOD, phase_fractions={"rest": 0.3, "forward": 0.7}),
    "gpu-idle": replace(GOOD, gpu_busy_fraction=0.2, prepared=ON_GPU),
    "matrix-units": replace(GOOD, prepared=ON_GPU),
    "gpu-memory": replace(GOOD, gpu_used_bytes=76 * GIB),
    "host-memory": replace(GOOD, host_used_bytes=60 * GIB),
    "growing-memory": replace(
        GOOD, memory=(MemoryTrend("the trainer's process", (GIB, 1.1 * GIB, 1.2 * GIB, 1.3 * GIB), 120.0, 40 * GIB),)
    ),
    "busy-cores": replace(GOOD, cpu_wait_fraction=0.6, other_cores=1.0),
    "step-outliers": replace(GOOD, p99_to_median=4.0),
    "not-finite": replace(GOOD, diverged="the loss at step 900"),
    "loss-rising": replace(GOOD, loss=LossTrend(2.3, 0.2, 0.9)),
    "loss-spike": replace(GOOD, loss=LossTrend(2.3, 0.2, 0.2, 9.0, 777)),
    "loss-not-falling": replace(GOOD, loss=LossTrend(2.3, 2.2, 2.21), plateau=Plateau(2.21, 2.21)),
    "overfitting": replace(GOOD, validation=validation_trend(0.3, 0.4, 5, 500, (0.2, 0.1))),
    "dead-units": replace(GOOD, health=health([layer(dead_share=0.7), layer("layers.4", dead_share=0.55)])),
    "saturated-units": replace(GOOD, health=health([layer(kind="sigmoid", saturated_share=0.7)])),
    "vanishing-gradient": replace(
        GOOD, health=health([], [tensor(gradient_mean=1e-9)]), loss=LossTrend(2.3, 2.2, 2.2)
    ),
    "exploding-gradient": replace(GOOD, health=health(norm=1000.0)),
    "class-imbalance": replace(GOOD, class_counts=(6000, 400)),
    "learning-rate-too-high": replace(GOOD, learning_rate=0.4),
    "batch-below-knee": replace(GOOD, batch_scan=batch_scan({64: 50_000.0, 512: 200_000.0}, knee=512)),
}  # fmt: skip
"""Facts in which a rule comes true, for each."""


@pytest.mark.parametrize("rule", POLICY)
def test_each_finding_stands_for_itself(rule: str) -> None:
    [finding] = [finding for finding in findings(BAD[rule]) if finding.rule == rule]
    policy = POLICY[rule]
    assert (finding.title, finding.threshold, finding.source) == (policy.title, policy.threshold, policy.source)
    assert finding.severity in ("warning", "critical")
    assert any(character.isdigit() for character in finding.fact), "a measured figure"
    assert finding.advice.endswith(".")
    assert len(finding.fact) < 220


@pytest.mark.parametrize("rule", POLICY)
def test_each_change_can_be_applied_and_changes_something(rule: str) -> None:
    chosen = BAD[rule].preset
    assert chosen is not None
    for finding in findings(BAD[rule]):
        if finding.change:
            assert chosen.override(finding.change).differences(chosen)


@pytest.mark.parametrize("rule", POLICY)
def test_without_a_preset_a_rule_finds_the_same_or_abstains(rule: str) -> None:
    facts = replace(BAD[rule], preset=None, learning_rate=None)
    for finding in findings(facts):
        assert finding.change == ()
        assert finding.learning_rate is None


# Thresholds, from both sides.


def phase_fractions(**some: float) -> dict[str, float]:
    return {"forward": 1 - sum(some.values()), **some}


@pytest.mark.parametrize(
    ("rule", "phase"), [("waiting-for-data", "data"), ("transfer", "transfer"), ("overhead", "rest")]
)
@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.099, None), (0.1, "warning"), (0.199, "warning"), (0.2, "critical")]
)
def test_phases_that_are_no_arithmetic_warn_from_ten_and_are_critical_from_twenty_percent(
    rule: str, phase: str, fraction: float, expected: str | None
) -> None:
    assert severity(rule, phase_fractions=phase_fractions(**{phase: fraction})) == expected


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        ("gpu-idle", {"gpu_busy_fraction": 0.5}, None),
        ("gpu-idle", {"gpu_busy_fraction": 0.49}, "warning"),
        ("gpu-memory", {"gpu_used_bytes": 71 * GIB}, None),
        ("gpu-memory", {"gpu_used_bytes": 72 * GIB}, "warning"),
        ("gpu-memory", {"gpu_used_bytes": 78 * GIB}, "critical"),
        ("host-memory", {"host_used_bytes": 57 * GIB}, None),
        ("host-memory", {"host_used_bytes": 58 * GIB}, "warning"),
        ("host-memory", {"host_used_bytes": 63 * GIB}, "critical"),
        ("busy-cores", {"cpu_wait_fraction": 0.09, "other_cores": 1.0}, None),
        ("busy-cores", {"cpu_wait_fraction": 0.1, "other_cores": 1.0}, "warning"),
        ("busy-cores", {"cpu_wait_fraction": 0.5, "other_cores": 1.0}, "critical"),
        ("busy-cores", {"cpu_wait_fraction": 0.5, "other_cores": 0.24}, None),
        ("step-outliers", {"p99_to_median": 1.99}, None),
        ("step-outliers", {"p99_to_median": 2.0}, "warning"),
        ("step-outliers", {"max_to_median": 19.0}, None),
        ("step-outliers", {"max_to_median": 20.0}, "note"),
        ("loss-rising", {"loss": LossTrend(2.2, 0.2, 0.39)}, None),
        ("loss-rising", {"loss": LossTrend(2.2, 0.2, 0.41)}, "warning"),
        ("loss-rising", {"loss": LossTrend(2.2, 0.2, 1.21)}, "critical"),
        ("loss-rising", {"loss": LossTrend(2.2, 2.19, 2.25)}, None),
        ("loss-rising", {"loss": LossTrend(2.2, 2.19, 4.0)}, "critical"),
        ("loss-spike", {"loss": LossTrend(2.0, 0.2, 0.2, 3.9, 9)}, None),
        ("loss-spike", {"loss": LossTrend(2.0, 0.2, 0.2, 4.0, 9)}, "warning"),
        ("loss-spike", {"loss": LossTrend(2.0, 0.2, 0.2, 9.0, 9), "prepared": replace(PREPARED, batch_size=4)}, None),
        ("loss-not-falling", {"plateau": Plateau(0.3, 0.296)}, None),
        ("loss-not-falling", {"plateau": Plateau(0.3, 0.298)}, "note"),
        ("loss-not-falling", {"plateau": Plateau(1.3, 1.299)}, "warning"),
        ("overfitting", {"validation": validation_trend(0.3, 0.329, 5, 9, (0.2, 0.1))}, None),
        ("overfitting", {"validation": validation_trend(0.3, 0.331, 5, 9, (0.2, 0.1))}, "warning"),
        ("overfitting", {"validation": validation_trend(0.3, 0.46, 5, 9, (0.2, 0.1))}, "critical"),
        ("overfitting", {"validation": validation_trend(0.3, 0.46, 2, 9, (0.2, 0.1))}, None),
        ("overfitting", {"validation": validation_trend(0.3, 0.46, 5, 9, (0.2, 0.2))}, None),
        ("overfitting", {"validation": validation_trend(0.01, 0.03, 5, 9, (0.02, 0.01))}, None),
        ("dead-units", {"health": health([layer(dead_share=0.49)])}, None),
        ("dead-units", {"health": health([layer(dead_share=0.5)])}, "warning"),
        ("dead-units", {"health": health([layer(dead_share=0.9)])}, "critical"),
        ("saturated-units", {"health": health([layer(kind="tanh", saturated_share=0.49)])}, None),
        ("saturated-units", {"health": health([layer(kind="tanh", saturated_share=0.5)])}, "warning"),
        ("saturated-units", {"health": health([layer(kind="tanh", saturated_share=0.9)])}, "critical"),
        ("exploding-gradient", {"health": health(norm=99.0)}, None),
        ("exploding-gradient", {"health": health(norm=100.0)}, "warning"),
        ("exploding-gradient", {"health": health(norm=10_000.0)}, "critical"),
        ("exploding-gradient", {"health": health(norm=1e4), "preset": preset("training.gradient_clip_norm=1.0")}, None),
        ("class-imbalance", {"class_counts": (399, 100)}, None),
        ("class-imbalance", {"class_counts": (400, 100)}, "warning"),
        ("class-imbalance", {"class_counts": (9900, 100)}, "critical"),
        ("class-imbalance", {"class_counts": (400, 0, 100)}, "warning"),
        ("class-imbalance", {"class_counts": (900, 1), "preset": preset("loss.class_weights=balanced")}, None),
        ("not-finite", {"diverged": "the loss at step 30"}, "critical"),
        ("not-finite", {"health": health([], [tensor(bad=0.01, gradient_mean=None)])}, "critical"),
    ],
)  # fmt: skip
def test_each_threshold_from_both_sides(rule: str, facts: dict[str, Any], expected: str | None) -> None:
    assert severity(rule, **facts) == expected


@pytest.mark.parametrize(
    ("mean", "recent", "expected"),
    [(1.01e-7, 2.2, None), (0.99e-7, 2.2, "warning"), (0.0, 2.2, "warning"), (1e-9, 0.22, None)],
)
def test_a_gradient_vanishes_below_a_ten_millionth_unless_there_is_little_left_to_learn(
    mean: float, recent: float, expected: str | None
) -> None:
    facts = {"health": health([], [tensor(gradient_mean=mean)]), "loss": LossTrend(2.3, recent, recent)}
    assert severity("vanishing-gradient", **facts) == expected


@pytest.mark.parametrize(
    ("gigabytes", "available", "expected"),
    [
        ((1.0, 1.015, 1.03, 1.045), 40 * GIB, None),  # less than 5 %
        ((1.0, 1.05, 1.1, 1.15), 40 * GIB, "warning"),
        ((1.0, 1.05, 1.1, 1.15), 64 * MIB, "critical"),  # it does not last to the end
        ((1.0, 1.05, 1.1, 1.15), None, "warning"),
        ((1.0, 1.1, 1.14, 1.15), 40 * GIB, None),  # levels off
        ((1.0, 1.1, 1.05, 1.15), 40 * GIB, None),  # up and down
        ((1.0, 1.0, 1.0, 1.15), 40 * GIB, None),  # once
        ((0.1, 0.11, 0.12, 0.13), 40 * GIB, None),  # less than 32 MiB
    ],
)
def test_memory_grows_if_it_rises_steadily(
    gigabytes: tuple[float, ...], available: int | None, expected: str | None
) -> None:
    first, second, third, fourth = (gigabyte * GIB for gigabyte in gigabytes)
    trend = MemoryTrend("the trainer's process", (first, second, third, fourth), 120.0, available)
    assert severity("growing-memory", memory=(trend,)) == expected


@pytest.mark.parametrize(
    ("card", "precision", "busy", "found_it"),
    [
        ("NVIDIA H100 80GB HBM3", "float32", 0.9, True),
        ("NVIDIA A100-SXM4-80GB", "float32", None, True),
        ("NVIDIA GeForce RTX 4090", "float32", None, True),
        ("NVIDIA RTX A6000", "float32", None, True),
        ("NVIDIA RTX 6000 Ada Generation", "float32", None, True),
        ("NVIDIA L40S", "float32", None, True),
        ("NVIDIA H100 80GB HBM3", "tf32", None, False),
        ("NVIDIA H100 80GB HBM3", "bf16", None, False),
        ("NVIDIA H100 80GB HBM3", "float32", 0.3, False),
        ("Tesla V100-SXM2-16GB", "float32", None, False),
        ("Tesla T4", "float32", None, False),
        ("Quadro RTX 6000", "float32", None, False),
        ("NVIDIA GeForce RTX 2080 Ti", "float32", None, False),
        ("AMD Instinct MI300X", "float32", None, False),
    ],
)
def test_matrix_units_are_idle_on_cards_that_have_them(
    card: str, precision: str, busy: float | None, found_it: bool
) -> None:
    finding = found(
        "matrix-units", prepared=replace(ON_GPU, device_name=card), gpu_busy_fraction=busy,
        preset=preset(f"runtime.precision={precision}"),
    )  # fmt: skip
    assert (finding is not None) == found_it
    if finding is not None:
        assert finding.change == ("runtime.precision=tf32",)


# What is proposed.


def change(rule: str, **facts: Any) -> tuple[str, ...]:
    finding: Finding | None = found(rule, **facts)
    assert finding is not None
    return finding.change


WAITING = {"phase_fractions": phase_fractions(data=0.3)}


def test_waiting_for_a_loader_proposes_what_may_help() -> None:
    asked_for = preset("runtime.data_loading=dataloader")
    assert change("waiting-for-data", **WAITING, prepared=LOADED, preset=asked_for) == ("runtime.data_loading=auto",)
    assert change("waiting-for-data", **WAITING, prepared=LOADED) == ("runtime.num_workers=4",)
    assert change("waiting-for-data", **WAITING, prepared=LOADED, cores=2) == ()
    assert change("loader-workers", **WAITING, prepared=LOADED, cores=3) == ("runtime.num_workers=3",)
    assert found("loader-workers", **WAITING, prepared=LOADED, cores=2) is None
    assert found("loader-workers", **WAITING) is None, "nothing is read by a loader"
    none = preset("runtime.num_workers=0")
    assert change("loader-workers", **WAITING, prepared=LOADED, preset=none) == ("runtime.num_workers=2",)


@pytest.mark.parametrize(("samples", "proposed"), [(2560, "256"), (2559, "128"), (1279, None)])
def test_a_larger_batch_is_proposed_as_long_as_an_epoch_keeps_ten_steps(samples: int, proposed: str | None) -> None:
    facts = {"phase_fractions": phase_fractions(rest=0.3), "prepared": replace(PREPARED, train_samples=samples)}
    assert change("overhead", **facts) == ((f"data.batch_size={proposed}",) if proposed else ())


def test_a_slow_engine_that_was_asked_for_is_given_up_first() -> None:
    assert change("overhead", phase_fractions=phase_fractions(rest=0.3), preset=preset("runtime.engine=eager")) == (
        "runtime.engine=auto",
    )


def test_full_memory_halves_the_batch_and_keeps_the_steps() -> None:
    facts = {"gpu_used_bytes": 79 * GIB, "preset": preset("training.gradient_accumulation=2")}
    assert change("gpu-memory", **facts) == ("data.batch_size=32", "training.gradient_accumulation=4")


def test_a_learning_rate_is_proposed_for_a_run_in_progress() -> None:
    rising = LossTrend(2.3, 0.2, 2.0)
    facts: dict[str, Any] = {"loss": rising, "learning_rate": 0.03, "range_test": None}
    finding = found("loss-rising", **facts)
    assert finding is not None
    assert (finding.change, finding.learning_rate) == (("optimizer.learning_rate=0.003",), 0.003)
    ended = found("loss-rising", **facts, is_live=False)
    assert ended is not None
    assert ended.learning_rate is None


@pytest.mark.parametrize(
    ("optimizer", "rate", "tested", "proposed"),
    [
        ("adam", 0.03, None, "0.003"),
        ("adam", 0.1, None, "0.01"),  # ten times Adam's default
        ("adam", 0.11, None, "0.001"),  # a tenth would be more than that
        ("adam", 1000.0, None, "0.001"),
        ("sgd", 1000.0, None, "0.1"),
        ("adam", 1000.0, 0.002, "0.002"),
        ("adam", 0.001, 0.002, "0.0001"),  # the range test names no lower one
    ],
)
def test_a_lower_learning_rate_is_one_that_may_train(
    optimizer: str, rate: float, tested: float | None, proposed: str
) -> None:
    known = None if tested is None else range_test(steepest=tested, before_divergence=None)
    diverged = found(
        "not-finite", diverged="the loss at step 3", step=3, learning_rate=rate, range_test=known,
        preset=preset(f"optimizer.name={optimizer}", "training.gradient_clip_norm=1.0"),
    )  # fmt: skip
    assert diverged is not None
    assert diverged.change == (f"optimizer.learning_rate={proposed}",)
    assert ("A range test measures which rates train" in diverged.advice) == (tested is None)


def test_what_is_there_already_is_not_proposed_again() -> None:
    overfitting = {"validation": validation_trend(0.3, 0.4, 5, 500, (0.2, 0.1))}
    assert change("overfitting", **overfitting) == ("model.dropout=0.2",)
    assert change("overfitting", **overfitting, preset=preset("model.dropout=0.1")) == (
        "optimizer.weight_decay=0.0001",
    )
    both = preset("model.dropout=0.1", "optimizer.weight_decay=0.01")
    assert change("overfitting", **overfitting, preset=both) == ("training.early_stopping_patience=5",)
    saturated = {"health": health([layer(kind="sigmoid", saturated_share=0.7)])}
    assert change("saturated-units", **saturated) == ("model.batch_norm=true",)
    normalised = preset("model.batch_norm=true", "activation.name=sigmoid")
    assert change("saturated-units", **saturated, preset=normalised) == ("activation.name=relu",)


def test_infinite_gradients_are_part_of_loss_scaling() -> None:
    scaled = health([], [tensor(bad=0.01, gradient_mean=None)])
    assert severity("not-finite", health=scaled, preset=preset("runtime.precision=fp16")) is None


# Other programs on the same cores (screen #3, #27).

BUSY = {"cpu_wait_fraction": 0.6, "other_cores": 1.02, "cores": 2, "prepared": replace(PREPARED, num_threads=2)}


def test_busy_cores_are_named_with_what_they_cost_and_fewer_threads_offered() -> None:
    finding = found("busy-cores", **BUSY, slowdown=60.0)
    assert finding is not None
    assert finding.fact == (
        "other programs keep 1.0 of the 2 cores busy: a step takes 60 times as long as it could, and threads wait for "
        "a core 60 % of the time that they could run"
    )
    assert finding.change == ("runtime.num_threads=1",)


def test_how_much_longer_a_step_takes_is_said_only_where_the_run_has_shown_it() -> None:
    for known in (None, 1.4):
        finding = found("busy-cores", **BUSY, slowdown=known)
        assert finding is not None
        assert "times as long" not in finding.fact
        assert "60 % of the time" in finding.fact


@pytest.mark.parametrize(
    ("cores", "others", "threads", "offered"),
    [(2, 1.05, 2, 1), (2, 1.05, 1, None), (2, 2.0, 2, 1), (16, 3.02, 16, 13), (16, 3.02, 8, None), (8, 0.3, 8, 7)],
)
def test_as_many_threads_are_offered_as_others_leave_cores(
    cores: int, others: float, threads: int, offered: int | None
) -> None:
    finding = found("busy-cores", **BUSY | {
        "cores": cores, "other_cores": others, "prepared": replace(PREPARED, num_threads=threads),
    })  # fmt: skip
    assert finding is not None
    assert finding.change == (() if offered is None else (f"runtime.num_threads={offered}",))


def test_on_a_gpu_busy_cores_are_reported_and_threads_left_alone() -> None:
    finding = found("busy-cores", **BUSY | {"prepared": replace(ON_GPU, num_threads=2)})
    assert finding is not None
    assert finding.change == ()


def test_uneven_steps_are_not_reported_beside_their_cause() -> None:
    uneven = {"p99_to_median": 4.0, "max_to_median": 30.0}
    assert found("step-outliers", **uneven) is not None
    assert found("step-outliers", **uneven, **BUSY) is None


def test_what_a_rule_lacks_is_said_once() -> None:
    """Screen #43: "enough timed steps, enough timed steps"."""
    lacking = dict(abstained(Facts()))
    assert lacking["step-outliers"] == "enough timed steps"
    assert lacking["gpu-memory"] == "the GPU's memory in use"
    assert lacking["busy-cores"].count("waited for a core") == 1


@pytest.mark.parametrize(
    ("latest", "words"),
    [
        (0.4, "the validation loss has risen by 33 %, from 0.3000 in epoch 5 to 0.4000 in epoch 10"),
        (0.9, "the validation loss has risen by 200 %, from 0.3000 in epoch 5 to 0.9000 in epoch 10"),
        (4.8, "the validation loss has risen to 16 × its lowest, from 0.3000 in epoch 5 to 4.8000 in epoch 10"),
    ],
)
def test_overfitting_names_the_losses_of_the_epochs(latest: float, words: str) -> None:
    finding = found("overfitting", validation=validation_trend(0.3, latest, 5, 500, (0.2, 0.1)))
    assert finding is not None
    assert finding.fact == f"{words}, while the training loss fell from 0.2000 to 0.1000"
