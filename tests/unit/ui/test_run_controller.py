"""Start, pause, stop, resume: the session afterwards, and the sentences for the user."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import workbench
from tests.ui.made import append, write_run
from tests.unit.ui.fake_host import Desk
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Finished, State
from workbench.runs.status import Summary
from workbench.settings.preset import Preset


def test_a_start_creates_a_run_of_the_draft_and_shows_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    chosen = desk.edited("optimizer.learning_rate=0.02")
    asyncio.run(desk.run.start_or_pause())
    [(run, command)] = desk.started
    assert Preset.of_run(run.preset) == chosen.with_absolute_paths()
    assert command == desk.draft.command()
    assert desk.session.watch is not None
    assert desk.session.watch.run == run
    assert desk.host.calls == ["charts", "poll", "settings", "run"]
    assert desk.run.state == "starting"


def test_an_invalid_setting_starts_nothing_and_is_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.draft.enter("data.batch_size", "none")
    asyncio.run(desk.run.start_or_pause())
    assert desk.started == []
    [(kind, text)] = desk.host.said
    assert kind == "error"
    assert text.startswith("cannot start: data.batch_size: ")


def test_a_preset_that_stands_for_several_runs_starts_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.edited("validation.method=k_fold")
    asyncio.run(desk.run.start_or_pause())
    assert desk.started == []
    [(kind, text)] = desk.host.said
    assert kind == "error"
    assert 'validation.fold = "all" stands for several runs' in text
    desk.edited("validation.method=k_fold", "validation.fold=2")
    asyncio.run(desk.run.start_or_pause())
    assert len(desk.started) == 1


def test_the_same_key_pauses_and_resumes_the_run_in_progress(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    asyncio.run(desk.run.start_or_pause())
    assert desk.requests == [("pause", None)]
    assert desk.run.state_detail(has_standby=True) == "pause ..."
    append(watch.run, State(state="paused", step=1300))
    watch.poll()
    assert desk.run.key_labels()["start_or_pause"] == "resume"
    asyncio.run(desk.run.start_or_pause())
    assert desk.requests == [("pause", None), ("resume", None)]
    assert desk.started == []


def test_a_request_without_a_run_is_refused_in_words(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert not desk.run.request("stop")
    assert desk.host.said == [("text", "no run is in progress")]
    desk.watch(ending="completed")
    assert not desk.run.request("stop")
    assert desk.requests == []


def test_a_stop_is_written_for_the_trainer(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(alive=True)
    assert desk.run.request("stop")
    assert desk.requests == [("stop", None)]
    assert desk.host.calls == ["poll"]


@pytest.mark.parametrize("ending", ["stopped", "failed"])
def test_a_run_that_ended_early_is_resumed(tmp_path: Path, ending: str) -> None:
    desk = Desk(tmp_path)
    run = desk.watch(ending=ending).run
    assert desk.run.key_labels()["resume_run"] == "resume"
    asyncio.run(desk.run.resume_watched())
    assert desk.started == [(run, f"workbench --resume {run.name}")]


def test_beside_a_study_nothing_is_resumed_without_the_users_consent(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(ending="stopped")
    desk.host.is_free = False
    asyncio.run(desk.run.resume_watched())
    assert desk.started == []


def test_a_completed_run_is_not_resumed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(ending="completed")
    asyncio.run(desk.run.resume_watched())
    assert desk.started == []
    assert desk.host.last == "there is no stopped, failed or lost run here to resume"


@pytest.mark.parametrize(("answer", "starts"), [(None, False), ("yes", True)])
def test_code_of_ones_own_runs_after_a_yes_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, starts: bool
) -> None:
    (tmp_path / "mine.py").write_text("def net(inputs, outputs): ...\n")
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path / "runs", answer)
    desk.edited("model.name=module", "model.function=mine:net")
    asyncio.run(desk.run.start_or_pause())
    assert len(desk.host.dialogs) == 1
    assert bool(desk.started) == starts
    if starts:
        desk.session.watch = None
        asyncio.run(desk.run.start_or_pause())
        assert len(desk.host.dialogs) == 1, "trusted until the file changes"


def test_a_failed_run_gets_a_notice_with_the_way_out_and_another_state_dismisses_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(ending="failed", diverges=True)
    desk.run.state_changed("training", "failed")
    notice = next(call for call in desk.host.calls if call.startswith("notice"))
    assert notice.startswith("notice: training failed: the loss at step 1300 is not a finite number")
    assert "R resumes from the last checkpoint, same settings" in notice, "and so diverges again"
    assert "settings" in desk.host.calls, "the settings no longer stand beside those of a run in progress"
    desk.run.state_changed("failed", "training")
    assert desk.host.calls[-1] == "no notice"


def test_a_run_that_failed_by_wrong_settings_leaves_nothing_behind(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    asyncio.run(desk.run.start_or_pause())
    [(run, _)] = desk.started
    wrong = "data.target: no column 'bougt'"
    Summary("failed", wrong, 2, 0, 0, None, "", None, None, None, kind="data").save(run)
    append(run, Finished(status="failed", step=0, reason=wrong, exit_code=2, time=9e9))
    assert desk.session.watch is not None
    desk.session.watch.poll()
    desk.run.state_changed("starting", "failed")
    assert not run.path.exists()
    assert desk.session.watch is None
    assert f"wrong: {wrong}" in desk.host.calls
    assert desk.host.said[-1] == ("error", f"cannot start: {wrong}")


def test_a_completed_run_says_its_result(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(ending="completed")
    desk.run.state_changed("testing", "completed")
    assert desk.host.last.startswith("completed; test, best epoch 10: ")
    assert "accuracy 96.41 %" in desk.host.last
    before = len(desk.host.said)
    desk.run.state_changed("idle", "completed")
    assert len(desk.host.said) == before, "a run that had ended when it was opened has no news"


def test_without_a_run_the_keys_of_one_are_hidden(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    labels = desk.run.key_labels()
    assert [labels[name] for name in ("stop", "learning_rate", "checkpoint", "profile", "resume_run")] == [""] * 5
    assert desk.run.state == "idle"
    assert desk.run.state_detail(has_standby=True) == "warming up"
    assert desk.run.state_detail(has_standby=False) == ""


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "runs"
    blocked.write_text("a file")
    desk = Desk(blocked)
    asyncio.run(desk.run.start_or_pause())
    assert desk.started == []
    assert [kind for kind, _ in desk.host.said] == ["error"]
    assert str(blocked) in desk.host.last


def test_a_run_with_a_broken_preset_is_not_resumed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    run = write_run(tmp_path, ending="stopped")
    run.preset.write_text("[data]\nname = 'nothing'\n")
    asyncio.run(desk.run.resume(run))
    assert desk.started == []
    assert [kind for kind, _ in desk.host.said] == ["error"]


def test_a_start_beside_a_run_of_another_loop_is_said_before_it_begins(tmp_path: Path) -> None:
    with workbench.watch("theirs", epochs=1, runs_dir=tmp_path / "others", measure=False) as theirs:
        pass
    assert theirs.directory is not None
    desk = Desk(tmp_path / "runs")
    desk.watch_run(RunDirectory(theirs.directory))
    asyncio.run(desk.run.start_or_pause())
    assert desk.started == []
    [(kind, text)] = desk.host.said
    assert kind == "text"
    assert text == (
        "the run shown was made by a loop of your own, and cannot be started here; "
        f"space again starts a run of the preset {desk.draft.preset.name}"
    )
    asyncio.run(desk.run.start_or_pause())
    assert len(desk.started) == 1
