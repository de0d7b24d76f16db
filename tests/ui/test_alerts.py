"""The app notifies by its terminal of what it watches, once, and says what went wrong in a follower."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import AppBlur, AppFocus
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import HELD, append, events, write_run
from workbench.alerts.file import VARIABLE
from workbench.runs.directory import list_runs
from workbench.runs.events import Finished, State
from workbench.ui.app import WorkbenchApp
from workbench.ui.live import session
from workbench.ui.look.styled_app import PRESENT_SECONDS

SIZE = (120, 40)


@pytest.fixture
def by_osc9(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text("[alerts]\nterminal = 'osc9'\n")
    settings.chmod(0o600)
    monkeypatch.setenv(VARIABLE, str(settings))
    monkeypatch.delenv("TMUX", raising=False)


class Notified:
    """Keeps what the app writes to the terminal besides what it draws."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sequences: list[str] = []
        monkeypatch.setattr(WorkbenchApp, "notify_terminal", lambda _, sequence: self.sequences.append(sequence))


@pytest.mark.usefixtures("by_osc9")
def test_the_end_of_a_watched_run_is_notified_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notified = Notified(monkeypatch)
    run = write_run(tmp_path / "runs", alive=True)
    write_run(tmp_path / "runs", "20261124T110000Z-fast-0a2b", ending="failed")
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(1)
        assert notified.sequences == []
        append(run, Finished(status="completed", step=1300, time=time.time()))
        HELD.pop(run.path).close()
        await pilot.pause(3)
        assert len(notified.sequences) == 1
        assert notified.sequences[0].startswith("\a\x1b]9;workbench: run completed, 20261124T120000Z-fast-0a1b: ")

    drive(app, steps, SIZE)


@pytest.mark.parametrize(("settings", "announced"), [("", True), ("[alerts]\nterminal = 'off'\n", False)])
@pytest.mark.slow
def test_without_settings_the_end_of_a_run_is_announced_and_off_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, announced: bool
) -> None:
    if settings:
        file = tmp_path / "alerts.toml"
        file.write_text(settings)
        file.chmod(0o600)
        monkeypatch.setenv(VARIABLE, str(file))
    monkeypatch.delenv("TMUX", raising=False)
    notified = Notified(monkeypatch)
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(1)
        append(run, Finished(status="completed", step=1300, time=time.time()))
        HELD.pop(run.path).close()
        await pilot.pause(3)
        assert [sequence[:24] for sequence in notified.sequences] == ["\a\x1b]9;workbench: run comp"] * announced

    drive(app, steps, SIZE)


@pytest.mark.usefixtures("by_osc9")
def test_a_run_that_ended_long_ago_is_opened_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notified = Notified(monkeypatch)
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", ending="completed"))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(2)
        assert "completed" in screen_text(app)
        assert notified.sequences == []

    drive(app, steps, SIZE)


def test_the_user_who_has_the_app_in_front_is_not_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path / "runs")
    written: list[str] = []

    async def steps(pilot: Pilot[None]) -> None:
        assert app._driver is not None
        monkeypatch.setattr(type(app), "is_headless", False)
        monkeypatch.setattr(app._driver, "write", written.append)
        app.notify_terminal("first")  # this terminal may report no focus at all
        await pilot.press("f3")
        app.notify_terminal("just after a key")
        app._used -= PRESENT_SECONDS
        app.notify_terminal("long after it")
        app.post_message(AppBlur())
        await pilot.pause(0.1)
        app.notify_terminal("away")
        app.post_message(AppFocus())
        await pilot.pause(0.1)
        app.notify_terminal("in front")
        monkeypatch.undo()

    drive(app, steps, SIZE)
    drawn = [text for text in written if text.startswith("\x1b")]
    assert [text for text in written if text not in drawn] == ["first", "long after it", "away"]


def test_what_prevents_a_follower_is_said_in_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text("[alerts]\nterminal = 'loud'\n")
    settings.chmod(0o600)
    monkeypatch.setenv(VARIABLE, str(settings))

    class Trainer:
        pid, returncode = 0, None

        def poll(self) -> None:
            return None

    def start(run: object, command: str) -> Trainer:
        [made] = list_runs(tmp_path / "runs")
        append(made, *(replace(event, time=time.time()) for event in events(200)), State(state="training", step=200))
        return Trainer()

    monkeypatch.setattr(session, "start_trainer", start)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        for _ in range(50):
            await pilot.pause(0.1)
            if "no alerts are sent" in screen_text(app):
                return
        raise AssertionError(screen_text(app))

    drive(app, steps, SIZE)
