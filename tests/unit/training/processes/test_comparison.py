"""A comparison of settings: both are measured in turns on small data, and whatever cannot be measured is reported."""

from __future__ import annotations

import io
import json
import multiprocessing
import re
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from sklearn.metrics import f1_score

from tests.unit.training.conftest import SMALL
from workbench.errors import StorageError
from workbench.processes.comparison import Measure, Request
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.training.processes import comparison, comparison_rounds
from workbench.training.processes.comparison_validation import mean_f1
from workbench.training.processes.contender import Contender
from workbench.training.trainer import Trainer


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_rounds, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(comparison_rounds, "PROBE_SECONDS", 0.05)


def request_line(*change: str, present: tuple[str, ...] = (), **more: Any) -> str:
    preset = Preset().override([*SMALL, *present])
    return json.dumps({"preset": preset.to_toml(), "change": list(change)} | more) + "\n"


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, Any]:
    """Exit code and answer of the comparing process for a line on standard input."""
    exit_code, lines = all_lines(monkeypatch, capsys, line)
    assert all(set(line) == {"progress"} for line in lines[:-1])
    return exit_code, lines[-1]


def all_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, list[Any]]:
    """The same, with all progress reports before the answer."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    exit_code = comparison.main()
    return exit_code, [json.loads(written) for written in capsys.readouterr().out.splitlines()]


def test_both_are_measured_and_their_paces_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    exit_code, found = answer(monkeypatch, capsys, request_line("data.batch_size=32"))
    assert exit_code == 0
    for side in (found["present"], found["changed"]):
        assert side["engine"] == "traced"
        assert side["steps"] >= comparison_rounds.LEAST_ROUNDS
        assert side["samples_per_second"] > 0
        assert side["peak_bytes"] is None, "the CPU does not tell"
    assert 0 < found["ratio_low"] <= found["ratio"] <= found["ratio_high"]
    assert found["rounds"] >= comparison_rounds.LEAST_ROUNDS
    assert found["measure"] == "speed"
    assert list(tmp_path.iterdir()) == [], "nothing is written"


@pytest.mark.parametrize(
    ("line", "exit_code", "which", "words"),
    [
        (request_line("data.batch_size=5000"), 2, "changed", "5000"),
        (request_line("data.batch_sise=32"), 2, "", "batch_size"),
        (request_line("data.batch_size=32", present=("data.name=diabetes",)), 2, "present", "does not fit data"),
        ("nonsense\n", 3, "", "JSONDecodeError"),
        ("", 3, "", "JSONDecodeError"),
    ],
    ids=["changed", "misspelt", "present", "nonsense", "nothing"],
)
def test_what_cannot_be_measured_is_reported_with_the_side_that_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    exit_code: int,
    which: str,
    words: str,
) -> None:
    found_code, found = answer(monkeypatch, capsys, line)
    assert (found_code, found["exit_code"]) == (exit_code, exit_code)
    assert found["which"] == which
    assert words in found["error"]
    assert "Traceback" not in found["error"]


def test_running_out_of_memory_is_reported_of_the_side_that_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def turn(side: Contender, seconds: float) -> None:
        if side.samples_per_step == 32:
            raise MemoryError

    monkeypatch.setattr(Contender, "turn", turn)
    exit_code, found = answer(monkeypatch, capsys, request_line("data.batch_size=32"))
    assert (exit_code, found["which"]) == (3, "changed")
    assert "ran out of memory at batch size 32" in found["error"]


def test_every_round_is_reported_with_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Screen #23: "2 seconds each" took 25 to 45 s, without a bar."""
    for measure, rounds in (
        ("speed", comparison_rounds.SPEED_ROUNDS),
        ("validation_loss", comparison_rounds.LEARNING_ROUNDS),
    ):
        line = request_line("data.batch_size=32", measure=measure, steps=40)
        reports = [each["progress"] for each in all_lines(monkeypatch, capsys, line)[1][:-1]]
        assert [each["doing"] for each in reports[:2]] == [
            "preparing the present settings", "preparing the changed settings"
        ]  # fmt: skip
        numbered = [each for each in reports if each["round"]]
        assert [each["round"] for each in numbered] == list(range(1, len(numbered) + 1))
        assert {each["rounds"] for each in numbered} == {rounds}
        assert all(each["seconds_left"] > 0 for each in numbered[1:])


def test_the_ratio_is_that_of_the_two_paces_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Screen #5: 1,397 and 1,356 samples a second, and 1.29 times beside them."""
    _, found = answer(monkeypatch, capsys, request_line("data.batch_size=32"))
    paces = [found[side]["samples_per_second"] for side in ("present", "changed")]
    assert found["ratio"] == pytest.approx(paces[1] / paces[0], rel=1e-4)


def test_a_hiccup_in_a_round_or_two_changes_no_figure_and_none_contradicts_another() -> None:
    """Eight rounds; in two of them something else took the machine from one side alone."""
    present = [1000.0, 1010.0, 990.0, 100.0, 1000.0, 1005.0, 995.0, 1000.0]
    changed = [1210.0, 1200.0, 1190.0, 1200.0, 120.0, 1200.0, 1204.0, 1198.0]
    found = comparison_rounds.paired(list(zip(present, changed, strict=True)))
    assert found.present == pytest.approx(1000, rel=0.01)
    assert found.changed == pytest.approx(1200, rel=0.01)
    assert found.ratio == pytest.approx(found.changed / found.present)
    assert found.ratio_low <= found.ratio <= found.ratio_high
    assert found.ratio_high < 1.25


# What a run learns: by samples that it is not trained on.

DIGITS = ("data.name=digits", "data.batch_size=64", "model.hidden=[32]", "training.epochs=3")


def test_what_is_learned_is_compared_by_the_validation_loss_that_the_trainer_has_after_as_many_epochs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], make_trainer: Callable[..., Trainer]
) -> None:
    """Screen #4: overfitting was judged by the loss of training samples, so that dropout always lost."""
    trainer = make_trainer(*DIGITS)
    trainer.train()
    steps = 3 * trainer.job.steps_per_epoch
    line = request_line("model.dropout=0.5", present=DIGITS, measure="validation_loss", steps=steps)
    exit_code, found = answer(monkeypatch, capsys, line)
    assert exit_code == 0
    assert trainer.last_epoch is not None
    assert trainer.last_epoch.validation is not None
    present, changed = found["present"], found["changed"]
    assert present["loss"] == pytest.approx(trainer.last_epoch.validation["loss"], rel=1e-5)
    assert present["loss"] != pytest.approx(trainer.last_epoch.train["loss"], rel=0.01)
    assert present["lowest_loss"] <= present["loss"]
    assert 0 < present["lowest_after"] <= found["samples"]
    assert found["epochs"] == 3
    assert found["validation_samples"] == 229
    gain = changed["lowest_loss"] - present["lowest_loss"]
    assert found["difference_low"] < gain < found["difference_high"]


def test_the_same_settings_give_the_same_losses_and_no_difference() -> None:
    """So that a difference between two losses comes from the change alone."""
    line = request_line("runtime.num_workers=0", present=DIGITS, measure="validation_loss", steps=44)
    found = comparison.compare(Request.from_json(line), at_once())
    assert found.present.loss == found.changed.loss
    assert (found.difference_low, found.difference_high) == (0.0, 0.0)


def test_another_batch_size_trains_on_as_many_samples() -> None:
    line = request_line("data.batch_size=128", present=DIGITS, measure="validation_loss", steps=40)
    found = comparison.compare(Request.from_json(line), at_once())
    asked = 1298 + 19 * 64  # an epoch of 21 steps, the last batch of which is short, and 19 steps
    assert asked <= found.samples < asked + 128
    assert found.present.lowest_after is not None
    assert found.present.lowest_after <= asked


def test_what_showed_after_a_step_or_two_still_has_its_rounds() -> None:
    line = request_line("data.batch_size=64", measure="validation_loss", steps=1)
    found = comparison.compare(Request.from_json(line), at_once())
    assert found.rounds == comparison_rounds.LEARNING_ROUNDS
    assert found.present.loss is not None


def test_without_a_validation_split_the_losses_are_those_of_training_samples() -> None:
    line = request_line("optimizer.learning_rate=0.1", present=("validation.method=none",), measure="validation_loss")
    found = comparison.compare(Request.from_json(line), at_once())
    assert found.validation_samples == 0
    assert found.difference_low is None
    assert found.present.loss != found.changed.loss


def test_dead_units_are_counted() -> None:
    """Screen #4. A learning rate so high that ReLUs die; a leaky ReLU cannot."""
    present = ("optimizer.name=sgd", "optimizer.learning_rate=30", "model.hidden=[16, 16]")
    change = ("activation.name=leaky_relu", "optimizer.learning_rate=0.1")
    line = request_line(*change, present=present, measure="dead_units", steps=30)
    found = comparison.compare(Request.from_json(line), at_once())
    assert found.present.fraction is not None
    assert found.present.fraction >= 0.5
    assert found.changed.fraction == 0.0


def test_dead_units_are_counted_after_fewer_steps_where_there_is_no_time_for_all() -> None:
    """They die early; that a run is long must not keep the question from being answered."""
    assert set(comparison.FRACTIONS) == {"dead_units", "saturated_units"}
    line = request_line("activation.name=leaky_relu", measure="dead_units", steps=100_000_000, most_seconds=10)
    found = comparison.compare(Request.from_json(line), at_once())
    # At least those; more where warming up alone took them past that. All that was asked for would be a million.
    assert comparison_rounds.MOST_EPOCHS - 1 <= found.epochs < 10_000
    assert found.changed.fraction == 0.0


def test_rare_classes_are_judged_by_f1() -> None:
    line = request_line("loss.class_weights=balanced", present=DIGITS, measure="f1", steps=60)
    found = comparison.compare(Request.from_json(line), at_once())
    assert not found.same_loss
    for side in (found.present, found.changed):
        assert side.f1 is not None
        assert 0.5 < side.f1 <= 1


def test_f1_is_that_of_the_trainers_metrics() -> None:
    scores = torch.randn(200, 7, generator=torch.Generator().manual_seed(3))
    targets = torch.randint(0, 6, (200,), generator=torch.Generator().manual_seed(4))
    assert mean_f1(scores, targets) == pytest.approx(
        f1_score(targets.numpy(), scores.argmax(1).numpy(), average="macro")
    )


def test_what_takes_too_long_is_refused_with_how_long_it_would_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for steps in (100_000_000, None):
        line = request_line("data.batch_size=32", measure="validation_loss", steps=steps, most_seconds=1e-4)
        exit_code, found = answer(monkeypatch, capsys, line)
        assert (exit_code, found["which"], found["refused"]) == (3, "", True)
        assert "both settings would have to train on" in found["error"]
        assert re.search(r"\((\d{1,3}(,\d{3})*|\d+\.\d+) epochs\), which takes about", found["error"])


@pytest.mark.parametrize(
    ("change", "present", "measure", "words"),
    [
        ("loss.label_smoothing=0.1", (), "validation_loss", "two kinds of loss cannot be compared"),
        ("data.batch_size=32", (), "memory", "this device (cpu) does not report"),
        ("data.batch_size=32", ("validation.method=none",), "f1", "F1 needs a validation split"),
        ("data.batch_size=32", (), "luck", "unknown measure 'luck'"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
    present: tuple[str, ...],
    measure: str,
    words: str,
) -> None:
    exit_code, found = answer(monkeypatch, capsys, request_line(change, present=present, measure=measure))
    assert exit_code == 3
    assert words in found["error"]


@pytest.mark.parametrize("measure", sorted(set(get_args(Measure)) - {"memory"}))  # which the CPU does not tell
def test_every_measure_is_answered(measure: Measure) -> None:
    found = comparison.compare(Request.from_json(request_line("data.batch_size=32", measure=measure)), at_once())
    assert found.measure == measure
    assert (found.present.fraction is None) == (measure not in ("dead_units", "saturated_units"))
    assert (found.present.loss is None) == (measure == "speed")


def test_a_loss_that_is_not_finite_is_null(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    change = ("optimizer.name=sgd", "optimizer.learning_rate=1000")
    regression = ("data.name=diabetes", "loss.name=mse")
    line = request_line(*change, present=regression, measure="validation_loss", steps=60)
    exit_code, found = answer(monkeypatch, capsys, line)
    assert exit_code == 0
    assert found["changed"]["loss"] is None
    assert found["present"]["loss"] is not None


def test_a_side_trains_as_the_trainer_does(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer("training.epochs=3", "schedule.name=cosine")
    trainer.train()
    side = Contender(trainer.job.preset)
    samples = 3 * trainer.job.samples_per_epoch
    side.train_to(samples)
    assert side.samples_trained == samples
    assert trainer.last_epoch is not None
    trained = trainer.last_epoch.train["loss"]
    assert side.loss_after(samples, trainer.job.samples_per_epoch) == pytest.approx(trained, rel=1e-9)


@pytest.mark.parametrize("engine", ["auto", "eager", "traced"])
def test_a_side_has_the_engine_that_the_trainer_has(make_trainer: Callable[..., Trainer], engine: str) -> None:
    trainer = make_trainer(f"runtime.engine={engine}")
    assert Contender(trainer.job.preset).engine == trainer.engine.name


def test_an_engine_that_does_not_fit_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, found = answer(monkeypatch, capsys, request_line("runtime.engine=cuda_graph"))
    assert (exit_code, found["which"]) == (2, "changed")
    assert 'runtime.engine = "cuda_graph", but' in found["error"]


def test_a_turn_has_the_steps_that_its_seconds_hold() -> None:
    side = Contender(Preset().override(SMALL))
    side._steps_per_second = 50.0
    side.turn(0.2)
    assert side.steps == 10
    side.turn(0.0)
    assert side.steps == 11, "one at least"


def test_steps_that_a_loader_has_read_ahead_are_left_out() -> None:
    side = Contender(Preset().override([*SMALL, "runtime.data_loading=dataloader", "runtime.num_workers=0"]))
    assert side.data_loading == "dataloader"
    assert side._steps_left_out == 1
    side.preset = side.preset.override(["runtime.num_workers=3"])
    assert side._steps_left_out == 7


def test_a_global_setting_of_one_side_does_not_reach_the_other() -> None:
    present, changed = (Contender(Preset().override([*SMALL, *change])) for change in ((), ("runtime.num_threads=3",)))
    before, seen = torch.get_num_threads(), []
    for side in (present, changed, present):
        side._configure()
        seen.append(torch.get_num_threads())
    torch.set_num_threads(before)
    assert seen == [before, 3, before]


def at_once() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_run_that_was_paused_for_it_goes_on_when_the_launcher_has_died(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run: RunDirectory = create_run(tmp_path, "small", "")
    ended = threading.Event()
    monkeypatch.setattr(sys, "stdin", io.StringIO("go\n"))
    monkeypatch.setattr("os._exit", lambda code: ended.set())
    go = comparison._listen(str(run.path))
    assert go.wait(10)
    assert ended.wait(10)
    assert json.loads(run.control.read_text())["command"] == "resume"


@pytest.mark.parametrize("fails", [False, True])
def test_no_process_that_reads_samples_outlives_the_comparison(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    sides: list[Contender] = []
    reading: list[int] = []

    def answer_of(request: Request, present: Contender, changed: Contender, rounds: Any) -> None:
        sides.extend((present, changed))
        reading.append(len(multiprocessing.active_children()))
        if fails:
            raise StorageError("no answer")

    monkeypatch.setattr(comparison, "_answer", answer_of)
    line = request_line("data.batch_size=32", present=("runtime.data_loading=dataloader", "runtime.num_workers=1"))
    with pytest.raises(StorageError) if fails else nullcontext():
        comparison.compare(Request.from_json(line), at_once())
    assert reading == [2], "a process for each side, which both sides still hold"
    assert multiprocessing.active_children() == []
    assert len(sides) == 2
