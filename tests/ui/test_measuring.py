"""The learning rate and the batch size are measured from their rows: the curve, the table, and what enter takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import HELD, preset, write_run
from tests.ui.made_measuring import (
    CURVES,
    SCAN,
    failure,
    fake_process,
    no_knee,
    notes_of,
    range_answer,
    range_lines,
    scan_lines,
)
from tests.ui.made_study import write_study
from tests.ui.test_runs_live import until
from workbench.processes.range_test import Suggested
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.batch_scan import BatchScanDialog
from workbench.ui.dialogs.measuring import MeasuringDialog
from workbench.ui.dialogs.question import QuestionDialog
from workbench.ui.dialogs.range_test import RangeTestDialog
from workbench.ui.screens.tune import TuneScreen

RATE, BATCH = "optimizer.learning_rate", "data.batch_size"
SIZES = [(80, 24), (120, 36), (200, 50)]


async def measure(pilot: Pilot[None], words: str) -> None:
    """Puts the cursor on a setting, and presses the key."""
    await pilot.press("slash", *words, "enter", "M")
    await until(pilot, lambda: isinstance(pilot.app.screen, MeasuringDialog))


async def answered(pilot: Pilot[None], words: str) -> None:
    await measure(pilot, words)
    await until(pilot, lambda: getattr(pilot.app.screen, "is_done", False))
    await pilot.pause()


def inside(app: WorkbenchApp, selector: str) -> str:
    """What a person reads in a part of the screen, as one line."""
    region = app.screen_stack[-1].query_one(selector).region
    rows = screen_text(app).splitlines()[region.y : region.bottom]
    return " ".join(" ".join(row[region.x : region.right].strip("│ ") for row in rows).split())


def app_of(tmp_path: Path, **how: Any) -> WorkbenchApp:
    return make_app(tmp_path / "runs", page="settings", **how)


@pytest.mark.parametrize("size", SIZES)
def test_the_curve_its_marks_and_what_they_mean_are_seen_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    asked = fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "learning rate")
        text = screen_text(app)
        for said in ("over 5 seeds", "N is the rate now: 0.01", "S  steepest", "0.00123", "V  valley"):
            assert said in text
        assert "D  before divergence 0.0641" in text
        assert "enter take 0.00123  left right choose  esc cancel" in text
        axis = next(line for line in text.splitlines() if "└" in line)
        letters = [letter for letter in axis if letter in "SVDN"]
        assert letters == ["V", "S", "N", "D"], "by the rates that they stand for"
        assert any("\u2800" < character <= "\u28ff" for character in text), "a curve"

    drive(app, steps, size)
    _, module, request = notes_of(asked)
    assert module == "RANGE_TEST"
    assert Preset.from_toml(str(request["preset"]), "asked").differences(preset()) == {}
    assert (request["steps"], request["seeds"]) == (100, 5)


@pytest.mark.parametrize(
    ("keys", "rate"),
    [([], 0.00123), (["right"], 0.0008), (["right", "right"], 0.0641), (["left"], 0.0641), (["down", "up"], 0.00123)],
)
def test_enter_puts_the_selected_rate_into_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[str], rate: float
) -> None:
    fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "learning rate")
        await pilot.press(*keys)
        await pilot.pause()
        assert f"enter take {rate:g}" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, MeasuringDialog))
        await pilot.pause()
        assert f"learning rate {rate:g} for the next run; ctrl+s saves the preset" in screen_text(app)

    drive(app, steps)
    assert app.draft.changes() == {RATE: (0.01, rate)}


def test_the_curve_grows_with_each_seed_and_nothing_can_be_taken_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_process(monkeypatch, tmp_path, range_lines(seeds=2))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await measure(pilot, "learning rate")
        await until(pilot, lambda: "over 2 of 5 seeds" in screen_text(app))
        text = screen_text(app)
        assert "sweeping with seed 3 of 5" in text
        assert any("\u2800" < character <= "\u28ff" for character in text)
        assert "take" not in text.splitlines()[-1]
        await pilot.press("right", "enter")
        await pilot.pause()
        assert isinstance(app.screen, RangeTestDialog)
        assert [len(curve.losses) for curve in app.screen._curves] == [len(curve.losses) for curve in CURVES[:2]]

    drive(app, steps)


def test_leaving_ends_the_process_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_process(monkeypatch, tmp_path, range_lines(seeds=1))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await measure(pilot, "learning rate")
        await until(pilot, lambda: "1 of 5 seeds" in screen_text(app))
        assert app.session.is_measuring
        await pilot.press("escape")
        process_id, _, _ = notes_of(asked)
        await until(pilot, lambda: not psutil.pid_exists(process_id))
        assert not isinstance(app.screen, MeasuringDialog)
        await until(pilot, lambda: not app.session.is_measuring)

    drive(app, steps)
    assert app.draft.changes() == {}


@pytest.mark.parametrize("words", ["learning rate", "batch size"])
def test_quitting_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    lines = range_lines(seeds=1) if words == "learning rate" else scan_lines(None)
    asked = fake_process(monkeypatch, tmp_path, lines)
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await measure(pilot, words)
        await until(pilot, lambda: asked.exists() and len(asked.read_text().splitlines()) == 3)
        await pilot.press("ctrl+q")
        await pilot.pause(0.2)

    drive(app, steps)
    assert not psutil.pid_exists(notes_of(asked)[0])


def test_rates_that_are_not_named_cannot_be_taken_and_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "valley: the seeds disagree, from 0.001 to 0.01, so none is named"
    answer = range_answer(Suggested(None, None, 0.0641), [note])
    fake_process(monkeypatch, tmp_path, range_lines(answer))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "learning rate")
        text = screen_text(app)
        assert note in text
        assert "V  valley            - " in text
        assert "enter take 0.0641  esc cancel" in text
        await pilot.press("right", "enter")
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == {RATE: (0.01, 0.0641)}


@pytest.mark.parametrize("words", ["learning rate", "batch size"])
def test_where_nothing_can_be_named_enter_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    nothing = range_answer(Suggested(None, None, None), ["the loss hardly falls at any rate tried"])
    fake_process(monkeypatch, tmp_path, range_lines(nothing) if words == "learning rate" else scan_lines(no_knee()))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, words)
        assert "take" not in screen_text(app).splitlines()[-1]
        await pilot.press("right", "enter", "l")
        await pilot.pause()
        assert isinstance(app.screen, MeasuringDialog)

    drive(app, steps)
    assert app.draft.changes() == {}


@pytest.mark.parametrize("words", ["learning rate", "batch size"])
@pytest.mark.parametrize("how", ["fails", "dies"])
def test_a_failure_is_a_sentence_in_the_dialog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, how: str
) -> None:
    sentence = "columns 'height' of things.csv holds no number in row 7"
    fake_process(monkeypatch, tmp_path, failure(sentence) if how == "fails" else [], dies=how == "dies")
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, words)
        text = screen_text(app)
        assert (f"✗ {sentence}" if how == "fails" else "✗ the measuring process ended without an answer") in text
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, MeasuringDialog)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, MeasuringDialog)

    drive(app, steps)
    assert app.session.tuned.range_test(preset()) is None


# Batch sizes.


@pytest.mark.parametrize("size", SIZES)
def test_the_table_of_batch_sizes_and_the_knee_are_seen_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    asked = fake_process(monkeypatch, tmp_path, scan_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "batch size")
        text = screen_text(app)
        assert "on a processor, steps run by the engine eager" in text
        assert "1024 155 k 6.62 ms 104 MiB █" in inside(app, "#picture")
        assert "█ knee 2048 - - - out of memory" in inside(app, "#picture")
        assert "knee 1024: the smallest batch size within 5 % of the best throughput" in text
        assert "esc cancel" in text.splitlines()[-1]

    drive(app, steps, size)
    _, module, request = notes_of(asked)
    assert module == "BATCH_SCAN"
    assert request["up_to"] is None


@pytest.mark.parametrize(
    ("keys", "changes"),
    [
        (["enter"], {BATCH: (64, 1024)}),
        (["up", "up", "enter"], {BATCH: (64, 256)}),
        (["down", "enter"], {BATCH: (64, 1024)}),
        (["up", "up", "l"], {BATCH: (64, 256), RATE: (0.01, 0.02)}),
        (["escape"], {}),
    ],
)
def test_enter_takes_a_batch_size_and_l_the_learning_rate_that_suits_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[str], changes: dict[str, object]
) -> None:
    fake_process(monkeypatch, tmp_path, scan_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "batch size")
        assert "with the square root of the batch size: 0.01 becomes 0.04" in inside(app, "#below")
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: not isinstance(app.screen, MeasuringDialog))
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == changes


def test_the_table_grows_while_sizes_are_measured_and_one_can_be_taken_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fake_process(monkeypatch, tmp_path, scan_lines(None))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await measure(pilot, "batch size")
        await until(pilot, lambda: "measuring batch size 32" in screen_text(app))
        assert isinstance(app.screen, BatchScanDialog)
        assert app.screen._sizes == [1, 2, 4, 8, 16]
        await pilot.press("up")
        await pilot.pause()
        assert "enter take 16" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: not psutil.pid_exists(notes_of(asked)[0]))

    drive(app, steps)
    assert app.draft.changes() == {BATCH: (64, 16)}
    assert app.session.tuned.batch_scan(preset()) is None, "there is no answer"


# Where it is not measured.


@pytest.mark.parametrize("where", ["another setting", "the charts"])
def test_elsewhere_the_key_says_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    asked = fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        words = "epochs" if where == "another setting" else "learning rate"
        await pilot.press("slash", *words, "enter", *(["2"] if where == "the charts" else []), "M")
        await pilot.pause(0.1)
        assert "M measures the learning rate and the batch size" in " ".join(screen_text(app).split())

    drive(app, steps, (80, 24))
    assert not asked.exists()


def test_beside_a_run_in_progress_nothing_is_measured_unless_it_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path, attach=write_run(tmp_path / "runs", alive=True))

    async def refused(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"learning rate", "enter", "M")
        await pilot.pause(0.1)
        assert "a run is in progress, and each would slow the other: pause it (space)" in screen_text(app)

    drive(app, refused)
    assert not asked.exists()
    run = write_run(tmp_path / "other", alive=True, paused=True)
    paused = make_app(tmp_path / "other", page="settings", attach=run)

    async def measured(pilot: Pilot[None]) -> None:
        await answered(pilot, "learning rate")

    drive(paused, measured)


@pytest.mark.parametrize("ends", [False, True])
def test_beside_a_study_in_progress_nothing_is_measured_until_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    fake_process(monkeypatch, tmp_path, range_lines())
    study = write_study(tmp_path / "studies", alive=True)
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TuneScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, TuneScreen))
        if ends:
            HELD.pop(study.path).close()
            await answered(pilot, "learning rate")
            return
        await pilot.press("slash", *"learning rate", "enter", "M")
        await pilot.pause(0.1)
        assert "a study is in progress, and each would slow the other: pause or stop it" in screen_text(app)

    drive(app, steps)


def test_beside_a_study_that_this_app_has_not_opened_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_process(monkeypatch, tmp_path, range_lines())
    write_study(tmp_path / "studies", alive=True)
    write_study(tmp_path / "studies", "20261124T140000Z-fast-0c3d", finished="completed")
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"learning rate", "enter", "M")
        await until(pilot, lambda: "a study is in progress, and each would slow the other: pause" in screen_text(app))
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TuneScreen) and "3 running" in screen_text(app))

    drive(app, steps)


def test_invalid_settings_are_named_and_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path)
    app.draft.enter("training.epochs", "-3")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"learning rate", "enter", "M")
        await pilot.pause(0.1)
        assert "this cannot be measured: training.epochs: " in screen_text(app)

    drive(app, steps)
    assert not asked.exists()


@pytest.mark.parametrize("trusts", [True, False])
def test_code_of_ones_own_is_asked_about_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusts: bool) -> None:
    Path("my_models.py").write_text("def wide(inputs, outputs, activation): ...\n")
    asked = fake_process(monkeypatch, tmp_path, range_lines())
    app = app_of(tmp_path, chosen=preset().override(["model.name=module", "model.function=my_models:wide"]))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"learning rate", "enter", "M")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        assert not asked.exists()
        await pilot.press(*(["up", "enter"] if trusts else ["escape"]))
        await until(pilot, lambda: isinstance(app.screen, RangeTestDialog) == trusts)

    drive(app, steps)
    assert code.is_trusted("my_models:wide") == trusts


# What is made of it.


def test_what_was_measured_becomes_a_finding_about_a_run_of_these_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = range_answer(Suggested(0.0006, 0.0004, 0.003))
    fake_process(monkeypatch, tmp_path, range_lines(answer))
    app = app_of(tmp_path, attach=write_run(tmp_path / "runs", steps=400, ending="stopped"))

    async def steps(pilot: Pilot[None]) -> None:
        assert "learning rate too high" not in screen_text(app)
        await answered(pilot, "learning rate")
        await pilot.press("escape")
        await until(pilot, lambda: "learning rate too high" in screen_text(app))
        text = inside(app, "#advice")
        assert "the learning rate is 0.01; in the range test of these settings the loss diverges above 0.009" in text

    drive(app, steps)
    assert app.session.tuned.range_test(preset()) == answer


def test_before_any_run_a_rate_that_is_too_high_is_a_finding_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_process(monkeypatch, tmp_path, range_lines(range_answer(Suggested(0.0006, 0.0004, 0.003))))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "learning rate")
        await pilot.press("escape")
        await until(pilot, lambda: "learning rate too high" in screen_text(app))
        assert "critical" in inside(app, "#advice")
        await pilot.press("i")
        await until(pilot, lambda: "Smith (2015)" in screen_text(app))
        await pilot.press("escape", "a")
        await until(pilot, lambda: "nothing to advise at present" in screen_text(app))

    drive(app, steps)
    assert app.draft.changes() == {RATE: (0.01, 0.0006)}


def test_a_scan_is_kept_for_the_settings_that_it_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, tmp_path, scan_lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await answered(pilot, "batch size")
        await pilot.press("enter")
        await until(pilot, lambda: app.draft.is_changed)

    drive(app, steps)
    assert app.session.tuned.batch_scan(app.draft.preset) == SCAN
    assert app.session.tuned.batch_scan(app.draft.preset.override(["model.hidden=[3]"])) is None
