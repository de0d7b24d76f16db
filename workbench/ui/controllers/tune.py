"""Studies: starts a search from the form, finds the latest study, and sends requests to its controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import USERS_KINDS, WorkbenchError
from workbench.runs.directory import RunDirectory
from workbench.runs.lock import is_running
from workbench.runs.row import RunRow
from workbench.settings.validation import check_is_one_run
from workbench.tuning.directory import StudyDirectory, create_study, default_studies_folder, list_studies
from workbench.tuning.process import start_controller
from workbench.tuning.view import TrialView
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.presets import PresetController
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.form.draft import Draft
from workbench.ui.live.beside import Beside, terminal_alerts
from workbench.ui.live.session import Session
from workbench.ui.live.study_watch import StudyWatch
from workbench.ui.live.study_words import counts
from workbench.ui.live.trial_rows import trial_row

RESUMABLE = ("stopped", "failed", "lost")


@dataclass(frozen=True)
class TuneResult:
    """What the main screen shows after the Tune screen: a trial's run; None: the settings that were taken."""

    run: RunDirectory | None = None
    said: str = ""


class TuneController:
    """The study that is watched. Methods that return a sentence say what prevented it; empty where nothing did."""

    def __init__(
        self, draft: Draft, session: Session, presets: PresetController, host: Host, folder: Path | None
    ) -> None:
        """folder: of studies; None: the default one."""
        self._draft = draft
        self._session = session
        self._presets = presets
        self._host = host
        self.folder = folder or default_studies_folder()
        self.watch: StudyWatch | None = None
        self._beside: Beside | None = None
        """The followers of the study that was started last."""
        self._found: StudyWatch | None = None
        """A study that was in progress when the app started."""

    @property
    def preset_name(self) -> str:
        """Of the study; without one, of the form."""
        return self._draft.preset.name if self.watch is None else self.watch.preset.name

    @property
    def starts_folds(self) -> bool:
        """Whether a study that is started now trains all folds, rather than searches."""
        return self._draft.asks_for_folds and not self._draft.asks_for_search

    @property
    def is_busy(self) -> bool:
        """Whether the watched study is being run."""
        return self.watch is not None and self.watch.is_alive

    @property
    def _shown(self) -> StudyWatch | None:
        """The study whose progress is shown outside of its screen."""
        shown = self.watch or self._found
        return shown if shown is not None and shown.is_alive else None

    def follow(self) -> None:
        """Reads what the study has written whose progress is shown."""
        if self._shown is not None:
            self._shown.poll()

    def take_problems(self) -> list[str]:
        """What went wrong since the last call in the followers of the study that was started last."""
        return [] if self._beside is None else self._beside.take_problems()

    def take_alerts(self) -> list[str]:
        """What the terminal is to be notified of the watched study, since the last call."""
        return [] if self.watch is None or self.watch.alerts is None else self.watch.alerts.take()

    @property
    def progress(self) -> str:
        """How the study stands that is being run; empty without one."""
        shown = self._shown
        if shown is None:
            return ""
        way = f"{shown.question.way}{' paused' * _is_paused(shown)}"
        return ", ".join(part for part in (way, counts(shown)) if part)

    # Which study.

    async def find(self) -> None:
        """Watches the latest study, one that is running first, unless one is watched already."""
        if self.watch is None:
            self.watch = await self._host.in_thread(self._latest)
            if self.watch is not None:
                self.watch.alerts = terminal_alerts(self.watch.study)

    def _latest(self) -> StudyWatch | None:
        latest_first = list(reversed(self.studies()))
        return next(_readable(sorted(latest_first, key=is_running, reverse=True)), None)

    async def in_progress(self) -> StudyWatch | None:
        """The study of the folder that is being trained or is paused, whoever started it; the one being trained first.

        It is read for this call, and not watched.
        """

        def read() -> StudyWatch | None:
            alive = [watch for watch in _readable(filter(is_running, reversed(self.studies()))) if watch.is_alive]
            return min(alive, key=_is_paused, default=None)

        return await self._host.in_thread(read)

    async def being_trained(self) -> StudyWatch | None:
        """The study that trains now, the watched one first; None without any, for a paused one trains nothing."""
        if self.watch is not None:
            self.watch.poll()  # it may have ended since its screen was left
            if self.watch.is_alive and not _is_paused(self.watch):
                return self.watch
        found = await self.in_progress()
        return None if found is None or _is_paused(found) else found

    async def say_in_progress(self) -> None:
        """Says at the app's start which study is in progress."""
        if (found := await self.in_progress()) is not None:
            self._found = found
            state = "is paused" if _is_paused(found) else "is running"
            self._host.say(f"the study {found.study.name} {state}: T shows it", "warning", while_it_holds=True)

    async def ask_beside(self) -> str | None:
        """Asks whether to train beside the study that trains now; start without any, None if the user does neither.

        tune: the study is watched now, and its screen shall come up.
        """
        from workbench.ui.dialogs.beside_study import BesideStudyDialog

        study = await self.being_trained()
        if study is None:
            return "start"
        answer = await self._host.ask(BesideStudyDialog(study.study.name, counts(study)))
        if answer == "tune":
            self.watch = study
        return answer

    def studies(self) -> list[StudyDirectory]:
        """All studies of the folder, the oldest first."""
        try:
            return list_studies(self.folder)
        except OSError:
            return []

    async def listed(self) -> list[tuple[StudyDirectory, str]]:
        """All studies, the latest first, each with a line about it."""

        def read() -> list[tuple[StudyDirectory, str]]:
            return [(study, _line(study)) for study in reversed(self.studies())]

        return await self._host.in_thread(read)

    async def open(self, study: StudyDirectory) -> str:
        """Watches another study."""

        def read() -> StudyWatch:
            watch = StudyWatch(study)
            watch.read_all()
            return watch

        try:
            self.watch = await self._host.in_thread(read)
        except WorkbenchError as error:
            return str(error)
        return ""

    # Starting.

    async def start(self, say: Callable[[str], object]) -> str:
        """Starts a search of the form's ranges, or all folds of its validation; else searches what matters most.

        Beside another study only after asking: that one may be watched instead.

        say: is called with what is being waited for.
        """
        if problem := self._why_not():
            return problem
        answer = await self.ask_beside()
        if answer != "start":
            return "" if answer == "tune" else "not started: another study is running"
        try:
            return await self._start(say)
        except WorkbenchError as error:
            if error.kind in USERS_KINDS:
                self._host.show_wrong_setting(str(error))
            return f"cannot start: {error}"

    def _why_not(self) -> str:
        """Why no study can be started now; empty if one can."""
        if self.is_busy:
            return "a study is in progress: stop it first, or let it end (T shows it)"
        if self._session.is_busy:
            return "a run is in progress: stop it first, or let it end"
        return next((f"cannot start: {path}: {problem}" for path, problem in self._draft.problems.items()), "")

    async def _start(self, say: Callable[[str], object]) -> str:
        from workbench.tuning.asking import DEFAULT_TRIALS, folds_question, search_question

        draft = self._draft
        preset, command = draft.preset.with_absolute_paths(), draft.command()
        # Before anything is planned, for that runs the preset's own code.
        if not await is_trusted(preset, self._host):
            return "not started: the preset's own code is not trusted"
        if self.starts_folds:
            say("reading the data, to count its folds ...")
            question = await self._host.in_thread(lambda: folds_question(preset))
        else:
            check_is_one_run(preset.validation)
            ranges, trials = draft.search()
            question = search_question(preset, ranges, trials=trials or DEFAULT_TRIALS)
        if problem := self._why_not():  # something was started meanwhile
            return problem
        study = create_study(self.folder, preset, question)
        self._start_controller(StudyWatch(study, alerts=terminal_alerts(study)), command)
        return ""

    def _start_controller(self, watch: StudyWatch, command: str) -> None:
        """Starts a study, or continues it, and watches it. Raises StorageError, TrainerLostError."""
        beside = Beside(watch.study)
        watch.continued_by(start_controller(watch.study, command))
        beside.start()
        self.watch, self._beside = watch, beside

    async def resume(self) -> str:
        """Continues a study that was stopped or killed."""
        watch = self.watch
        if watch is None or watch.state not in RESUMABLE:
            return "there is no stopped, failed or lost study here to resume"
        try:
            if not await is_trusted(watch.preset, self._host):
                return "not resumed: the preset's own code is not trusted"
            self._start_controller(watch, f"workbench resume {watch.study.name}")
        except WorkbenchError as error:
            return str(error)
        return ""

    # Requests.

    def request(self, command: str, trial: TrialView | None = None) -> str:
        """Asks the controller: pause, resume, stop, add_place, remove_place, or discard a trial."""
        watch = self.watch
        if watch is None or not watch.is_alive:
            return "no study is in progress"
        if trial is not None and trial.has_ended:
            return f"trial {trial.number} is {trial.status} already"
        try:
            watch.ask(command, None if trial is None else trial.number)
        except WorkbenchError as error:
            return str(error)
        return ""

    def run_of(self, trial: TrialView) -> RunDirectory | None:
        """The run of a trial; None where it has none yet."""
        return self.watch.study.run(trial.run) if self.watch is not None and trial.run else None

    async def rows_of(self, trials: Sequence[TrialView]) -> list[RunRow]:
        """The trials as they are compared."""
        watch = self.watch
        return [] if watch is None else await self._host.in_thread(lambda: [trial_row(watch, each) for each in trials])

    # What was found.

    async def take(self, trial: TrialView) -> str | None:
        """Takes the settings of a trial into the form: says so; None if the user would rather keep editing."""
        assert self.watch is not None
        try:
            preset = self.watch.preset_of(trial)
        except WorkbenchError as error:
            return str(error)
        return f"settings of trial {trial.number}" if await self._presets.take(preset) else None

    async def save(self, trial: TrialView) -> str:
        """Saves the settings of a trial as a preset, after asking for its name; says where, or why not."""
        from workbench.tuning.evidence import evidence

        watch = self.watch
        assert watch is not None
        try:
            preset = watch.preset_of(trial)
        except WorkbenchError as error:
            return str(error)
        said = evidence(watch.view, trial, watch.result, watch.study.name, watch.preset.training.epochs)
        return await self._presets.save_found(preset, f"{preset.name}-tuned", said)


def _readable(studies: Iterable[StudyDirectory]) -> Iterator[StudyWatch]:
    """The studies, read to the end; the list of studies says of the others why they cannot be opened."""
    for study in studies:
        try:
            watch = StudyWatch(study)
        except WorkbenchError:
            continue  # of another version, or damaged
        watch.read_all()
        yield watch


def _is_paused(watch: StudyWatch) -> bool:
    return watch.state == "paused"


def _line(study: StudyDirectory) -> str:
    """A study in a few words, or why it cannot be read."""
    try:
        watch = StudyWatch(study)
    except WorkbenchError as error:
        return str(error).removeprefix(f"{study.question} ")
    watch.read_all()
    return ", ".join(part for part in (watch.question.way, watch.state, counts(watch)) if part)
