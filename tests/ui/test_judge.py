"""J judges a run's model: pages of a matrix, curves and samples; a cell opens its samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual import events
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.made_judge import NUMBERS, NUMBERS_JUDGED, judging_process
from tests.ui.made_measuring import failure, fake_process
from tests.ui.made_study import write_study
from tests.ui.test_contrast import hard_to_read
from tests.ui.test_runs_live import until
from workbench.runs.directory import RunDirectory
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.question import QuestionDialog
from workbench.ui.panels.judge_curves import JudgeChart
from workbench.ui.panels.judge_samples import _aligned
from workbench.ui.screens.judge import JudgeScreen
from workbench.ui.screens.runs import RunsScreen
from workbench.ui.screens.tune import TuneScreen

SIZES = [(60, 20), (80, 24), (140, 40), (200, 50)]


def with_checkpoint(run: RunDirectory) -> RunDirectory:
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "best.pt").write_bytes(b"weights")
    return run


def judged_app(tmp_path: Path, *, alive: bool = False, **how: Any) -> WorkbenchApp:
    run = write_run(tmp_path / "runs", **({"alive": True} if alive else {"steps": 2000, "ending": "completed"}))
    return make_app(tmp_path / "runs", attach=with_checkpoint(run), **how)


def trained_on_numbers(tmp_path: Path, **how: Any) -> WorkbenchApp:
    """The same run, as if it predicted numbers."""
    run = with_checkpoint(write_run(tmp_path / "runs", steps=2000, ending="completed"))
    run.events.write_text(run.events.read_text().replace('"classification"', '"regression"'))
    return make_app(tmp_path / "runs", attach=run, **how)


async def opened(pilot: Pilot[None]) -> JudgeScreen:
    await pilot.press("J")
    await until(pilot, lambda: isinstance(pilot.app.screen, JudgeScreen))
    screen = pilot.app.screen
    assert isinstance(screen, JudgeScreen)
    await until(pilot, lambda: screen.judgement is not None)
    await settle(pilot)
    return screen


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause()


def requests(asked: Path) -> list[Any]:
    return [json.loads(line) for line in asked.read_text().splitlines()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_model_is_judged_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], ascii_only: bool
) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path, ascii_only=ascii_only)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        seen = [screen_text(app)]
        assert "best epoch 7" in seen[0]
        assert "accuracy" in seen[0]
        assert "12 of the 232 samples of 4 are predicted as 9 (5.2 %)" in seen[0]
        assert "[12]" in seen[0], "the cursor is on the pair that is confused most"
        await pilot.press("2")
        await settle(pilot)
        seen.append(screen_text(app))
        assert "ROC" in seen[1]
        assert "AUC 0.910" in seen[1]
        await pilot.press("3")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        seen.append(screen_text(app))
        assert "4" in seen[2]
        assert "98.0 %" in seen[2]
        assert ("@@" if ascii_only else "▀▀") in seen[2]
        for text in seen:
            assert not ascii_only or text.isascii()
            lines = text.splitlines()
            assert len(lines) == size[1]
            assert "esc back" in lines[-1] or size[0] < 80

    drive(app, steps, size)
    notes = requests(asked)
    assert notes[0][1:] == ["JUDGE"], "nothing runs that it would disturb"
    assert notes[1]["evaluation"]["split"] == "test"
    assert notes[1]["evaluation"]["checkpoint"].endswith("best.pt")


def test_enter_on_a_cell_opens_its_samples_and_escape_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        assert "4 as 9" in screen_text(app)
        assert "1 of the first 3 of 12" in screen_text(app)
        assert "sample 20 of test" in screen_text(app)
        await pilot.press("down")
        assert "sample 21 of test" in screen_text(app)
        await pilot.press("right")
        await until(pilot, lambda: screen.samples is not None)
        assert "highest loss" in screen_text(app)
        await pilot.press("left", "escape")
        await settle(pilot)
        assert "true class by row" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)

    drive(app, steps, (140, 40))
    chosen = [each["samples"] for each in requests(asked)[1:] if each["samples"]]
    assert {"which": "cell", "true": 4, "predicted": 9} in chosen


def test_confused_classes_are_neighbours_until_s_restores_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        assert heads(app) == list("0172384956")
        assert (screen._look.cell.true, screen._look.cell.predicted) == (4, 9)
        await pilot.press("s")
        assert heads(app) == list("0123456789")
        assert (screen._look.cell.true, screen._look.cell.predicted) == (4, 9), "the cursor stays on its cell"

    drive(app, steps)


def heads(app: WorkbenchApp) -> list[str]:
    """The names above the columns of the matrix."""
    line = next(line for line in screen_text(app).splitlines() if "recall" in line)
    return line.replace("│", " ").split("recall")[0].split()


def test_what_was_found_is_kept_for_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await until(pilot, lambda: screen._judging.known.samples != {})
        process_id = requests(asked)[0][0]
        await pilot.press("escape")
        await until(pilot, lambda: not psutil.pid_exists(process_id))
        before = len(requests(asked))
        await opened(pilot)
        await settle(pilot)
        assert "[12]" in screen_text(app)
        assert len(requests(asked)) == before, "no process has been launched"
        run = app.session.watch
        assert run is not None
        await pilot.press("escape")
        (run.run.checkpoints / "best.pt").write_bytes(b"other weights")
        await opened(pilot)
        assert len([each for each in requests(asked) if isinstance(each, list)]) == 2

    drive(app, steps, (140, 40))


def test_a_run_in_progress_is_judged_in_the_background_after_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path, alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        await settle(pilot)
        assert isinstance(app.screen, QuestionDialog)
        assert "A run is training. Judging takes one core at the lowest priority" in app.screen._text
        assert "validation of 2,250 samples took 0.03 s." in app.screen._text
        await pilot.press("escape")
        await settle(pilot)
        assert not asked.exists()
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JudgeScreen))
        screen = app.screen
        assert isinstance(screen, JudgeScreen)
        await until(pilot, lambda: screen.judgement is not None)
        await settle(pilot)
        assert "best epoch 7, still training" in screen_text(app)
        watch = app.session.watch
        assert watch is not None
        (watch.run.checkpoints / "best.pt").write_bytes(b"better weights")
        screen._tick()
        await settle(pilot)
        assert "the run has written another checkpoint since: space judges it" in screen_text(app)
        before = len(requests(asked))
        await pilot.press("space")
        await until(pilot, lambda: len(requests(asked)) > before)
        await settle(pilot)
        assert "another checkpoint" not in screen_text(app)

    drive(app, steps, (140, 40))
    notes = requests(asked)
    assert notes[0][1:] == ["JUDGE", "--background"]
    evaluation = notes[1]["evaluation"]
    assert evaluation["split"] == "validation", "the test split is left for the end"
    assert 'device = "cpu"' in evaluation["preset"]


@pytest.mark.parametrize("dies", [False, True])
def test_why_it_cannot_be_judged_is_a_sentence_and_it_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    said = [] if dies else failure("/data/train.csv has no column 'price'")
    fake_process(monkeypatch, tmp_path, said, dies=True)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JudgeScreen) and bool(app.screen._judging.problem))
        await settle(pilot)
        expected = "the measuring process ended without an answer" if dies else "has no column 'price'"
        assert expected in screen_text(app)
        assert "space judge again" in screen_text(app)
        await pilot.press("2", "3", "down", "enter", "s", "y", "G")
        judging_process(monkeypatch, tmp_path)
        await pilot.press("space")
        screen = app.screen
        assert isinstance(screen, JudgeScreen)
        await until(pilot, lambda: screen.judgement is not None)

    drive(app, steps, (140, 40))


def test_numbers_are_judged_by_their_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path, NUMBERS_JUDGED, worst=NUMBERS)
    app = trained_on_numbers(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        text = screen_text(app)
        assert "predicted against true" in text
        assert "disease" in text
        assert "R² 0.973" in text
        assert "RMSE 11.5" in text
        assert "95 % +18.5" in text
        assert "▄" in text or "█" in text
        await pilot.press("2")
        await until(pilot, lambda: "100 as 140" in screen_text(app))
        assert "true 100  predicted 140  +40" in screen_text(app)
        await pilot.press("3")
        assert "100 as 140" in screen_text(app), "there is no third page"

    drive(app, steps, (140, 40))


def test_other_charts_take_turns_on_a_small_screen_and_classes_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("2", "down")
        await settle(pilot)
        assert "9  AUC 0.9500" in screen_text(app)
        seen = []
        for _ in range(4):
            seen.append(screen_text(app).splitlines()[2].split("─")[1].split()[0])
            await pilot.press("right")
            await settle(pilot)
        assert seen == ["ROC", "precision-recall", "calibration", "confidence"]
        for chart in app.screen.query(JudgeChart):
            heading = chart.heading().plain
            assert heading == heading.rstrip()
        await pilot.press("left")
        await settle(pilot)
        assert "90 to 100 %" in screen_text(app)
        assert "90, 8 wrong" in screen_text(app)

    drive(app, steps, (80, 24))


def test_another_split_is_judged_with_the_same_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await until(pilot, lambda: screen._judging.known.samples != {})
        await pilot.press("C")
        await until(pilot, lambda: "validation" in [split_of(each) for each in requests(asked)])
        await until(pilot, lambda: screen.judgement is not None)
        await settle(pilot)
        assert "validation split" in screen_text(app)
        await pilot.press("C", "C")
        await settle(pilot)
        assert "test split" in screen_text(app), "known already"

    drive(app, steps, (140, 40))
    assert len([each for each in requests(asked) if isinstance(each, list)]) == 1


def split_of(note: Any) -> str:
    return note["evaluation"]["split"] if isinstance(note, dict) else ""


def test_a_matrix_can_be_copied_into_a_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("2", "1", "s", "y")  # the panel has the focus
        await settle(pilot)
        assert "copied confusion: 11 lines" in screen_text(app)
        rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert rows[0] == ["true class", *"0123456789"]
        assert rows[5] == ["4", "0", "0", "0", "0", "220", "0", "0", "0", "0", "12"]

    drive(app, steps, (140, 40))


def test_the_run_whose_curves_are_in_grey_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    with_checkpoint(write_run(tmp_path / "runs", steps=2000, ending="completed"))
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "last run" in screen_text(app))
        await opened(pilot)
        assert "fast 11-24" in screen_text(app)

    drive(app, steps, (140, 40))


def test_space_judges_the_same_checkpoint_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data may have changed."""
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    def judgements() -> int:
        return sum(isinstance(each, dict) and each["samples"] is None for each in requests(asked))

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("space")
        await until(pilot, lambda: judgements() == 2 and screen.judgement is not None)

    drive(app, steps, (140, 40))


def test_the_keys_fit_the_screen_after_its_size_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("2")
        await settle(pilot)
        assert "left right other charts" in screen_text(app)
        await pilot.resize_terminal(140, 40)
        await settle(pilot)
        assert "left right other charts" not in screen_text(app)

    drive(app, steps, (60, 20))


def test_a_run_that_has_not_reached_its_first_checkpoint_says_how_to_write_one(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", alive=True)
    run.last_checkpoint.unlink(missing_ok=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await until(pilot, lambda: "cannot be judged: it has no checkpoint yet; c writes one" in screen_text(app))

    drive(app, steps, (140, 40))


@pytest.mark.parametrize("size", [(60, 20), (120, 36), (200, 50)])
def test_all_precisions_have_a_sign_or_none_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        line = next(line for line in screen_text(app).splitlines() if line.partition("precision")[1] and "100" in line)
        numbers = line.partition("precision")[0]
        assert numbers.count("%") == (10 if size == (200, 50) else 0)

    drive(app, steps, size)


def test_a_title_is_not_cut_within_a_word() -> None:
    rows = [("9.4824", "4 as 8", "70.4 %")]
    assert _aligned(rows, 28) == ["  loss  as      sure", "9.4824  4 as 8  70.4 %"]


def test_a_run_of_the_list_is_judged_and_the_list_is_shown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)
    with_checkpoint(write_run(tmp_path / "runs", "20261124T120000Z-other-0a1b", steps=2000, ending="completed"))
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await settle(pilot)
        assert "there is no run to judge: r lists all runs" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.table.current is not None)
        await opened(pilot)
        assert "[12]" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))

    drive(app, steps, (140, 40))


def test_a_run_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=400, ending="stopped"))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await until(pilot, lambda: "cannot be judged" in screen_text(app))
        assert "has no checkpoint, so there is no model" in " ".join(screen_text(app).split())
        assert not isinstance(app.screen, JudgeScreen)

    drive(app, steps, (140, 40))


def test_enter_on_the_metrics_judges_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path, page="metrics")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("4", "enter")
        await until(pilot, lambda: isinstance(app.screen, JudgeScreen))

    drive(app, steps)


def test_a_click_moves_the_cursor_and_one_more_opens_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        lines = screen_text(app).splitlines()
        row = next(place for place, line in enumerate(lines) if " 5 " in line and "97.8 %" in line)
        column = lines[row].index(" 5 ") + 1
        await pilot.click(offset=(column, row))
        await settle(pilot)
        assert (screen._look.cell.true, screen._look.cell.predicted) == (3, 8)
        await pilot.click(offset=(column, row))
        await settle(pilot)
        assert screen.page.id == "samples"

    drive(app, steps, (140, 40))


def test_leaving_before_there_is_an_answer_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path, answers=False)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JudgeScreen))
        await until(pilot, lambda: "evaluating" in screen_text(app))
        process_id = requests(asked)[0][0]
        await pilot.press("escape")
        await until(pilot, lambda: not psutil.pid_exists(process_id))

    drive(app, steps)


def test_a_trial_is_judged_and_the_study_is_shown_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    study = write_study(tmp_path / "studies")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TuneScreen))
        await opened(pilot)
        assert "[12]" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TuneScreen))

    drive(app, steps, (140, 40))
    assert requests(asked)[1]["evaluation"]["checkpoint"].startswith(str(study.path))


def test_the_wheel_moves_the_cursor_and_a_click_chooses_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("3")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        row = next(place for place, line in enumerate(screen_text(app).splitlines()) if "line 5" in line)
        await pilot.click(offset=(6, row))
        await settle(pilot)
        assert "sample 3 of test" in screen_text(app)
        for turned, sample in ((events.MouseScrollDown, 4), (events.MouseScrollUp, 3)):
            await pilot._post_mouse_events([turned], offset=(6, row))
            await settle(pilot)
            assert f"sample {sample} of test" in screen_text(app)

    drive(app, steps, (140, 40))


def test_samples_that_do_not_come_are_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await until(pilot, lambda: screen._judging.known.samples != {})
        psutil.Process(requests(tmp_path / "asked")[0][0]).kill()
        await pilot.press("down")
        await until(pilot, lambda: bool(screen._judging.problem))
        await settle(pilot)
        assert "the measuring process ended without an answer" in screen_text(app)
        assert "space asks for them again" in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: screen._look.cell in screen._judging.known.samples)

    drive(app, steps, (140, 40))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_word_of_its_pages_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theme: str) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path, theme=f"workbench-{theme}")

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        for page in "123":
            await pilot.press(page)
            await until(pilot, lambda: screen._judging.progress is None)
            await settle(pilot)
            assert hard_to_read(app) == [], page

    drive(app, steps, (140, 40))
