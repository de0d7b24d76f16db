"""Profiles and memory snapshots: requested, shown when they arrive, shown again."""

from __future__ import annotations

from pathlib import Path

from tests.ui.made import append, profiled, write_memory_snapshot
from tests.unit.ui.fake_host import Desk
from workbench.runs.events import RequestHandled
from workbench.ui.controllers.inspection import InspectionController
from workbench.ui.dialogs.message import MessageDialog
from workbench.ui.dialogs.profile import ProfileDialog


def test_a_profile_that_was_requested_is_shown_once_it_has_arrived(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    inspection = InspectionController(desk.session, desk.run, desk.host)
    inspection.show_profile()
    assert desk.host.last == "this run has no profile; p requests one while it trains"
    inspection.profile()
    assert desk.requests == [("profile", None)]
    inspection.show_arrived()
    assert desk.host.dialogs == []
    append(watch.run, profiled(1320))
    watch.poll()
    inspection.show_arrived()
    assert desk.host.last == "w shows the profile again"
    inspection.show_arrived()
    assert [type(dialog) for dialog in desk.host.dialogs] == [ProfileDialog], "it comes up once"
    inspection.show_profile()
    assert len(desk.host.dialogs) == 2


def test_a_snapshot_does_not_cover_another_dialog(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    inspection = InspectionController(desk.session, desk.run, desk.host)
    inspection.take_memory_snapshot()
    append(watch.run, write_memory_snapshot(watch.run, 1303))
    watch.poll()
    desk.host.is_covered = True
    inspection.show_arrived()
    assert desk.host.dialogs == []
    assert desk.host.last == "the memory snapshot has arrived: W shows it"
    inspection.show_memory_snapshot()
    assert [type(dialog) for dialog in desk.host.dialogs] == [MessageDialog]


def test_a_snapshot_that_was_deleted_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    snapshot = write_memory_snapshot(watch.run, 1303)
    append(watch.run, snapshot)
    watch.poll()
    (watch.run.path / snapshot.file).unlink()
    InspectionController(desk.session, desk.run, desk.host).show_memory_snapshot()
    assert desk.host.dialogs == []
    [(kind, text)] = desk.host.said
    assert kind == "error"
    assert "No such file" in text


def test_a_refusal_and_a_checkpoint_are_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    inspection = InspectionController(desk.session, desk.run, desk.host)
    desk.run.request("checkpoint")
    append(watch.run, RequestHandled(command="checkpoint", step=1310))
    watch.poll()
    inspection.show_arrived()
    assert desk.host.said[-1] == ("text", "checkpoint written at step 1,310")
    inspection.profile()
    append(watch.run, RequestHandled(command="profile", step=1311, accepted=False, detail="one is being recorded"))
    watch.poll()
    inspection.show_arrived()
    assert desk.host.said[-1] == ("warning", "profile refused: one is being recorded")
