"""Other runs, and leaving: what is watched, what is overlaid, and what quitting stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ui.made import write_run
from tests.unit.ui.fake_host import Desk
from workbench.ui.controllers.presets import PresetController
from workbench.ui.controllers.runs import RunsController, RunsResult
from workbench.ui.dialogs.attach import AttachDialog
from workbench.ui.live.remembered import Remembered


def controller(desk: Desk) -> RunsController:
    presets = PresetController(desk.draft, Remembered(), desk.host)
    return RunsController(desk.session, desk.run, presets, desk.host)


def test_a_run_that_is_opened_is_read_to_its_end_and_watched(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    run = write_run(tmp_path, ending="completed")
    asyncio.run(controller(desk).carry_out(RunsResult("open", run)))
    assert desk.session.watch is not None
    assert desk.session.watch.history.view.step == 1300
    assert desk.host.last == f"{run.name}: completed"
    assert desk.host.calls[0] == "charts"


def test_a_run_that_cannot_be_read_leaves_the_one_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = desk.watch(ending="completed")
    broken = write_run(tmp_path, "20261124T130000Z-fast-0a1c")
    broken.preset.write_text("nonsense")
    asyncio.run(controller(desk).attach(broken))
    assert desk.session.watch is before
    assert [kind for kind, _ in desk.host.said] == ["error"]


def test_marked_runs_are_overlaid_and_none_marked_removes_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    names = ("20261124T130000Z-fast-0a1c", "20261124T140000Z-fast-0a1d")
    under = tuple(write_run(tmp_path, name, ending="completed") for name in names)
    runs = controller(desk)
    asyncio.run(runs.carry_out(RunsResult("overlay", overlays=under)))
    assert runs.overlays.names == names
    shown = runs.overlays.shown(None)
    assert [overlay.mark.letter for overlay in shown] == ["A", "B"]
    assert all(history.view.step == 1300 for overlay in shown for history in overlay.histories)
    asyncio.run(runs.carry_out(RunsResult("overlay")))
    assert not runs.overlays.names


def test_a_run_that_is_started_while_another_is_read_stays_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    run = write_run(tmp_path, ending="completed")

    async def read_and_start(work: Callable[[], object]) -> object:
        desk.session.start(desk.draft.preset, "workbench")
        return work()

    monkeypatch.setattr(desk.host, "in_thread", read_and_start)
    asyncio.run(controller(desk).attach(run))
    assert desk.session.watch is not None
    assert desk.session.watch.run == desk.started[0][0]
    assert desk.host.said[-1] == (
        "warning", f"{run.name} is not opened: another run was started while it was read"
    )  # fmt: skip
    assert desk.host.calls == []


def test_the_runs_that_are_still_running_are_offered_at_the_start(tmp_path: Path) -> None:
    run = write_run(tmp_path, alive=True)
    write_run(tmp_path, "20261124T130000Z-fast-0a1c", ending="completed")
    desk = Desk(tmp_path, run)
    asyncio.run(controller(desk).offer_running())
    [dialog] = desk.host.dialogs
    assert isinstance(dialog, AttachDialog)
    assert [offered for offered, _ in dialog._runs] == [run]
    assert desk.session.watch is not None
    assert desk.session.watch.run == run


def test_without_a_running_run_nothing_is_offered(tmp_path: Path) -> None:
    write_run(tmp_path, ending="completed")
    desk = Desk(tmp_path)
    asyncio.run(controller(desk).offer_running())
    assert desk.host.dialogs == []


@pytest.mark.parametrize(
    ("answer", "leaves", "asked"), [("leave", True, []), ("stop", True, ["stop"]), (None, False, [])]
)
def test_quitting_leaves_a_run_running_or_stops_it(
    tmp_path: Path, answer: str | None, leaves: bool, asked: list[str]
) -> None:
    desk = Desk(tmp_path, answer)
    desk.watch(alive=True)
    assert asyncio.run(controller(desk).may_quit()) == leaves
    assert [command for command, _ in desk.requests] == asked


def test_who_stays_for_unsaved_settings_has_not_stopped_the_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "stop", None)
    desk.watch(alive=True)
    desk.edited("data.batch_size=32")
    assert not asyncio.run(controller(desk).may_quit())
    assert desk.requests == []


def test_without_a_run_and_changes_quitting_asks_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert asyncio.run(controller(desk).may_quit())
    assert desk.host.dialogs == []
