"""Other runs: attach to one, overlay some, take settings from one; and leaving the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.errors import WorkbenchError
from workbench.runs.catalogue import list_running
from workbench.runs.directory import RunDirectory
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.presets import PresetController
from workbench.ui.controllers.run import RunController
from workbench.ui.live.beside import terminal_alerts
from workbench.ui.live.overlays import OverlaidRun, Overlays
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch, course_of
from workbench.units import count


@dataclass(frozen=True)
class RunsResult:
    """The user's choice in the list of runs."""

    action: Literal["open", "take", "resume", "overlay"]
    run: RunDirectory | None = None
    overlays: tuple[RunDirectory, ...] = ()


class RunsController:
    """Opens and overlays existing runs."""

    def __init__(self, session: Session, run: RunController, presets: PresetController, host: Host) -> None:
        self._session = session
        self._run = run
        self._presets = presets
        self._host = host
        self.overlays = Overlays(session.marks)
        self._is_asking_to_quit = False

    async def offer_running(self) -> None:
        """Offers to watch the runs in progress, at the app's start."""
        from workbench.ui.dialogs.attach import AttachDialog

        try:
            running = await self._host.in_thread(lambda: list_running(self._session.runs_folder))
        except Exception:
            return  # a folder that cannot be read is reported when the user starts a run
        if running and self._session.watch is None:
            lines = [
                (
                    row.run,
                    f"{row.preset_name}  epoch {count(row.epoch)}" + (f" of {count(row.epochs)}" if row.epochs else ""),
                )
                for row in running
            ]
            if (run := await self._host.ask(AttachDialog(lines))) is not None:
                await self.attach(run)

    async def attach(self, run: RunDirectory) -> None:
        """Watches a run that was started elsewhere or has ended."""
        try:
            watch = Watch(run, alerts=terminal_alerts(run))
        except WorkbenchError as error:
            self._host.say(str(error), "error")
            return
        before = self._session.watch
        self._host.say(f"reading {run.name} ...")
        try:
            await self._host.in_thread(watch.read_all)
        except Exception as error:
            self._host.say(f"{run.name} cannot be read: {error}", "error")
            return
        if self._session.is_busy and self._session.watch is not before:
            self._host.say(f"{run.name} is not opened: another run was started while it was read", "warning")
            return
        self._session.watch = watch
        self._host.say(f"{run.name}: {course_of(watch.state)}", while_it_holds=True)
        self._run.show_new_run()

    async def follow_renamed(self, run: RunDirectory, now: RunDirectory) -> None:
        """Keeps the renamed run overlaid, and on the screen if it is there."""
        self.overlays.rename(run.name, now)
        if self._session.watch is not None and self._session.watch.run == run:
            await self.attach(now)

    async def carry_out(self, result: RunsResult) -> None:
        """Carries out the user's choice in the list of runs."""
        match result:
            case RunsResult("overlay"):
                await self._overlay(result.overlays)
            case RunsResult("open", RunDirectory() as run):
                await self.attach(run)
            case RunsResult("resume", RunDirectory() as run):
                await self._run.resume(run)
            case RunsResult("take", RunDirectory() as run):
                await self._presets.take_settings(run)

    async def _overlay(self, runs: tuple[RunDirectory, ...]) -> None:
        unread: list[str] = []

        def read() -> list[OverlaidRun]:
            found = []
            for run in runs:
                try:
                    found.append(OverlaidRun.read(run))
                except Exception as error:
                    unread.append(f"{run.name} cannot be read: {error}")
            return found

        if len(runs) > 1:
            self._host.say(f"reading {len(runs)} runs ...")
        self.overlays.put(await self._host.in_thread(read))
        watched = self._session.watch
        left_out = self.overlays.fit_to(watched)
        shown = self.overlays.shown(watched)
        if unread or left_out:
            self._host.say("; ".join(filter(None, (*unread, left_out))), "error" if unread else "warning")
        elif shown:
            self._host.say(f"overlaid: {'; '.join(f'{each.mark.letter} {each.label}' for each in shown)}")
        elif runs:
            self._host.say("the charts show this run already: mark another one to overlay it")
        self._host.show_run()

    def remove_overlays(self) -> None:
        """Removes all overlays."""
        had = bool(self.overlays.names)
        self.overlays.put(())
        self._host.say("no runs are overlaid now" if had else "no runs are overlaid: o lists runs to mark")
        self._host.show_run()

    def group_overlays(self) -> None:
        """Groups the overlaid runs by the next thing that they have in common."""
        self._host.say(self.overlays.next_grouping(self._session.watch))
        self._host.show_run()

    def follow_overlays(self) -> bool:
        """Reads what overlaid runs have written, and drops those that do not fit the watched run; True if any has."""
        if said := self.overlays.fit_to(self._session.watch):
            self._host.say(said, "warning")
        return self.overlays.poll() or bool(said)

    async def may_quit(self) -> bool:
        """Asks while a run is in progress or settings are unsaved.

        False if the user stays, or is being asked already: ctrl+q also works in dialogs.
        """
        if self._is_asking_to_quit:
            return False
        self._is_asking_to_quit = True
        try:
            return await self._ask_to_quit()
        finally:
            self._is_asking_to_quit = False

    async def _ask_to_quit(self) -> bool:
        from workbench.ui.dialogs.quit import QuitDialog

        watch, answer = self._session.watch, None
        if watch is not None and watch.is_alive and not watch.is_mirror:
            answer = await self._host.ask(QuitDialog(watch.run.name, watch.state))
            if answer is None:
                return False
        # Unsaved settings first: a user who stays to save them has not stopped the run.
        if not await self._presets.settle_unsaved_changes():
            return False
        return not (answer == "stop" and self._session.is_busy and not self._run.request("stop"))
