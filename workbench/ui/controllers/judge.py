"""Judges the model of a run: how good its checkpoint is, on which samples, and where it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.newest import keep_newest
from workbench.runs.directory import RunDirectory
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.live.judged_run import JudgedRun, Key
from workbench.ui.live.judging import Known
from workbench.ui.live.session import Session
from workbench.units import counted, duration

MOST_KEPT = 8
WORTH_SAYING_SECONDS = 0.01
"""Of a validation that was faster, nothing is said: it would be 0.00 s."""
Say = Callable[[str, str], bool]
"""Shows a sentence, and its kind; False where it is not there to show it."""


@dataclass(frozen=True)
class Chosen:
    """A run that may be judged, and how."""

    run: JudgedRun
    device: str
    """To compute on; empty for the run's."""
    quietly: bool
    """Whether to take only what nobody else wants of the processor."""


class JudgeController:
    """Says what may be judged and how, and keeps what was found while the app runs."""

    def __init__(self, session: Session, host: Host) -> None:
        self._session = session
        self._host = host
        self._known: dict[Key, Known] = {}
        """What is known of the latest checkpoints and splits."""

    async def choose(self, run: RunDirectory | None, say: Say | None = None) -> Chosen | None:
        """The run, if there is something to judge and the user wants to; None: of the one that is watched.

        say: shows why it cannot be judged; else the host does.
        """
        if run is None and self._session.watch is None:
            self._host.say("there is no run to judge: r lists all runs", "warning")
            return None
        if run is None:
            assert self._session.watch is not None
            run = self._session.watch.run
        try:
            return await self._chosen(run)
        except (WorkbenchError, OSError) as error:
            text = f"the model of {run.name} cannot be judged: {error}"
            if say is None or not say(text, "error"):
                self._host.say(text, "error")
            return None

    async def _chosen(self, run: RunDirectory) -> Chosen | None:
        """None where the user does not want to. Raises WorkbenchError or OSError where it cannot be judged."""
        found = await self._host.in_thread(lambda: JudgedRun.read(run))
        if not await is_trusted(found.preset, self._host):
            return None
        is_known = self.known(found.key(found.splits[0])).judgement is not None
        if self._session.is_busy or found.is_alive:
            # A GPU is left to the run, whose memory may be all taken.
            return Chosen(found, "cpu", True) if is_known or await self._may_judge_beside(found) else None
        return Chosen(found, "", False) if is_known or await self._host.may_train() else None

    def known(self, key: Key) -> Known:
        """What is known of a checkpoint on a split; nothing at first."""
        if key not in self._known:
            keep_newest(self._known, key, Known(), MOST_KEPT)
        return self._known[key]

    async def _may_judge_beside(self, judged: JudgedRun) -> bool:
        """Asks whether to judge beside the run that is training."""
        from workbench.ui.dialogs.question import STAY, QuestionDialog

        watch = self._session.watch
        training = judged.prepared
        if self._session.is_busy and watch is not None:
            training = watch.history.view.prepared or training
        cost = (
            "Judging takes one core at the lowest priority: the run's steps may take longer until it is done."
            if training.device == "cpu"
            else "Judging takes one core at the lowest priority, and leaves the GPU to the run."
        )
        epoch = None if watch is None or watch.run != judged.run else watch.history.view.epoch_end
        seconds = epoch.validation_seconds if epoch is not None else 0.0
        samples = judged.prepared.validation_samples
        took = (
            f" The run's own validation of {counted(samples, 'sample')} took {duration(seconds)}."
            if seconds >= WORTH_SAYING_SECONDS and samples
            else ""
        )
        answer = await self._host.ask(
            QuestionDialog(
                "judge while it trains?",
                f"A run is training. {cost}{took}",
                (("judge", "judge its checkpoint now"), (STAY, "not now")),
                "judge",
            )
        )
        return answer == "judge"
