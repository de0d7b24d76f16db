"""The Tune screen, by keys: over a study that was written beforehand, and with a controller that starts no process."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import HELD, NOON, preset
from tests.ui.made_study import BEST, append, loss_of, run_name, settings_of, write_folds, write_study
from workbench.errors import PresetError
from workbench.runs.directory import list_runs
from workbench.settings.preset import Preset
from workbench.training.processes.plan import make_plan
from workbench.tuning.directory import StudyDirectory, list_studies
from workbench.tuning.events import Noted, StudyState, TrialDiscarded, TrialFinished, TrialValue
from workbench.tuning.question import read_question
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.pace import TICK_SECONDS
from workbench.ui.screens.tune import TuneScreen

SIZE = (140, 40)


class Controller:
    """A controller's process that lives until its return code is set."""

    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[StudyDirectory, str]]:
    """The studies whose controller was started, with the command that says so."""
    found: list[tuple[StudyDirectory, str]] = []

    def start(study: StudyDirectory, command: str) -> Controller:
        found.append((study, command))
        return Controller()

    monkeypatch.setattr("workbench.ui.controllers.tune.start_controller", start)
    return found


def app_of(tmp_path: Path, **how: Any) -> tuple[WorkbenchApp, StudyDirectory]:
    study = write_study(tmp_path / "studies", **how)
    return make_app(tmp_path / "runs"), study


async def open_tune(pilot: Pilot[None]) -> TuneScreen:
    await pilot.press("T")
    for _ in range(40):
        await pilot.pause(0.05)
        if isinstance(pilot.app.screen, TuneScreen):
            break
    await pilot.pause(0.1)
    assert isinstance(pilot.app.screen, TuneScreen)
    return pilot.app.screen


async def seen(pilot: Pilot[None], text: str) -> None:
    """Waits until a text stands on the screen."""
    for _ in range(100):
        if text in screen_text(pilot.app):  # type: ignore[arg-type]
            return
        await pilot.pause(0.05)
    raise AssertionError(screen_text(pilot.app))  # type: ignore[arg-type]


def asked(study: StudyDirectory) -> list[tuple[str, float | None]]:
    """What the study's controller was asked."""
    lines = study.control.read_text().splitlines() if study.control.exists() else []
    return [(request["command"], request.get("value")) for request in map(json.loads, lines)]


async def type_range(pilot: Pilot[None], setting: str, text: str) -> None:
    await pilot.press("slash", *setting, "enter", "enter", *text, "enter")
    await pilot.pause()


def test_the_best_trials_come_first_with_their_letters_and_states(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        lines = screen_text(app).splitlines()
        best = [next(line for line in lines if f"│ {letter} ●" in line) for letter in "ABC"]
        assert [line.split()[3] for line in best] == ["41", "7", "52"]
        assert "0.0943" in best[0]
        assert "▂" in best[0], "the course of its loss"
        assert "searching" in lines[0]
        assert "64 trials, 3 running, 60 discarded, 1 failed" in lines[0]
        assert "best so far: trial 41  loss 0.0943, gelu" in screen_text(app)

    drive(app, steps, SIZE)


def test_a_trial_far_from_the_others_does_not_own_the_axis(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        screen = await open_tune(pilot)
        watch = screen._tune.watch
        assert watch is not None
        trial = watch.view.trials[12]
        trial.values.update(dict.fromkeys(trial.values, 1e9))
        await pilot.press("L", "L")
        await seen(pilot, "above, up to 1e+09")
        await pilot.press("circumflex_accent")
        await pilot.pause(0.1)
        assert "above, up to" not in screen_text(app)

    drive(app, steps, SIZE)


def test_what_the_controller_writes_is_shown(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        append(study, TrialValue(trial=41, epoch=7, value=0.0321, time=NOON + 60))
        await seen(pilot, "best so far: trial 41  loss 0.0321")
        assert "A 0.0321" in screen_text(app)
        append(study, StudyState(state="paused", time=NOON + 61))
        await seen(pilot, "● paused")
        assert "space resume" in screen_text(app)

    drive(app, steps, SIZE)


def test_pause_resume_and_stop_are_asked_of_the_controller(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("space")
        await pilot.pause(0.1)
        assert asked(study) == [("pause", None)]
        assert "pause ..." in screen_text(app)
        append(study, StudyState(state="paused", time=NOON + 61))
        await pilot.pause(2 * TICK_SECONDS)
        assert "pause ..." not in screen_text(app)
        await pilot.press("space")
        await pilot.pause(0.1)
        await pilot.press("x")
        await pilot.pause(0.1)
        assert asked(study)[1:] == [("resume", None), ("stop", None)]

    drive(app, steps, SIZE)


def test_a_place_is_added_and_taken_back_and_the_answer_is_shown(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("plus")
        await seen(pilot, "add place ...")
        append(study, TrialValue(trial=41, epoch=7, value=0.09, time=NOON + 60))
        await seen(pilot, "0.0900")
        assert "add place ..." in screen_text(app), "it is not answered yet"
        append(study, Noted(message="a place is added, 2 places: GPU 1 (H100)", time=NOON + 61))
        await seen(pilot, "a place is added, 2 places: GPU 1 (H100)")
        assert "add place ..." not in screen_text(app)
        await pilot.press("minus")
        await seen(pilot, "remove place ...")
        assert "a place is added" not in screen_text(app)
        assert asked(study) == [("add_place", None), ("remove_place", None)]

    drive(app, steps, SIZE)


def test_the_trial_under_the_cursor_is_discarded_once(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("down", "X")
        await pilot.pause(0.1)
        assert asked(study) == [("discard", 7)]
        append(study, TrialDiscarded(trial=7, reason="discarded by hand", time=NOON + 60))
        await seen(pilot, "trial 7 discarded: discarded by hand")
        assert "discard ..." not in screen_text(app)
        await pilot.press("X")
        await seen(pilot, "trial 7 is discarded already")
        assert asked(study) == [("discard", 7)]

    drive(app, steps, SIZE)


def test_nothing_is_asked_of_a_study_that_nobody_runs(tmp_path: Path) -> None:
    app, study = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        text = screen_text(app)
        assert "✗ lost" in text
        assert "the study is lost  its process was killed" in text
        assert "3 running" not in text, "none stays running"
        for key in ("x", "X", "plus", "minus"):
            await pilot.press(key)
            await seen(pilot, "no study is in progress")
        assert asked(study) == []

    drive(app, steps, SIZE)


def test_a_trial_is_opened_as_a_run(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("enter")
        await pilot.pause(0.8)
        assert app.screen is app.screen_stack[0]
        assert app.session.watch is not None
        assert app.session.watch.run.path == study.run(run_name(BEST)).path
        await open_tune(pilot)  # and the study is there as before

    drive(app, steps, SIZE)


def test_marked_trials_are_compared_with_what_differs(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("v")
        await seen(pilot, "mark two trials or more with '")
        await pilot.press("down", "apostrophe", "down", "apostrophe")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert [line.split()[1] for line in lines if "›●" in line] == ["B›●", "C›●"]
        assert "v compare" in lines[-1]
        await pilot.press("v")
        await seen(pilot, "optimizer.learning_rate")
        text = "\n".join(" ".join(line.split()) for line in screen_text(app).splitlines())
        assert "│ trial 7 trial 52 │" in text
        assert "│ optimizer.learning_rate 0.0034 0.0013 │" in text
        assert "│ schedule.name one_cycle constant │" in text
        assert "│ state running running │" in text
        assert "training.epochs" not in text, "both have the same"
        await pilot.press("v")
        await pilot.press("apostrophe")
        await pilot.pause()
        assert "v compare" not in screen_text(app)
        await pilot.press("apostrophe", "down", "apostrophe", "down", "apostrophe", "down", "apostrophe")
        await seen(pilot, "4 trials are marked already")

    drive(app, steps, SIZE)


def test_trials_that_were_trained_together_have_no_run_and_are_compared_all_the_same(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, alive=True)
    lines = study.events.read_text().replace(run_name(41), "").replace(run_name(52), "")
    study.events.write_text(lines)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "enter open trial" not in screen_text(app)
        await pilot.press("enter")
        await seen(pilot, "trial 41 has no run of its own, for it was trained together with others")
        assert isinstance(app.screen, TuneScreen)
        await pilot.press("apostrophe", "down", "down", "apostrophe", "v")
        await seen(pilot, "optimizer.weight_decay")
        text = "\n".join(" ".join(line.split()) for line in screen_text(app).splitlines())
        assert "│ epochs 6/10 6/10 │" in text
        best, other = loss_of(41, 6), loss_of(52, 6)
        assert f"│ best loss ★ {best:.4f} {other:.4f} +{other - best:.4f} │" in text
        assert "│ activation.name gelu mish │" in text

    drive(app, steps, SIZE)


@pytest.mark.parametrize(("keys", "trial"), [(["down", "down", "t"], 52), (["down", "B"], 41)])
def test_settings_are_taken_into_the_form(tmp_path: Path, keys: list[str], trial: int) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        app.draft.enter("training.epochs", "7..9")
        await open_tune(pilot)
        await pilot.press(*keys)
        await pilot.pause(0.3)
        assert app.screen is app.screen_stack[0]
        assert f"settings of trial {trial}" in screen_text(app)

    drive(app, steps, SIZE)
    expected = preset().with_values(settings_of(trial), "").flat()
    assert {path: value for path, value in app.draft.preset.flat().items() if path in settings_of(trial)} == {
        path: value for path, value in expected.items() if path in settings_of(trial)
    }
    assert app.draft.opened == preset(), "and they are changes of the preset that is open"
    assert not app.draft.asks_for_search, "space now trains with them"


def test_a_trial_that_was_trained_together_is_compared_with_a_run_by_its_test_metrics(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, finished="completed")
    append(study, TrialFinished(trial=7, status="completed", value=0.1, test={"accuracy": 0.9712}, time=NOON + 90))

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("apostrophe", "down", "down", "down", "apostrophe", "v")
        await seen(pilot, "optimizer.weight_decay")
        text = "\n".join(" ".join(line.split()) for line in screen_text(app).splitlines())
        assert "│ trial 41 trial 7 │" in text
        assert "│ test accuracy - 97.12 % │" in text
        assert "changes" not in text, "neither has any"
        assert "One training each: nothing can be concluded, because chance alone moves these results." in text

    drive(app, steps, SIZE)


def test_a_trial_is_saved_as_a_preset_with_what_was_found(tmp_path: Path) -> None:
    app, study = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("down", "down", "down", "S")  # after the two that repeat the best
        await pilot.pause(0.3)
        await pilot.press("enter")
        await seen(pilot, "saved")
        assert "fast-tuned.toml" in screen_text(app)

    drive(app, steps, SIZE)
    [saved] = [*tmp_path.rglob("fast-tuned.toml")]
    found = tomllib.loads(saved.read_text())
    assert found["optimizer"]["learning_rate"] == 0.0034
    assert found["description"] == (
        f"Trial 7 of 64 settings (study {study.name}): validation loss 0.1568 as searched, "
        "not trained again with fresh seeds"
    )
    assert not app.draft.is_changed, "the form stays as it was"


def test_the_result_says_what_is_best_over_how_many_seeds(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        # With the other seeds it is 0.002 and 0.004 more.
        assert "✓ best: trial 41  mean 0.0973 over 2 fresh seeds, loss 0.0943, gelu, one cycle" in screen_text(app)

    drive(app, steps, SIZE)


@pytest.mark.parametrize(
    ("seeds", "over"), [(2, "over 2 fresh seeds"), (1, "over 1 fresh seed, for one tells nothing")]
)
def test_trials_that_cannot_be_told_apart_are_named(tmp_path: Path, seeds: int, over: str) -> None:
    app, study = app_of(tmp_path, finished="completed", tied=(41, 7, 52))
    lines = study.events.read_text().splitlines(keepends=True)
    study.events.write_text("".join(line for line in lines if seeds == 2 or '"trial":65' not in line))

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        text = screen_text(app)
        assert f"▲ trials 41, 7, 52 cannot be told apart {over}  the first by its mean is trial 41: gelu" in text

    drive(app, steps, SIZE)


def test_a_setting_of_zero_stands_at_the_left_of_a_logarithmic_axis(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("left", "left", "left")  # before the learning rate come activation and schedule
        await seen(pilot, "weight decay against loss")
        [axis] = [line for line in screen_text(app).splitlines() if "0.0001" in line and "│ " in line[60:]][-1:]
        assert axis[60:].split("││")[1].split()[0] == "0"

    drive(app, steps, SIZE)


def test_left_and_right_choose_the_setting_against_the_result(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "learning rate against loss" in screen_text(app)
        await pilot.press("right")
        await pilot.pause()
        assert "hidden against loss" in screen_text(app)
        assert "hidden    differs" in screen_text(app), "it has a column of its own in the table"
        await pilot.press("left", "left")
        await pilot.pause()
        text = screen_text(app)
        assert "schedule against loss" in text
        assert "constant" in text
        assert "one cycle" in text

    drive(app, steps, SIZE)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_a_panel_is_maximised_and_brought_back(tmp_path: Path, size: tuple[int, int]) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await open_tune(pilot)
        for key, panel in (("2", "tune-curves"), ("3", "tune-setting"), ("4", "tune-best"), ("1", "tune-trials")):
            await pilot.press(key)
            await pilot.pause()
            shown = screen.query_one(f"#{panel}")
            assert shown.display
            before = shown.size
            await pilot.press("m")
            await pilot.pause()
            assert shown.size.width == size[0]
            assert shown.size.height > before.height
            await pilot.press("escape")
            await pilot.pause()
            assert app.screen is screen
            assert shown.size == before

    drive(app, steps, size)


def test_a_small_screen_shows_one_chart_at_a_time(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "validation loss" in screen_text(app)
        await pilot.press("4")
        await pilot.pause()
        assert "best so far  0.0943 after" in screen_text(app)
        assert "validation loss" not in screen_text(app)
        await pilot.press("right")
        await pilot.pause()
        assert "hidden against loss" in screen_text(app)

    drive(app, steps, (80, 24))


def test_of_folds_all_count_none_is_best(tmp_path: Path) -> None:
    write_folds(tmp_path / "studies")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        screen = await open_tune(pilot)
        text = screen_text(app)
        # The variance between folds is 0.001; of their mean it is that × (1/5 + 1/4).
        assert "✓ mean 94.00 % ± 2.12 %  accuracy over 5 folds, pooled accuracy 93.94 %, loss 0.2603; " in text
        assert "loss 0.2603; ±: corrected deviation of the mean" in text
        # The last epoch of the curves: 0.9 to 0.98, less what the tenth epoch still lacks of it.
        assert "validation accuracy %  mean 93.77  89.80 to 97.74" in text
        folds = [line.split()[2:4] for line in text.splitlines() if line.startswith("│   ✓")]
        assert folds == [["0", "90.00"], ["1", "92.00"], ["2", "94.00"], ["3", "96.00"], ["4", "98.00"]]
        assert not screen.query_one("#tune-best").display
        assert screen.query_one("#tune-mean").display
        await pilot.press("4")
        assert app.focused is screen.query_one("#tune-mean")
        await pilot.press("B")
        await seen(pilot, "there is no trial whose settings could be taken")
        await pilot.press("t")
        await seen(pilot, "settings of trial 0")

    drive(app, steps, SIZE)


def test_a_cross_validation_is_a_table_of_folds_and_what_they_say_together(tmp_path: Path) -> None:
    write_folds(tmp_path / "studies")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        lines = [" ".join(line.split("││")[0].strip("│").split()) for line in screen_text(app).splitlines()]
        assert "leaves out k fold, stratified" in lines
        assert "fold accuracy % loss samples time" in lines
        rows = [line for line in lines if line.startswith("✓ ") and line.endswith(" s")]
        assert [row.split()[1:3] + row.split()[4:] for row in rows[:2]] == [
            ["0", "90.00", "0.3000", "29", "0.50", "s"],
            ["1", "92.00", "0.2800", "29", "0.50", "s"],
        ]
        await pilot.press("4", "m")
        await pilot.pause()
        lines = [" ".join(line.strip("│").split()) for line in screen_text(app).splitlines()]
        assert "mean ± between folds pooled" in lines
        # Between folds √0.001; of the mean √(0.001 × (1/5 + 1/4)), and the losses vary as much.
        assert "accuracy % 94.00 2.12 3.16 93.94" in lines
        assert "loss 0.2600 0.0212 0.0316 0.2603" in lines
        assert "pooled: 142 samples, each judged by the model that was trained without it." in lines

    drive(app, steps, SIZE)


def test_of_folds_under_way_only_those_that_have_completed_count(tmp_path: Path) -> None:
    study = write_folds(tmp_path / "studies", ended=2, alive=True)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        text = screen_text(app)
        assert "● cross-validating" in text
        assert "mean so far 91.00 %  accuracy of 2" in text
        assert "2 of 5 folds" in text
        assert "48 %" in text.splitlines()[0], "two folds, and 4 of 10 epochs of the third"
        assert "accuracy %  91.00           1.41" in text, "the deviation between two folds"
        assert "±" not in text, "that of the mean holds for all folds"
        # What the two lack after ten epochs; the third, after four, is not in the band.
        assert "mean 90.79  89.80 to 91.78" in text
        append(study, TrialFinished(trial=2, status="failed", reason="the loss is not finite", kind="diverged"))
        await seen(pilot, "the loss is no…")

    drive(app, steps, SIZE)


def test_where_the_screen_is_narrow_the_means_and_the_chart_take_turns(tmp_path: Path) -> None:
    write_folds(tmp_path / "studies")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        screen = await open_tune(pilot)
        assert "accuracy %   94.00    2.12   93.94" in screen_text(app), "the deviation between folds has no room"
        assert "corrected deviation of the mean" not in screen_text(app), "nor have these words"
        assert "loss 0.2603" in screen_text(app)
        assert "fold against accuracy" not in screen_text(app)
        for key, panel in (("3", "tune-setting"), ("4", "tune-mean"), ("2", "tune-curves")):
            await pilot.press(key)
            await pilot.pause()
            assert app.focused is screen.query_one(f"#{panel}")
            assert ("fold against accuracy" in screen_text(app)) == (key == "3")
            assert ("all folds together" in screen_text(app)) == (key != "3")

    drive(app, steps, (110, 32))


def test_what_a_damaged_result_does_not_say_is_left_out(tmp_path: Path) -> None:
    study = write_folds(tmp_path / "studies")
    folds = [{"fold": 0, "samples": "many", "metrics": [1]}, {"fold": True}, 7, {"fold": 1, "metrics": {"loss": "low"}}]
    study.summary.write_text(json.dumps({"mean": 0.94, "deviation": None, "folds": folds, "pooled": {"loss": None}}))
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        text = screen_text(app)
        assert "✓ mean 94.00 %  accuracy" in text
        [titles] = [line for line in text.splitlines() if "fold  accuracy %" in line]
        assert "samples" not in titles
        assert "loss" not in titles
        assert "pooled" not in text

    drive(app, steps, SIZE)


def test_another_study_is_shown(tmp_path: Path) -> None:
    write_study(tmp_path / "studies", "20261124T110000Z-fast-0001", finished="completed")
    app, _ = app_of(tmp_path, finished="stopped")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "● stopped" in screen_text(app), "the latest at first"
        await pilot.press("r")
        await seen(pilot, "20261124T110000Z-fast-0001  search, completed, 66 trials")
        await pilot.press("down", "enter")
        await seen(pilot, "● completed")

    drive(app, steps, SIZE)


def test_the_study_that_is_running_is_shown_first(tmp_path: Path) -> None:
    write_study(tmp_path / "studies", "20261124T110000Z-fast-0001", alive=True)
    app, _ = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "● searching" in screen_text(app)

    drive(app, steps, SIZE)


def test_without_a_study_it_says_how_to_begin(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        text = " ".join(screen_text(app).split())
        assert "No studies yet in studies" in text
        for key in ("x", "X", "t", "B", "S", "enter", "R", "left", "right", "L", "m"):
            await pilot.press(key)
            await pilot.pause(0.05)
        assert isinstance(app.screen, TuneScreen)
        await pilot.press("m", "escape", "escape")
        await pilot.pause()
        assert app.screen is app.screen_stack[0]

    drive(app, steps, (80, 24))


def test_a_study_that_cannot_be_read_is_said_in_the_list(tmp_path: Path) -> None:
    broken = write_study(tmp_path / "studies", "20261124T110000Z-fast-0001")
    broken.question.write_text("version = 9\n")
    app, _ = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("r")
        await seen(pilot, "is of version 9")
        await pilot.press("down", "enter")
        await seen(pilot, "is of version 9")
        assert "● completed" in screen_text(app), "what was shown stays"

    drive(app, steps, (200, 50))


# Starting a search.


def test_a_range_typed_into_a_field_is_a_search_and_space_starts_it(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]]
) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await type_range(pilot, "learning rate", "1e-4..1e-1 x12")
        assert "1e-4..1e-1 x12" in screen_text(app)
        await pilot.press("slash", *"activation", "enter", "enter", *"relu|gelu|mish", "enter")
        await pilot.pause()
        assert "relu|gelu|mi" in screen_text(app)
        await pilot.press("space")
        await pilot.pause(0.5)
        text = screen_text(app)
        assert isinstance(app.screen, TuneScreen)
        assert "● starting" in text
        assert "the first trial is about to start" in text
        assert "0.0001 … 0.1" in text

    drive(app, steps, SIZE)
    [study] = list_studies(tmp_path / "studies")
    [(of, command)] = started
    assert of == study
    assert shlex.split(command)[:4] == ["workbench", "tune", "search", "--preset"]
    assert shlex.split(command)[-4:] == [
        "--search", "optimizer.learning_rate=1e-4..1e-1 x12", "--search", "activation.name=relu|gelu|mish",
    ]  # fmt: skip
    question = read_question(study.question)
    assert question.way == "search"
    assert question.trials == 12
    assert question.search == {
        "optimizer.learning_rate": {"low": 1e-4, "high": 0.1},
        "activation.name": {"choices": ["relu", "gelu", "mish"]},
    }
    assert len(question.seeds) == 3
    assert Preset.of_run(study.preset).optimizer.learning_rate == 0.01, "the preset itself is trial 0"
    assert not (tmp_path / "runs").exists(), "and no run was started"


def test_a_wrong_range_is_a_fault_at_its_setting_and_starts_nothing(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]]
) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await type_range(pilot, "learning rate", "1e-1..1e-4")
        assert "low must be less than high" in screen_text(app)
        await pilot.press("space")
        await seen(pilot, "cannot start: optimizer.learning_rate")
        assert app.screen is app.screen_stack[0]
        await pilot.press("delete")
        await pilot.pause()
        assert not app.draft.asks_for_search, "space trains again"

    drive(app, steps, SIZE)
    assert started == []
    assert not (tmp_path / "studies").exists()


def test_without_ranges_the_tune_screen_searches_what_matters_most(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]]
) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("space")
        await seen(pilot, "● starting")
        await pilot.press("escape")
        await open_tune(pilot)
        assert "● starting" in screen_text(app), "it is still watched"

    drive(app, steps, SIZE)
    [study] = list_studies(tmp_path / "studies")
    question = read_question(study.question)
    assert "optimizer.learning_rate" in question.search
    assert question.trials == 20


# Starting a cross-validation.


@pytest.fixture
def planned_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets are planned in this process, which has imported PyTorch and what a plan needs."""
    make_plan(preset())
    monkeypatch.setattr("workbench.tuning.asking.make_plan", make_plan)


def folds_app(tmp_path: Path, *assignments: str) -> WorkbenchApp:
    return make_app(tmp_path / "runs", chosen=preset("fast").override([*assignments, "training.epochs=2"]))


@pytest.mark.usefixtures("planned_here")
def test_space_on_a_preset_with_folds_trains_all_of_them(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]]
) -> None:
    app = folds_app(tmp_path, "validation.method=k_fold", "validation.folds=4", "data.name=iris")

    async def steps(pilot: Pilot[None]) -> None:
        assert "space cross-validate" in screen_text(app)
        await open_tune(pilot)
        text = " ".join(screen_text(app).split())
        assert "space trains the form's" in text
        assert "space cross-validate" in text
        await pilot.press("escape", "space")
        await seen(pilot, "● starting")
        assert isinstance(app.screen, TuneScreen)
        assert "k fold, stratified" in screen_text(app)

    drive(app, steps, SIZE)
    [study] = list_studies(tmp_path / "studies")
    [(of, command)] = started
    assert of == study
    assert shlex.split(command)[:2] == ["workbench", "--preset"]
    question = read_question(study.question)
    assert question.way == "folds"
    assert question.changes == tuple({"validation.fold": fold} for fold in range(4))
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("planned_here")
def test_more_folds_than_a_class_has_members_are_refused_at_the_setting(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]]
) -> None:
    app = folds_app(tmp_path, "validation.method=k_fold", "validation.folds=100", "data.name=iris")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await seen(pilot, "cannot start: validation.folds = 100")
        assert app.screen is app.screen_stack[0]

    drive(app, steps, SIZE)
    assert started == []
    assert not (tmp_path / "studies").exists()


@pytest.mark.usefixtures("planned_here")
@pytest.mark.parametrize("size", [(80, 24), SIZE])
def test_leaving_out_each_of_many_samples_is_refused_with_its_cost_and_allowed_by_a_setting(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]], size: tuple[int, int]
) -> None:
    rows = "".join(f"{number % 7},{number % 11},{number % 2}\n" for number in range(2001))
    (tmp_path / "many.csv").write_text(f"a,b,kind\n{rows}")
    data = ("data.name=csv", f"data.file={tmp_path}/many.csv", "data.target=kind")
    app = folds_app(tmp_path, *data, "validation.method=leave_one_out", "validation.test_fraction=0")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("T", "space")
        await seen(pilot, "trains a model for")
        text = " ".join(screen_text(app).split())
        assert "one epoch of all of them reads 4,002,000 samples" in text
        assert "allow that with validation.allow_large = true" in text
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.screen_stack[0]
        await pilot.press("enter", "space")  # the cursor is on the setting that allows it
        await pilot.pause()
        assert app.draft.preset.flat()["validation.allow_large"] is True
        await seen(pilot, "● starting")

    drive(app, steps, size)
    [study] = list_studies(tmp_path / "studies")
    assert len(read_question(study.question).changes) == 2001


def test_planning_can_be_asked_for_again_and_ended_with_the_app(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app is quit, as `drive` does it, while the data is still being read."""
    ends = threading.Event()

    def wait(_: Preset) -> None:
        ends.wait(10)
        raise PresetError("nobody waits for this")

    monkeypatch.setattr("workbench.tuning.asking.make_plan", wait)
    app = folds_app(tmp_path, "validation.method=k_fold")

    async def steps(pilot: Pilot[None]) -> None:
        for _ in range(2):
            await pilot.press("space")
            await seen(pilot, "reading the data, to count its folds ...")
        ends.set()
        await seen(pilot, "cannot start: nobody waits for this")
        ends.clear()
        await pilot.press("space")
        await pilot.pause(0.1)
        ends.set()

    drive(app, steps, SIZE)
    assert started == []


def test_a_search_over_folds_is_refused(tmp_path: Path, started: list[tuple[StudyDirectory, str]]) -> None:
    app = folds_app(tmp_path, "validation.method=k_fold")

    async def steps(pilot: Pilot[None]) -> None:
        app.draft.enter("optimizer.learning_rate", "1e-4..1e-1")
        await pilot.press("space")
        await seen(pilot, 'validation.fold = "all" stands for several runs')

    drive(app, steps, SIZE)
    assert started == []


def test_a_stopped_study_is_resumed(tmp_path: Path, started: list[tuple[StudyDirectory, str]]) -> None:
    app, study = app_of(tmp_path, finished="stopped")

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        assert "R resume" in screen_text(app)
        await pilot.press("R")
        await seen(pilot, "● starting")
        assert "R resume" not in screen_text(app)

    drive(app, steps, SIZE)
    assert started == [(study, f"workbench resume {study.name}")]


def test_only_one_study_runs_at_a_time(tmp_path: Path, started: list[tuple[StudyDirectory, str]]) -> None:
    app, _ = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await open_tune(pilot)
        await pilot.press("escape")
        app.draft.enter("optimizer.learning_rate", "1e-4..1e-1")
        await pilot.press("space")
        await seen(pilot, "a study is in progress: stop it first, or let it end")

    drive(app, steps, SIZE)
    assert started == []


@pytest.mark.parametrize(("paused", "state"), [(False, "is running"), (True, "is paused")])
def test_a_study_in_progress_is_pointed_to_when_the_app_starts(tmp_path: Path, paused: bool, state: str) -> None:
    app, study = app_of(tmp_path, alive=True, paused=paused)
    write_study(tmp_path / "studies", "20261124T140000Z-fast-0c3d", finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await seen(pilot, f"the study {study.name} {state}: T shows it")
        await seen(pilot, f"tuning      search{' paused' * paused}, ")  # in the top line

    drive(app, steps, SIZE)


def test_where_no_study_is_in_progress_the_app_points_to_none(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.5)
        assert "T shows it" not in screen_text(app)
        assert " idle" in screen_text(app)

    drive(app, steps, SIZE)


@pytest.mark.parametrize(("key", "runs", "shows"), [("escape", 0, False), ("enter", 0, True), ("space", 1, False)])
def test_a_run_is_trained_beside_a_study_only_after_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, runs: int, shows: bool
) -> None:
    monkeypatch.setattr("workbench.ui.live.session.start_trainer", lambda run, command: Controller())
    app, study = app_of(tmp_path, alive=True)
    write_study(tmp_path / "studies", "20261124T140000Z-fast-0c3d", finished="completed")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await seen(pilot, f"The study {study.name} is running (64")
        assert list_runs(tmp_path / "runs") == []
        await pilot.press(key)
        await pilot.pause(0.5)
        assert isinstance(app.screen, TuneScreen) == shows
        assert not shows or "64 trials, 3 running" in screen_text(app)
        assert len(list_runs(tmp_path / "runs")) == runs

    drive(app, steps, SIZE)


def test_beside_a_paused_study_a_run_is_trained_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.ui.live.session.start_trainer", lambda run, command: Controller())
    app, _ = app_of(tmp_path, alive=True, paused=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await pilot.pause(0.5)
        assert len(list_runs(tmp_path / "runs")) == 1

    drive(app, steps, SIZE)


@pytest.mark.parametrize(("key", "starts", "shows"), [("escape", 0, False), ("T", 0, True), ("space", 1, True)])
def test_a_second_study_begins_beside_one_of_another_app_only_after_asking(
    tmp_path: Path, started: list[tuple[StudyDirectory, str]], key: str, starts: int, shows: bool
) -> None:
    app, study = app_of(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        app.draft.enter("optimizer.learning_rate", "1e-4..1e-1")
        await pilot.press("space")
        await seen(pilot, f"The study {study.name} is running")
        await pilot.press(key)
        await pilot.pause(0.5)
        assert isinstance(app.screen, TuneScreen) == shows
        assert ("not started: another study is running" in screen_text(app)) == (key == "escape")

    drive(app, steps, SIZE)
    assert len(started) == starts


def test_the_app_imports_neither_torch_nor_optuna_for_it(tmp_path: Path) -> None:
    """In a process of its own, for this one has imported everything."""
    program = f"""
import asyncio, os, sys
from pathlib import Path
os.chdir({str(tmp_path)!r})
from tests.ui.made_study import write_study
from tests.ui.conftest import make_app
write_study(Path("studies"), alive=True)
app = make_app(Path("runs"))
async def main():
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("T")
        await pilot.pause(0.5)
        assert type(app.screen).__name__ == "TuneScreen"
asyncio.run(main())
print([name for name in ("torch", "optuna", "sklearn", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture(autouse=True)
def released() -> Any:
    """What a test has claimed is free again."""
    before = set(HELD)
    yield
    for path in set(HELD) - before:
        HELD.pop(path).close()
