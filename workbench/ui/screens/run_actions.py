"""What can be done to runs from the main screen: start, pause, stop, the learning rate, resume, attach, quit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen
from textual.worker import WorkerFailed

from workbench.errors import WorkbenchError
from workbench.runs.catalogue import list_running
from workbench.runs.control import Command
from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory
from workbench.settings import code
from workbench.settings.data import Csv
from workbench.settings.preset import Preset
from workbench.ui.form.stepping import live_rate
from workbench.ui.live.log_lines import result_of
from workbench.ui.live.watch import ENDED, Watch, course_of
from workbench.ui.look.columns import ColumnReader
from workbench.ui.panels.notice import NoticePanel

if TYPE_CHECKING:
    from workbench.ui.app import WorkbenchApp
    from workbench.ui.live.session import Session
    from workbench.ui.screens.runs import RunsResult

RESUMABLE = ("stopped", "failed", "lost")


class RunActions(Screen[None]):
    """The part of the main screen that deals with runs."""

    app: WorkbenchApp

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = ColumnReader()
        self.overlays: list[tuple[str, RunHistory]] = []
        self.is_attaching = False

    # Given by the main screen.

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        """Says a sentence in the hint line; while_it_holds: until the run's state is another."""
        raise NotImplementedError

    def show_run(self, *, every_chart: bool = True) -> None:
        """Shows what is known of the run."""
        raise NotImplementedError

    def show_settings(self) -> None:
        """Shows the settings."""
        raise NotImplementedError

    def show_wrong_setting(self, wrong: str) -> None:
        """Goes to the setting that this is about."""
        raise NotImplementedError

    def look(self) -> None:
        """Looks at the run."""
        raise NotImplementedError

    def turn_to_charts(self) -> None:
        """Brings the charts up where the screen has room for the settings alone."""
        raise NotImplementedError

    async def settle_unsaved_changes(self) -> bool:
        """Asks what becomes of unsaved settings; False if the user would rather stay."""
        raise NotImplementedError

    # What is going on.

    @property
    def session(self) -> Session:
        """What the app runs."""
        return self.app.session

    @property
    def state(self) -> str:
        """The run's state in a word; idle where there is no run."""
        return "idle" if self.session.watch is None else self.session.watch.state

    @property
    def state_detail(self) -> str:
        """What was asked and not yet obeyed; or whether the trainer for the next run is ready."""
        watch = self.session.watch
        if watch is not None and watch.pending is not None:
            return f"{watch.pending.replace('_', ' ')} ..."
        if watch is not None and watch.is_alive and watch.awaited:
            return "profiling" if "profile" in watch.awaited else "recording memory"
        if watch is None and self.app.options.standby and not self.session.is_warm:
            return "warming up"
        return ""

    def key_labels(self) -> dict[str, str]:
        """Labels of keys that depend on what is going on; an empty one hides the key."""
        labels = {} if self.app.draft.is_changed else {"changes": ""}
        if not self.session.is_busy:
            resume = "resume" if self.state in RESUMABLE else ""
            return labels | {"stop": "", "learning_rate": "", "checkpoint": "", "profile": "", "resume_run": resume}
        pause = "resume" if self.state == "paused" else "pause"
        return labels | {"start_or_pause": pause, "resume_run": "", "command": ""}

    def on_state_changed(self, before: str, now: str) -> None:
        """A run began, went on to another state, or ended."""
        if now == "failed" and (wrong := self.session.give_up()):
            self.show_settings()
            self._note_end(self.state)
            self._cannot_start(wrong)
            return
        if (before in ENDED or before == "idle") != (now in ENDED or now == "idle"):
            self.show_settings()
        self._note_end(now)
        watch = self.session.watch
        if now == "completed" and before not in (*ENDED, "idle") and watch is not None:
            self.say(result_of(watch.history.view))

    def _note_end(self, state: str) -> None:
        notice, watch = self.query_one(NoticePanel), self.session.watch
        if watch is None or state not in ("failed", "lost"):
            notice.hide()
            return
        title = "training failed" if state == "failed" else "the trainer is lost"
        resume = "resumes from the last checkpoint" if watch.run.last_checkpoint.exists() else "restarts"
        notice.show("error", title, watch.reason, f"R {resume}   5 log   n hides this")

    def action_hide_notice(self) -> None:
        """Puts the notice away."""
        self.query_one(NoticePanel).hide()

    # Start, pause, stop, and what else is asked of the trainer.

    @work(group="start", exclusive=True)
    async def action_start_or_pause(self) -> None:
        """Starts a run; pauses the one that is going, or lets it go on."""
        if self.session.is_busy:
            self._ask("resume" if self.state == "paused" else "pause")
            return
        draft = self.app.draft
        if draft.problems:
            path, problem = next(iter(draft.problems.items()))
            self.say(f"cannot start: {path}: {problem}", "error")
            return
        try:
            data = draft.preset.data
            wrong = await self.columns.wrong(data) if isinstance(data, Csv) else ""
            if wrong := wrong or self.session.planner.take_fault(draft.preset):
                self._cannot_start(wrong)
                return
            if self.session.is_busy or not await self._is_trusted(draft.preset):
                return  # a run was opened meanwhile, or the code is not to be run
            self.session.start(draft.preset, draft.command())
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        self._began()

    def _cannot_start(self, wrong: str) -> None:
        """Says what is wrong with the settings or their data, and at which row."""
        self.show_wrong_setting(wrong)
        self.say(f"cannot start: {wrong}", "error")

    def _began(self) -> None:
        self.turn_to_charts()
        self.look()
        self.show_settings()
        self.show_run()

    async def _is_trusted(self, preset: Preset) -> bool:
        """Asks before a preset's own code is run. Raises WorkbenchError where the code is not to be found."""
        from workbench.ui.dialogs.question import QuestionDialog

        for reference, arguments in preset.code_calls():
            if code.is_trusted(reference):
                continue
            text = f"The preset runs code of its own: {code.description(reference, arguments)}. Have you read it?"
            choices = (("y", "yes, trust it until one of these files changes"), ("n", "no"))
            if await self.app.push_screen_wait(QuestionDialog("run this code?", text, choices, "n")) != "y":
                return False
            code.trust(reference)
        return True

    def action_stop(self) -> None:
        """Asks the trainer to stop after its step."""
        self._ask("stop")

    def action_checkpoint(self) -> None:
        """Asks for a checkpoint now."""
        self._ask("checkpoint")

    def action_slower(self) -> None:
        """One rung down the ladder."""
        self._step_learning_rate(-1)

    def action_faster(self) -> None:
        """One rung up the ladder."""
        self._step_learning_rate(1)

    def _step_learning_rate(self, direction: int) -> None:
        watch = self._with_rate()
        if watch is None:
            return
        rate, began = watch.asked_rates.wanted(watch.learning_rate), watch.preset.optimizer.learning_rate
        assert rate is not None
        new = live_rate(rate, began, direction)
        if new == rate:
            end = "highest" if direction > 0 else "lowest"
            told = f"{rate:g} is the {end} step, for the run began at {began:g}; l sets any rate"
            self.say(told, "warning", while_it_holds=True)
        else:
            self._set_learning_rate(new)

    def _with_rate(self) -> Watch | None:
        """The run that is watched, if it goes on and has told its learning rate; else says why not."""
        watch = self.session.watch
        if watch is None or not watch.is_alive:
            self.say("no run is going; the learning rate of the next one is among the settings", while_it_holds=True)
        elif watch.learning_rate is None:
            self.say("the run has not told its learning rate yet", "warning", while_it_holds=True)
        else:
            return watch
        return None

    def action_undo_learning_rate(self) -> None:
        """Back to the learning rate before the last change."""
        watch = self._with_rate()
        if watch is None:
            return
        try:
            value = watch.undo_learning_rate()
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        told = "the learning rate has not been changed" if value is None else f"learning rate back to {value:g}"
        self.say(told, while_it_holds=True)
        self.look()

    @work(group="learning-rate", exclusive=True)
    async def action_learning_rate(self) -> None:
        """Asks for a learning rate, and sets it."""
        from workbench.ui.dialogs.learning_rate import LearningRateDialog

        watch = self._with_rate()
        if watch is None or watch.learning_rate is None:
            return
        began = watch.preset.optimizer.learning_rate
        value = await self.app.push_screen_wait(LearningRateDialog(watch.learning_rate, began))
        if value is not None:
            self._set_learning_rate(value)

    def _set_learning_rate(self, value: float) -> None:
        if self._ask("set_learning_rate", value):
            self.say(f"learning rate {value:g}; z goes back", while_it_holds=True)

    def _ask(self, command: Command, value: float | None = None) -> bool:
        watch = self.session.watch
        if watch is None or not watch.is_alive:
            self.say("no run is going", while_it_holds=True)
            return False
        try:
            watch.ask(command, value)
        except WorkbenchError as error:
            self.say(str(error), "error")
            return False
        self.look()
        return True

    # Other runs.

    @work(group="start", exclusive=True)
    async def action_resume_run(self) -> None:
        """Goes on with the run that is watched, from its last checkpoint."""
        watch = self.session.watch
        if watch is None or watch.state not in RESUMABLE:
            self.say("there is no stopped, failed or lost run here to resume", while_it_holds=True)
            return
        await self._resume(watch.run)

    async def _resume(self, run: RunDirectory) -> None:
        try:
            if not await self._is_trusted(Preset.of_run(run.preset)):
                return
            self.session.resume(run, f"workbench --resume {run.name}")
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        self._began()

    @work(group="attach", exclusive=True)
    async def offer_runs_still_going(self) -> None:
        """On start: the runs that are still going, to choose one."""
        from workbench.ui.dialogs.attach import AttachDialog

        worker = self.run_worker(lambda: list_running(self.app.runs_folder), thread=True, exit_on_error=False)
        try:
            going = await worker.wait()
        except WorkerFailed:
            return  # a folder that cannot be read is told when a run is to be written there
        if going and self.session.watch is None:
            lines = [(row.run, f"{row.preset_name}  epoch {row.epoch} of {row.epochs}") for row in going]
            run = await self.app.push_screen_wait(AttachDialog(lines))
            if run is not None:
                self.attach(run)

    @work(group="attach", exclusive=True)
    async def attach(self, run: RunDirectory) -> None:
        """Watches a run that was started elsewhere or has ended; a long one is read in a thread."""
        try:
            watch = Watch(run)
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        self.is_attaching = True
        self.say(f"reading {run.name} ...")
        try:
            await self.run_worker(watch.read_all, thread=True, exit_on_error=False).wait()
        except WorkerFailed as error:
            self.say(f"{run.name} cannot be read: {error.error}", "error")
            return
        finally:
            self.is_attaching = False
        self.session.watch = watch
        self.say(f"{run.name}: {course_of(watch.state)}", while_it_holds=True)
        self._began()

    @work(group="runs", exclusive=True)
    async def action_runs(self) -> None:
        """All runs, in a table."""
        from workbench.ui.screens.preset_actions import differs
        from workbench.ui.screens.runs import RunsScreen

        result = await self.app.push_screen_wait(
            RunsScreen(self.app.runs_folder, differs, tuple(name for name, _ in self.overlays))
        )
        if result is not None:
            await self._carry_out(result)

    async def _carry_out(self, result: RunsResult) -> None:
        if result.action == "overlay":
            await self._lay_under(result.overlays)
        elif result.action == "open" and result.run is not None:
            self.attach(result.run)
        elif result.action == "resume" and result.run is not None:
            await self._resume(result.run)
        elif result.action == "take" and result.run is not None:
            await self.take_settings(result.run)

    async def take_settings(self, run: RunDirectory) -> None:
        """Takes over a run's settings for the next run."""
        raise NotImplementedError

    async def _lay_under(self, runs: tuple[RunDirectory, ...]) -> None:
        def read() -> list[tuple[str, RunHistory]]:
            found = []
            for run in runs:
                watch = Watch(run)
                watch.read_all()
                found.append((run.name, watch.history))
            return found

        try:
            self.overlays = await self.run_worker(read, thread=True, exit_on_error=False).wait()
        except Exception as error:
            self.say(f"cannot read these runs: {error}", "error")
        self.show_run()

    # Leaving.

    @work(group="quit", exclusive=True)
    async def action_ask_to_quit(self) -> None:
        """Quits; while a run is going or settings are unsaved, only after asking."""
        from workbench.ui.dialogs.quit import QuitDialog

        watch, answer = self.session.watch, None
        if watch is not None and watch.is_alive:
            answer = await self.app.push_screen_wait(QuitDialog(watch.run.name, watch.state))
            if answer is None:
                return
        # Unsaved settings first: who stays to save them has not stopped the run.
        if not await self.settle_unsaved_changes():
            return
        if answer == "stop" and self.session.is_busy and not self._ask("stop"):
            return
        self.app.exit()
