"""The run in progress: starts, pauses, stops and resumes it, and gives its state in words."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import DivergedError, WorkbenchError
from workbench.runs.control import Command
from workbench.runs.directory import RunDirectory
from workbench.runs.status import ENDED, RESUMABLE
from workbench.settings.preset import Preset
from workbench.settings.validation import check_is_one_run
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.form.column_reader import ColumnReader
from workbench.ui.form.draft import Draft
from workbench.ui.live.log_lines import result_of
from workbench.ui.live.session import Session


class RunController:
    """Starts runs, and sends requests to the trainer of the run in progress."""

    def __init__(self, draft: Draft, session: Session, host: Host, columns: ColumnReader | None = None) -> None:
        """columns: reads the columns of tables, which are checked before the start."""
        self._draft = draft
        self._session = session
        self._host = host
        self._columns = columns or ColumnReader()
        self._said_of: Path | None = None
        """The run of another loop of which the user was told that a start is one of the draft."""

    # Its state.

    @property
    def state(self) -> str:
        """The run's state in a word; idle without a run."""
        return "idle" if self._session.watch is None else self._session.watch.state

    def state_detail(self, *, has_standby: bool) -> str:
        """The request that the trainer has not handled yet; or that a standby trainer is warming up."""
        watch = self._session.watch
        if watch is not None and watch.pending is not None:
            return f"{watch.pending.replace('_', ' ')} ..."
        if watch is not None and watch.is_alive and watch.awaited:
            return "profiling" if "profile" in watch.awaited else "recording memory"
        return "warming up" if watch is None and has_standby and not self._session.is_warm else ""

    def key_labels(self) -> dict[str, str]:
        """Labels of the keys that depend on the state; an empty label hides the key."""
        labels = {} if self._draft.is_changed else {"changes": ""}
        if self.asks_for_study:
            labels["start_or_pause"] = "search" if self._draft.asks_for_search else "cross-validate"
        if not self._session.is_busy:
            has_preset = self._session.watch is None or self._session.watch.preset is not None
            resume = "resume" if self.state in RESUMABLE and has_preset else ""
            return labels | {"stop": "", "learning_rate": "", "checkpoint": "", "profile": "", "resume_run": resume}
        pause = "resume" if self.state == "paused" else "pause"
        return labels | {"start_or_pause": pause, "resume_run": "", "command": ""}

    def state_changed(self, before: str, now: str) -> None:
        """Updates the settings, the notice and the hint line for the new state."""
        if now == "failed" and (wrong := self._session.give_up()):
            self._host.show_settings()
            self._show_end(self.state)
            self._cannot_start(wrong)
            return
        if (before in ENDED or before == "idle") != (now in ENDED or now == "idle"):
            self._host.show_settings()
        self._show_end(now)
        watch = self._session.watch
        if now == "completed" and before not in (*ENDED, "idle") and watch is not None:
            self._host.say(result_of(watch.history.view))

    def _show_end(self, state: str) -> None:
        watch = self._session.watch
        if watch is None or state not in ("failed", "lost"):
            self._host.dismiss_notice()
            return
        title = "training failed" if state == "failed" else "the trainer is lost"
        finished = watch.history.view.finished
        has_diverged = finished is not None and finished.kind == DivergedError.kind
        same = ", same settings" if has_diverged else ""  # it would diverge again
        resume = "R resumes from the last checkpoint" if watch.run.last_checkpoint.exists() else "R restarts"
        resume = f"{resume}{same}   "
        if watch.own_loop is not None:
            resume, title = "", title if state == "failed" else "the loop is lost"
        self._host.show_notice(title, watch.reason, f"{resume}5 log   esc hides this")

    # Starting.

    @property
    def asks_for_study(self) -> bool:
        """Whether the settings ask for a search, or for all folds, rather than a run.

        While a run is in progress, neither can begin.
        """
        return (self._draft.asks_for_search or self._draft.asks_for_folds) and not self._session.is_busy

    async def start_or_pause(self) -> None:
        """Starts a run; pauses or resumes the run in progress."""
        if self._session.is_busy:
            self.request("resume" if self.state == "paused" else "pause")
            return
        if self._draft.problems:
            path, problem = next(iter(self._draft.problems.items()))
            self._host.say(f"cannot start: {path}: {problem}", "error")
            return
        if self._is_of_another_loop():
            return
        try:
            if await self._start(self._draft.preset):
                self.show_new_run()
        except WorkbenchError as error:
            self._host.say(str(error), "error")

    def _is_of_another_loop(self) -> bool:
        """Whether the run on the screen is one that workbench cannot start, said for the first time.

        Its key to pause may come just after its end: no training of another preset must begin by that.
        """
        watch = self._session.watch
        if watch is None or watch.own_loop is None or self._said_of == watch.run.path:
            return False
        self._said_of = watch.run.path
        self._host.say(
            f"the run shown was made by {watch.own_loop.maker}, and cannot be started here; "
            f"space again starts a run of the preset {self._draft.preset.name}"
        )
        return True

    async def _start(self, preset: Preset) -> bool:
        check_is_one_run(preset.validation)
        wrong = await self._columns.wrong(preset.data)
        if wrong := wrong or self._session.planner.take_fault(preset):
            self._cannot_start(wrong)
            return False
        if not await self._host.may_train():
            return False
        if self._session.is_busy or not await is_trusted(preset, self._host):
            return False  # a run was opened meanwhile, or its code must not run
        self._session.start(preset, self._draft.command())
        return True

    def _cannot_start(self, wrong: str) -> None:
        """Says what is wrong with the settings or their data, and moves to the setting."""
        self._host.show_wrong_setting(wrong)
        self._host.say(f"cannot start: {wrong}", "error")

    def show_new_run(self) -> None:
        """Shows the run that the session has begun to watch."""
        self._host.show_charts()
        self._host.poll()
        self._host.show_settings()
        self._host.show_run()

    async def resume_watched(self) -> None:
        """Resumes the run that is shown, from its last checkpoint."""
        watch = self._session.watch
        if watch is None or watch.state not in RESUMABLE:
            self._host.say("there is no stopped, failed or lost run here to resume", while_it_holds=True)
        else:
            await self.resume(watch.run)

    async def resume(self, run: RunDirectory) -> None:
        """Resumes a run from its last checkpoint."""
        try:
            if not await self._host.may_train() or not await is_trusted(Preset.of_run(run.preset), self._host):
                return
            self._session.resume(run, f"workbench --resume {run.name}")
        except WorkbenchError as error:
            self._host.say(str(error), "error")
            return
        self.show_new_run()

    # Requests to the trainer.

    def request(self, command: Command, value: float | None = None) -> bool:
        """Sends a request to the trainer; False, and a sentence, if there is no trainer or the request is not written.

        value: the learning rate of set_learning_rate.
        """
        watch = self._session.watch
        if watch is None or not watch.is_alive:
            self._host.say("no run is in progress", while_it_holds=True)
            return False
        try:
            watch.ask(command, value)
        except WorkbenchError as error:
            self._host.say(str(error), "error")
            return False
        self._host.poll()
        return True
