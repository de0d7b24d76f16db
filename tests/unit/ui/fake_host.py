"""A host that notes what controllers ask of it, and answers their dialogs; and sessions that start no process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from textual.screen import Screen

from tests.ui.made import preset, write_run
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.ui.controllers.run import RunController
from workbench.ui.form.draft import Draft
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch

Result = TypeVar("Result")


class FakeHost:
    """Stands for the main screen."""

    def __init__(self, *answers: Any) -> None:
        """answers: of the dialogs, in order."""
        self.answers = list(answers)
        self.said: list[tuple[str, str]] = []
        """Kind and text of each sentence."""
        self.dialogs: list[Screen[Any]] = []
        """Those that were opened, with or without an answer."""
        self.calls: list[str] = []
        """The parts that were to be shown, in order."""
        self.is_covered = False
        self.is_free = True
        """Whether something may be trained now."""

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        self.said.append((kind, text))

    @property
    def last(self) -> str:
        """The last sentence."""
        return self.said[-1][1]

    def poll(self) -> None:
        self.calls.append("poll")

    def show_run(self) -> None:
        self.calls.append("run")

    def redraw_charts(self) -> None:
        self.calls.append("redraw charts")

    def show_settings(self) -> None:
        self.calls.append("settings")

    def show_setting(self, path: str) -> None:
        self.calls.append(f"setting: {path}")

    def show_advice(self) -> None:
        self.calls.append("advice")

    def show_charts(self) -> None:
        self.calls.append("charts")

    def show_wrong_setting(self, wrong: str) -> None:
        self.calls.append(f"wrong: {wrong}")

    def show_notice(self, title: str, message: str, keys: str) -> None:
        self.calls.append(f"notice: {title}: {message} [{keys}]")

    def dismiss_notice(self) -> None:
        self.calls.append("no notice")

    def open(self, dialog: Screen[Any]) -> None:
        self.dialogs.append(dialog)

    async def ask(self, dialog: Screen[Result]) -> Result | None:
        self.dialogs.append(dialog)
        answer: Result | None = self.answers.pop(0)
        return answer

    async def may_train(self) -> bool:
        return self.is_free

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        return work()


class Trainer:
    """A trainer's process that lives until its return code is set."""

    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


class Desk:
    """A session whose trainers are no processes, a draft, a host, and the controller of the run."""

    def __init__(self, folder: Path, *answers: Any, draft: Draft | None = None) -> None:
        self.host = FakeHost(*answers)
        self.draft = draft or Draft(preset())
        self.session = Session(folder)
        self.started: list[tuple[RunDirectory, str]] = []
        """Runs whose trainer was started, with the command that says so."""
        self.session._trainer = self._start  # type: ignore[method-assign, assignment]
        self.run = RunController(self.draft, self.session, self.host)

    def _start(self, run: RunDirectory, command: str) -> Trainer:
        self.started.append((run, command))
        return Trainer()

    def watch(self, **how: Any) -> Watch:
        """Watches a made run: `alive=True`, `ending="stopped"` and so on."""
        return self.watch_run(write_run(self.session.runs_folder, **how))

    def watch_run(self, run: RunDirectory) -> Watch:
        watch = Watch(run)
        watch.read_all()
        self.session.watch = watch
        return watch

    @property
    def requests(self) -> list[tuple[str, float | None]]:
        """What the trainer of the watched run was asked."""
        assert self.session.watch is not None
        control = self.session.watch.run.control
        lines = control.read_text().splitlines() if control.exists() else []
        return [(request["command"], request.get("value")) for request in map(json.loads, lines)]

    def edited(self, *assignments: str) -> Preset:
        """Edits the draft; returns what it is now."""
        self.draft.assign(assignments)
        return self.draft.preset
