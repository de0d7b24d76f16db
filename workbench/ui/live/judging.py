"""What is known of how good a run's model is, and the process that is asked for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.errors import WorkbenchError
from workbench.processes.evaluation import EvaluationRequest
from workbench.processes.judging import Choice, Judgement, Samples, choose_samples, judge
from workbench.processes.measuring import MeasuringProcess, Progress
from workbench.processes.modules import Module
from workbench.processes.plan import BACKGROUND


@dataclass
class Known:
    """What is known of one checkpoint on one split."""

    judgement: Judgement | None = None
    samples: dict[Choice, Samples] = field(default_factory=dict)

    def forget(self) -> None:
        """Nothing is known any more: it is asked for again."""
        self.judgement = None
        self.samples.clear()


class Judging:
    """Asks a process for what is wanted and not known yet. It is launched at the first question."""

    def __init__(self, request: EvaluationRequest, known: Known, changed: Callable[[], None], *, quietly: bool) -> None:
        """changed: is called when something has become known; quietly: on what nobody else wants of the processor."""
        self.request = request
        self.known = known
        self.progress: Progress | None = None
        """What the process is doing; None while it is doing nothing."""
        self.problem = ""
        """Why it could not answer."""
        self._changed = changed
        self._arguments = (BACKGROUND,) if quietly else ()
        self._choice: Choice | None = None
        self._news = asyncio.Event()

    def turn_to(self, request: EvaluationRequest, known: Known) -> None:
        """Judges another checkpoint or split from now on, or the same one once more."""
        self.request, self.known, self.problem, self._choice = request, known, "", None
        self._news.set()

    def want(self, choice: Choice) -> None:
        """Asks for samples, instead of those that were asked for before and have not come."""
        self._choice = choice
        self._news.set()

    async def work(self) -> None:
        """Asks whenever something is wanted, until it is cancelled, which ends the process."""
        while True:
            await self._something_is_wanted()
            try:
                await self._ask_a_process()
            except WorkbenchError as error:
                self.problem, self.progress, self._choice = str(error), None, None
                self._changed()

    async def _ask_a_process(self) -> None:
        """Launches a process and asks it one thing after another. Raises WorkbenchError; the process is gone then."""
        self._report(Progress("importing PyTorch"))
        async with MeasuringProcess.launched(Module.JUDGE, *self._arguments) as process:
            while True:
                await self._ask(process)
                self.progress = None
                self._changed()
                await self._something_is_wanted()

    async def _ask(self, process: MeasuringProcess) -> None:
        """Asks for the judgement, or for the samples that are wanted, and notes the answer."""
        request, known, choice = self.request, self.known, self._choice
        if known.judgement is None:
            async for message in judge(process, request):
                if isinstance(message, Judgement):
                    known.judgement = message
                else:
                    self._report(message)
        elif choice is not None:
            async for answer in choose_samples(process, request, choice):
                if isinstance(answer, Samples):
                    known.samples[choice] = answer
                else:
                    self._report(answer)

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        self._changed()

    @property
    def _is_wanted(self) -> bool:
        if self.problem:
            return False
        return self.known.judgement is None or (self._choice is not None and self._choice not in self.known.samples)

    async def _something_is_wanted(self) -> None:
        """Waits until something is wanted."""
        while not self._is_wanted:
            self._news.clear()
            await self._news.wait()
