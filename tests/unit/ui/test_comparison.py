"""A comparison's answer in words, and the real process from request to answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.ui.made_advice import ANSWER, LEARNED, OVERFIT
from tests.unit.advice.made import PREPARED
from workbench.errors import TrainerLostError, WorkbenchError
from workbench.processes import comparison_process
from workbench.processes.comparison import MOST_SECONDS, Comparison, Measure, Progress, RefusedError
from workbench.processes.comparison_process import ComparisonProcess
from workbench.processes.messages import decode
from workbench.runs.directory import create_run
from workbench.runs.measurements import Timing
from workbench.runs.view import RunView
from workbench.settings.preset import Preset
from workbench.ui.live.comparison import START_SECONDS, change_in_words, expected_seconds
from workbench.ui.live.comparison_words import answer, method, question, rows

MADE = decode(Comparison, ANSWER)
TAUGHT = decode(Comparison, LEARNED)
BATCH = ("data.batch_size=512",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (BATCH, "batch size 512"),
        (("optimizer.name=adamw", "optimizer.learning_rate=0.003"), "optimizer adamw, learning rate 0.003"),
        (('activation.name="leaky_relu"',), "activation leaky relu"),
        (("model.batch_norm=true",), "batch norm on"),
        (("model.hidden=[64, 32]",), "hidden 64, 32"),
        (("runtime.precision=bf16",), "precision bf16"),
    ],
)
def test_a_change_is_said_as_people_call_the_settings(change: tuple[str, ...], words: str) -> None:
    assert change_in_words(change) == words


def said(comparison: Comparison, rule: str = "overhead", change: tuple[str, ...] = BATCH) -> str:
    return answer(comparison, change, rule, "×")


def test_speed_is_answered_by_speed_alone() -> None:
    assert said(MADE) == "batch size 512: 5.1 × samples/s"
    assert "loss" not in said(MADE)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "words"),
    [
        (1.06, 0.97, 1.12, "no clear difference in samples/s"),
        (1.012, 1.009, 1.025, "no clear difference in samples/s"),
        (0.834, 0.81, 0.86, "0.83 × samples/s"),
        (1.25, 1.21, 1.3, "1.25 × samples/s"),
        (23.6, 22.0, 25.0, "24 × samples/s"),
    ],
)
def test_a_ratio_near_one_or_within_its_own_spread_of_it_is_no_difference(
    ratio: float, low: float, high: float, words: str
) -> None:
    assert words in said(replace(MADE, ratio=ratio, ratio_low=low, ratio_high=high))


def test_the_figures_beside_each_other_are_those_of_the_ratio() -> None:
    """Screen #5."""
    [row] = [row for row in rows(MADE, "×") if row[0] == "samples/s"]
    assert row[1:] == ("31.2 k", "159 k", "5.1 ×, middle half of 8 paired rounds 4.9–5.3")
    assert MADE.ratio == pytest.approx(159_000 / 31_200, rel=1e-3)


DROPOUT = ("model.dropout=0.2",)


@pytest.mark.parametrize(
    ("changed", "interval", "words"),
    [
        (0.0716, (-0.0131, -0.0061), "dropout 0.2: the lowest validation loss is 0.0716 instead of 0.0812"),
        (0.0916, (0.004, 0.02), "dropout 0.2: the lowest validation loss is 0.0916 instead of 0.0812"),
        (0.072, (-0.02, 0.001), "dropout 0.2: no clear difference in the lowest validation loss: "
             "0.0720 against 0.0812"),
        (0.0810, (None, None), "dropout 0.2: no clear difference in the lowest validation loss: 0.0810 against 0.0812"),
        (0.0716, (None, None), "dropout 0.2: the lowest validation loss is 0.0716 instead of 0.0812"),
    ],
)  # fmt: skip
def test_what_is_learned_is_answered_by_the_lowest_validation_loss_and_its_interval(
    changed: float, interval: tuple[float | None, float | None], words: str
) -> None:
    """Screen #4."""
    low, high = interval
    made = replace(
        TAUGHT, changed=replace(TAUGHT.changed, lowest_loss=changed), difference_low=low, difference_high=high
    )
    assert said(made, "overfitting", DROPOUT) == words


def test_where_the_present_settings_do_not_show_it_the_answer_says_that_it_is_none() -> None:
    """Their validation loss must have risen again, units must have died: else nothing was there to be cured."""
    never_rose = replace(TAUGHT, present=replace(TAUGHT.present, loss=0.0815))
    assert "the present settings do not show overfitting" in said(never_rose, "overfitting", DROPOUT)
    assert "do not show" not in said(never_rose, "exploding-gradient", DROPOUT)
    assert "do not show a loss that is not finite" in said(TAUGHT, "not-finite", DROPOUT)
    alive = counted(0.04, 0.0)
    assert "on the 61,440 samples trained here the present settings do not show dead units" in said(alive, "dead-units")


def counted(before: float | None, after: float | None) -> Comparison:
    return replace(
        TAUGHT, measure="dead_units",
        present=replace(TAUGHT.present, fraction=before), changed=replace(TAUGHT.changed, fraction=after),
    )  # fmt: skip


def test_dead_units_are_answered_by_how_many_are_dead() -> None:
    """Screen #4."""
    assert said(counted(0.62, 0.03), "dead-units") == (
        "batch size 512: in the worst layer 3 % of the units are dead instead of 62 %"
    )
    assert ("in the worst layer", "62 %", "3 %", "") in rows(counted(0.62, 0.03), "×")
    assert said(counted(None, 0.03), "dead-units").endswith("with the present settings training diverges")


def test_a_loss_that_is_not_finite_is_said_so() -> None:
    diverging = replace(TAUGHT, changed=replace(TAUGHT.changed, loss=None))
    assert said(diverging, "overfitting", DROPOUT) == (
        "dropout 0.2: training diverges, its loss is no longer a finite number"
    )
    curing = replace(TAUGHT, present=replace(TAUGHT.present, loss=None))
    assert said(curing, "not-finite", DROPOUT) == (
        "dropout 0.2: its lowest validation loss is 0.0716; with the present settings training diverges"
    )


def test_without_a_validation_split_the_losses_are_called_what_they_are() -> None:
    of_training = replace(TAUGHT, validation_samples=0)
    assert "the lowest training loss is 0.0716" in said(of_training, "loss-rising", DROPOUT)
    assert any(row[0] == "lowest training loss" for row in rows(of_training, "×"))


@pytest.mark.parametrize("measure", get_args(Measure))
def test_every_measure_has_its_question_its_method_and_its_answer(measure: Measure) -> None:
    made = replace(TAUGHT, measure=measure)
    assert question(BATCH, measure, "batch size 64").startswith("does batch size 512 (now batch size 64)")
    assert method(measure).startswith("Both settings train")
    assert said(made, "overhead").startswith("batch size 512: ")
    assert rows(made, "×")


@pytest.mark.parametrize(
    ("measure", "steps", "seconds"),
    [
        ("speed", None, 18.0), ("validation_loss", 1000, 112.0), ("validation_loss", None, None), (None, None, None),
        ("dead_units", 10**9, 12.0 + MOST_SECONDS),
    ],
)  # fmt: skip
def test_the_expected_time_comes_from_how_the_run_went(
    measure: Measure | None, steps: int | None, seconds: float | None
) -> None:
    """Screen #23. The run took 6 s to prepare, and makes 20 steps a second."""
    view = RunView(
        prepared=replace(PREPARED, seconds=6.0),
        timing=Timing(
            step=1, steps=1, timed_steps=1, phase_ms={}, step_ms={}, steps_per_second=20.0, samples_per_second=1.0
        ),
    )
    finding = replace(OVERFIT, measure=measure, steps=steps)
    assert expected_seconds(finding, view) == (None if seconds is None else START_SECONDS + seconds)
    assert expected_seconds(finding, RunView()) is None


def small(*change: str) -> Preset:
    return Preset().override(["data.name=digits", "model.hidden=[16]", "runtime.device=cpu", *change])


def test_the_real_process_answers_what_the_app_reads(tmp_path: Path) -> None:
    run = create_run(tmp_path, "paused", "")
    reports: list[Progress] = []

    async def measured() -> Comparison:
        change = ["data.batch_size=256"]
        async with ComparisonProcess.launched(small(), change, run, "validation_loss", 40) as process:
            return await process.measure(reports.append)

    found = asyncio.run(measured())
    assert found.measure == "validation_loss"
    assert found.present.samples_per_second > 0
    assert found.changed.loss is not None
    assert found.same_loss
    assert [progress.round for progress in reports if progress.round] == list(range(1, 11))
    assert not run.control.exists(), "whoever paused the run resumes it"


def answer_of(*lines: object) -> Comparison:
    """What the app makes of the lines that a process writes."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    program = f"import sys; sys.stdin.readline(); sys.stdin.readline(); print({text!r})"

    async def measured() -> Comparison:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(comparison_process, "COMMAND", (sys.executable, "-S", "-c", program))
            async with ComparisonProcess.launched(small(), BATCH, None) as process:
                return await process.measure()

    return asyncio.run(measured())


def test_the_answer_is_found_among_what_libraries_print() -> None:
    assert answer_of("a warning", {"progress": {"doing": "x"}}, ANSWER, '{"a": 1}', "another") == MADE


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        ({"error": "too many", "exit_code": 2, "which": "changed"}, WorkbenchError, "with the change: too many"),
        ({"error": "too many", "exit_code": 2, "which": "present"}, WorkbenchError, "already with the present .*many"),
        ({"error": "broken", "exit_code": 3, "later": 1}, WorkbenchError, "^broken"),
        ({"error": "too long", "exit_code": 3, "which": "", "refused": True}, RefusedError, "^too long"),
        ({"present": {}}, TrainerLostError, "ended without an answer"),
        ("killed", TrainerLostError, "ended without an answer"),
    ],
)
def test_a_failure_is_raised_in_words(failure: object, kind: type[WorkbenchError], words: str) -> None:
    with pytest.raises(WorkbenchError, match=words) as raised:
        answer_of({"progress": {"doing": "x"}}, failure)
    assert type(raised.value) is kind


def test_the_process_lets_the_run_continue_if_its_launcher_dies(tmp_path: Path) -> None:
    run = create_run(tmp_path, "paused", "")
    request: dict[str, Any] = {"preset": small().to_toml(), "change": list(BATCH), "run": str(run.path)}
    # The end of its input is all that a death leaves behind.
    ended = subprocess.run(
        comparison_process.COMMAND, input=json.dumps(request).encode() + b"\n", capture_output=True, check=False
    )
    assert ended.stdout == b""
    assert json.loads(run.control.read_text())["command"] == "resume"
