"""Advice in the app: the line that says it, the dialog that says why, and the comparison that measures it."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import events, write_run
from tests.ui.made_advice import (
    ABSTAINED,
    ANSWER,
    LAUNCH_BOUND,
    LEARNED,
    NOTHING_TO_SET,
    OVERFIT,
    RATE_ONLY,
    STOP_EARLY,
    TOO_FAST,
    fake_comparison,
    make_findings,
)
from tests.ui.test_runs_live import until
from workbench.advice.finding import Finding
from workbench.processes.comparison import Comparison, Measured
from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import encode
from workbench.runs.events import State
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.controllers import advice as advice_controller
from workbench.ui.dialogs.advice import AdviceDialog
from workbench.ui.dialogs.comparison import ComparisonDialog
from workbench.ui.live import pace
from workbench.ui.live.comparison import change_in_words


def asked_of(run: RunDirectory) -> list[str]:
    """What was asked of the run's trainer."""
    if not run.control.exists():
        return []
    return [json.loads(line)["command"] for line in run.control.read_text().splitlines()]


def obey_pause(run: RunDirectory) -> None:
    """The trainer's word that it stands still."""
    with run.events.open("a") as file:
        file.write(f"{encode(State(state='paused', step=1300, time=time.time()))}\n")


def tell_more(run: RunDirectory) -> None:
    """The trainer's next fifty steps."""
    with run.events.open("a") as file:
        file.write("".join(f"{encode(event)}\n" for event in list(events(1300))[-3:]))


def watched(tmp_path: Path, **how: Any) -> tuple[WorkbenchApp, RunDirectory]:
    """An app that watches a run in progress."""
    run = write_run(tmp_path / "runs", alive=True, **how)
    return make_app(tmp_path / "runs", attach=run), run


def ended(tmp_path: Path) -> WorkbenchApp:
    return make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=2000, ending="completed"))


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_gravest_finding_is_said_in_a_panel_with_its_severity_in_words_and_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ascii_only: bool
) -> None:
    make_findings(monkeypatch, [TOO_FAST, LAUNCH_BOUND])
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run, ascii_only=ascii_only)

    async def steps(pilot: Pilot[None]) -> None:
        text = screen_text(app)
        assert "advice 1/2  critical" in text
        assert ("x loss rises" if ascii_only else "✗ loss rises") in text
        assert "the loss rose by 12 %" in text
        assert "a try it  A next  i why" in text
        await pilot.press("A")
        await pilot.pause()
        text = screen_text(app)
        assert "advice 2/2  warning" in text
        assert ("! launch-bound" if ascii_only else "▲ launch-bound") in text
        await pilot.press("A")
        await pilot.pause()
        assert "advice 1/2" in screen_text(app)

    drive(app, steps)


def test_on_a_small_screen_the_hint_line_says_it_and_the_keys_are_not_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run, page="charts")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await pilot.pause()
        hint = screen_text(app).splitlines()[-2]
        assert hint.startswith(f" ▲ launch-bound → {change_in_words(LAUNCH_BOUND.change)}  "), "screen #22: first"
        assert hint.rstrip().endswith("a try it  i why")
        await pilot.press("1")
        await pilot.pause()
        assert "launch-bound" not in screen_text(app), "the setting at the cursor is explained"

    drive(app, steps, (80, 24))


def test_without_a_finding_nothing_takes_room_and_what_has_been_found_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [])
    monkeypatch.setitem(pace._BESIDE_CPU, "judge", 0.0)  # how often at most is not what is looked at here
    app, run = watched(tmp_path, steps=1250)

    async def steps(pilot: Pilot[None]) -> None:
        assert "advice" not in screen_text(app)
        make_findings(monkeypatch, [LAUNCH_BOUND])
        tell_more(run)
        await until(pilot, lambda: "launch-bound" in screen_text(app))
        make_findings(monkeypatch, [])
        tell_more(run)
        await until(pilot, lambda: "nothing to advise at present" in screen_text(app))

    drive(app, steps)


def test_findings_are_judged_when_news_come_not_at_every_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[object] = []

    def judge(facts: object) -> list[Finding]:
        judged.append(facts)
        return []

    monkeypatch.setattr("workbench.advice.rules.findings", judge)
    monkeypatch.setitem(pace._BESIDE_CPU, "judge", 0.0)  # how often at most is not what is looked at here
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        before = len(judged)
        assert before >= 1
        for _ in range(5):
            app.screen.poll()  # type: ignore[attr-defined]
        assert len(judged) == before
        with run.events.open("a") as file:
            file.write(f"{encode(State(state='training', step=1300))}\n")
        app.screen.poll()  # type: ignore[attr-defined]
        assert len(judged) == before, "nothing was measured"
        tell_more(run)
        app.screen.poll()  # type: ignore[attr-defined]
        assert len(judged) == before + 1

    drive(app, steps)


def test_the_dialog_explains_every_finding_and_lists_what_was_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND, NOTHING_TO_SET], ABSTAINED)
    app, _ = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("i")
        await pilot.pause()
        text = screen_text(app)
        for finding in (LAUNCH_BOUND, NOTHING_TO_SET):
            for said in (finding.severity, finding.title, finding.fact, finding.threshold, finding.source):
                assert said in text
        assert "batch size 512" in text
        assert "gpu-idle" in text
        assert "the fraction of time that the GPU was busy" in text
        await pilot.press("escape")
        await pilot.pause()
        assert "the fraction of time" not in screen_text(app)

    drive(app, steps, (140, 44))


def test_a_change_is_tried_on_a_paused_run_and_kept_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    asked = fake_comparison(monkeypatch, tmp_path)
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: asked_of(run) == ["pause"])
        await until(pilot, lambda: asked.exists() and len(asked.read_text().splitlines()) == 2)
        assert "pausing the run" in screen_text(app)
        obey_pause(run)
        await until(pilot, lambda: "5.1 × samples/s" in screen_text(app))
        assert asked_of(run) == ["pause", "resume"]
        text = screen_text(app)
        assert "does batch size 512 (now batch size 64) train more samples/s?" in text
        assert "batch size 512: 5.1 × samples/s" in text
        for shown in ("31.2 k", "159 k", "61 MiB", "93 MiB", "5.1 ×, middle half of 8 paired rounds 4.9–5.3"):
            assert shown in text
        await pilot.press("enter")
        await pilot.pause()

    drive(app, steps)
    request = json.loads(asked.read_text().splitlines()[1])
    assert Preset.from_toml(request["preset"], "asked").data.batch_size == 64
    # The learning rate that the run has now, not that of its preset.
    assert Preset.from_toml(request["preset"], "asked").optimizer.learning_rate == 0.005
    assert request["change"] == ["data.batch_size=512"]
    assert request["run"] == str(run.path)
    assert app.draft.changes() == {"data.batch_size": (64, 512)}
    assert asked_of(run) == ["pause", "resume"]


def test_a_change_that_is_not_kept_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    fake_comparison(monkeypatch, tmp_path)
    app = ended(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "5.1 ×" in screen_text(app))
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, ComparisonDialog)

    drive(app, steps)
    assert app.draft.changes() == {}
    assert not (app.session.watch.run.control.exists())  # type: ignore[union-attr]


def test_leaving_a_comparison_kills_the_process_and_the_run_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    asked = fake_comparison(monkeypatch, tmp_path, "never")
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: asked_of(run) == ["pause"])
        obey_pause(run)
        await until(pilot, lambda: asked.exists() and len(asked.read_text().splitlines()) == 3)
        await pilot.press("escape")
        process_id = int(asked.read_text().splitlines()[0])
        await until(pilot, lambda: not psutil.pid_exists(process_id))
        assert asked_of(run) == ["pause", "resume"]
        assert not isinstance(app.screen, ComparisonDialog)

    drive(app, steps)


def test_quitting_during_a_comparison_lets_the_run_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    asked = fake_comparison(monkeypatch, tmp_path, "never")
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: asked_of(run) == ["pause"])
        obey_pause(run)
        await until(pilot, lambda: asked.exists() and len(asked.read_text().splitlines()) == 3)
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert "leave it running" in screen_text(app)
        await pilot.press("q")
        await pilot.pause(0.2)

    drive(app, steps)
    assert asked_of(run) == ["pause", "resume"]
    assert not psutil.pid_exists(int(asked.read_text().splitlines()[0]))


def test_a_run_that_the_user_has_paused_stays_paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    asked = fake_comparison(monkeypatch, tmp_path)
    app, run = watched(tmp_path, paused=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "5.1 ×" in screen_text(app))

    drive(app, steps)
    assert asked_of(run) == []
    assert json.loads(asked.read_text().splitlines()[1])["run"] is None


def test_a_run_that_does_not_pause_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    fake_comparison(monkeypatch, tmp_path)
    monkeypatch.setattr(advice_controller, "PAUSE_PATIENCE_SECONDS", 0.2)
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "did not pause within" in screen_text(app))
        assert asked_of(run) == ["pause", "resume"]

    drive(app, steps)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "the GPU ran out of memory", "which": "changed", "exit_code": 3},
         "with the change: the GPU ran out of memory"),
        ("", "ended without an answer"),
    ],
)  # fmt: skip
def test_a_comparison_that_fails_says_why_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    make_findings(monkeypatch, [LAUNCH_BOUND])
    fake_comparison(monkeypatch, tmp_path, answer)
    app = ended(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: said in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ComparisonDialog), "there is nothing to keep"
        await pilot.press("escape")
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == {}


@pytest.mark.parametrize(("key", "asked"), [("enter", []), ("l", ["set_learning_rate"])])
def test_a_learning_rate_is_set_in_the_run_in_progress_only_when_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, asked: list[str]
) -> None:
    make_findings(monkeypatch, [TOO_FAST])
    fake_comparison(monkeypatch, tmp_path)
    app, run = watched(tmp_path, paused=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "keep, and set it in this run" in screen_text(app))
        await pilot.press(key)
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == {"optimizer.learning_rate": (0.01, 0.001)}
    assert asked_of(run) == asked


def test_a_finding_that_only_a_learning_rate_helps_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [RATE_ONLY])
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await pilot.pause()
        assert "set it to 0.002" in screen_text(app)
        await pilot.press("l")
        await pilot.pause()

    drive(app, steps)
    assert asked_of(run) == ["set_learning_rate"]
    assert app.draft.changes() == {}


def test_a_finding_without_a_change_shows_only_the_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_findings(monkeypatch, [NOTHING_TO_SET])
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "try it" not in screen_text(app)
        await pilot.press("a")
        await pilot.pause()
        assert "there is nothing to try for this one" in screen_text(app)

    drive(app, steps)
    assert asked_of(run) == []


def test_a_change_that_does_not_fit_the_settings_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has Adam; meanwhile SGD, which has no betas, has been chosen for the next one."""
    make_findings(monkeypatch, [replace(LAUNCH_BOUND, change=("optimizer.betas=[0.8, 0.99]",))])
    fake_comparison(monkeypatch, tmp_path)
    app = ended(tmp_path)
    app.draft.choose("optimizer", "sgd")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "5.1 ×" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert "not applied" in screen_text(app)

    drive(app, steps)
    assert app.draft.preset.optimizer.label() == "sgd"


def test_the_answer_of_a_comparison_is_what_the_tests_make_of_it() -> None:
    for made in (ANSWER, LEARNED):
        assert set(made) == {field.name for field in fields(Comparison)}
        for side in ("present", "changed"):
            assert set(made[side]) | {"samples_per_second"} == {field.name for field in fields(Measured)}


def test_while_it_measures_the_round_and_the_time_left_are_shown_and_the_run_is_paused_in_the_top_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screen #23: no bar, "2 seconds each" for 25 to 45, and `training` in the top line of a run that was paused."""
    make_findings(monkeypatch, [LAUNCH_BOUND])
    fake_comparison(monkeypatch, tmp_path, "never")
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "training" in screen_text(app).splitlines()[0]
        await pilot.press("a")
        await until(pilot, lambda: asked_of(run) == ["pause"])
        obey_pause(run)
        await until(pilot, lambda: "round 3 of 8" in screen_text(app))
        text = screen_text(app)
        assert "the run is paused; measuring" in text
        assert "about 9 s left" in text
        assert "━━━━━━━━━━──────────────────────────────" in text
        assert "Both settings train in turns" in text
        assert "paused" in text.splitlines()[0]
        await pilot.press("escape")

    drive(app, steps)
    assert asked_of(run) == ["pause", "resume"]


def test_overfitting_is_asked_and_answered_by_the_validation_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screen #4: "overfitting – is dropout 0.2 better?" compared speed and training loss."""
    make_findings(monkeypatch, [OVERFIT])
    asked = fake_comparison(monkeypatch, tmp_path, LEARNED)
    app = ended(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: "instead of" in screen_text(app))
        text = screen_text(app)
        assert "does dropout 0.2 (now dropout 0.0) reach a lower validation loss?" in text
        assert "dropout 0.2: the lowest validation loss is 0.0716 instead of 0.0812" in text
        assert "difference -0.013 to -0.0061 (95 %, 229 samples)" in text
        assert "samples/s?" not in text

    drive(app, steps, (140, 44))
    request = json.loads(asked.read_text().splitlines()[1])
    assert (request["measure"], request["steps"]) == ("validation_loss", 960)


def test_what_no_comparison_can_answer_is_said_and_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Early stopping changes no step: nothing is measured, and no run is paused for it."""
    make_findings(monkeypatch, [STOP_EARLY])
    app, run = watched(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "a keep it" in screen_text(app)
        await pilot.press("a")
        await pilot.pause()
        assert "Two training runs side by side cannot answer this" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == {"training.early_stopping_patience": (0, 5)}
    assert asked_of(run) == []


def test_a_comparison_that_would_take_too_long_is_refused_and_the_change_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_findings(monkeypatch, [OVERFIT])
    words = "to answer this, both settings would have to train on 9,000,000 samples"
    fake_comparison(monkeypatch, tmp_path, {"error": words, "which": "", "exit_code": 3, "refused": True})
    app = ended(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: words in screen_text(app))
        assert "enter keep" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()

    drive(app, steps)
    assert app.draft.changes() == {"model.dropout": (0.0, 0.2)}


def test_the_dialog_offers_to_try_only_what_can_be_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Screen #14: the footer said `a try it` where there was nothing to try, and `a` did nothing."""
    make_findings(monkeypatch, [NOTHING_TO_SET])
    app, _ = watched(tmp_path)

    async def alone(pilot: Pilot[None]) -> None:
        await pilot.press("i")
        await pilot.pause()
        keys = str(app.screen.query_one("#box").border_subtitle)
        assert "try it" not in keys
        assert "next" not in keys
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, AdviceDialog)

    drive(app, alone, (140, 44))
    make_findings(monkeypatch, [NOTHING_TO_SET, LAUNCH_BOUND])
    other, _ = watched(tmp_path / "other")

    async def both(pilot: Pilot[None]) -> None:
        await pilot.press("i")
        await pilot.pause()
        box = other.screen.query_one("#box")
        assert "try it" not in str(box.border_subtitle)
        await pilot.press("A")
        await pilot.pause()
        assert "a try it" in str(box.border_subtitle)

    drive(other, both, (140, 44))
