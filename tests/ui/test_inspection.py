"""Profiles and memory snapshots in the app: asked for by a key, shown when they come, and shown again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import append, profiled, write_memory_snapshot, write_run
from workbench.runs.directory import RunDirectory
from workbench.runs.events import RequestHandled, WarningRaised
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.message import MessageDialog
from workbench.ui.dialogs.profile import ProfileDialog
from workbench.ui.screens.main import MainScreen

STEP = 1300


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return write_run(tmp_path / "runs", alive=True, device="cuda:0")


def attached(run: RunDirectory, **how: Any) -> WorkbenchApp:
    return make_app(run.path.parent, attach=run, **how)


def asked(run: RunDirectory) -> list[str]:
    return [json.loads(line)["command"] for line in run.control.read_text().splitlines()]


async def look(pilot: Pilot[None]) -> None:
    """What the app does twice a second."""
    main = pilot.app.screen_stack[0]
    assert isinstance(main, MainScreen)
    main.poll()
    await pilot.pause()
    await pilot.pause()


def test_a_profile_is_requested_handled_and_shown_when_it_arrives(run: RunDirectory) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await pilot.pause()
        assert asked(run) == ["profile"]
        assert "profile ..." in screen_text(app).splitlines()[0]
        append(run, RequestHandled(command="profile", step=STEP, detail=""))
        await look(pilot)
        assert "profiling" in screen_text(app).splitlines()[0]
        append(run, profiled(STEP))
        await look(pilot)
        assert isinstance(app.screen, ProfileDialog)
        text = screen_text(app)
        for part in ("steps 1,281 to 1,300: the GPU's time", "aten::addmm", "38.2 %", "0.764", "ui.perfetto.dev",
                     "profiles/step-1281-1300.json.gz"):  # fmt: skip
            assert part in text
        await pilot.press("escape")
        await pilot.pause()
        assert "is requested" not in screen_text(app), "it has come"
        assert "profiling" not in screen_text(app).splitlines()[0]
        await look(pilot)
        assert isinstance(app.screen, MainScreen), "it comes up once"
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, ProfileDialog)

    drive(app, steps)


def test_a_memory_snapshot_is_asked_for_and_its_summary_can_be_read_and_scrolled(run: RunDirectory) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("P")
        append(run, write_memory_snapshot(run, STEP), RequestHandled(command="memory_snapshot", step=STEP))
        await look(pilot)
        assert asked(run) == ["memory_snapshot"]
        assert isinstance(app.screen, MessageDialog)
        assert "GPU memory after step 1,300" in screen_text(app)
        await pilot.press("end")
        await pilot.pause(0.3)
        assert "profiles/memory-1300.txt" in screen_text(app)
        await pilot.press("escape", "W")
        await pilot.pause()
        assert isinstance(app.screen, MessageDialog)

    drive(app, steps, (80, 24))


def test_a_requested_checkpoint_is_reported_when_it_is_written_and_a_refusal_too(run: RunDirectory) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("c")
        append(run, RequestHandled(command="checkpoint", step=STEP))
        await look(pilot)
        assert "checkpoint written at step 1,300" in screen_text(app)
        await pilot.press("P")
        append(run, RequestHandled(command="memory_snapshot", step=STEP, accepted=False, detail="one is being made"))
        await look(pilot)
        assert "memory snapshot refused: one is being made" in screen_text(app)

    drive(app, steps)


def test_nothing_opens_over_another_dialog(run: RunDirectory) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("p", "question_mark")
        await pilot.pause()
        help_dialog = app.screen
        append(run, profiled(STEP))
        await look(pilot)
        assert app.screen is help_dialog
        await pilot.press("escape")
        await look(pilot)
        assert "the profile has arrived: w shows it" in screen_text(app)

    drive(app, steps)


def test_a_profile_that_another_viewer_asked_for_does_not_come_up_by_itself(run: RunDirectory) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        append(run, profiled(STEP))
        await look(pilot)
        assert isinstance(app.screen, MainScreen)
        await pilot.press("5")
        await pilot.pause()
        assert "profile of steps 1,281 to 1,300" in screen_text(app)

    drive(app, steps)


@pytest.mark.parametrize(
    "event",
    [
        RequestHandled(command="profile", step=STEP, accepted=False, detail="one has been asked for already"),
        WarningRaised(step=STEP, message="there is no profile: cannot write it", command="profile"),
    ],
    ids=["refused", "failed"],
)
def test_a_profile_that_does_not_come_is_not_waited_for(
    run: RunDirectory, event: RequestHandled | WarningRaised
) -> None:
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("p")
        append(run, RequestHandled(command="profile", step=STEP), event)
        await look(pilot)
        first_line = screen_text(app).splitlines()[0]
        assert "profiling" not in first_line
        assert "profile ..." not in first_line

    drive(app, steps)


def test_without_a_run_or_a_profile_the_keys_say_what_is_missing(run: RunDirectory) -> None:
    app = make_app(run.path.parent.parent / "none")

    async def idle(pilot: Pilot[None]) -> None:
        for key, said in {
            "p": "no run is in progress",
            "P": "no run is in progress",
            "w": "has no profile",
            "W": "has no memory",
        }.items():
            await pilot.press(key)
            await pilot.pause()
            assert said in screen_text(app), key

    drive(app, idle)


def test_a_summary_that_is_gone_is_reported(run: RunDirectory) -> None:
    append(run, write_memory_snapshot(run, STEP))
    (run.profiles / f"memory-{STEP}.txt").unlink()
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("W")
        await pilot.pause()
        assert "cannot read" in screen_text(app)

    drive(app, steps)


def test_what_a_run_has_can_be_looked_at_when_it_has_ended(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=2000, ending="completed")
    append(run, profiled(STEP))
    app = attached(run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, ProfileDialog)

    drive(app, steps)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (40, 12)])
def test_in_ascii_and_without_colour_the_fractions_are_still_shown(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    append(run, profiled(STEP))
    app = attached(run, ascii_only=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("w")
        await pilot.pause()
        text = screen_text(app)
        assert "38.2 %" in text
        assert "aten::ad" in text
        assert size[0] < 70 or "=====---------" in text
        assert text.isascii()

    drive(app, steps, size)
