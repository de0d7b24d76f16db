"""Previews the settings being edited: their data, the layers of their network, and what a step would take.

One process beside the app, of the lowest priority, has imported PyTorch and answers each change within a fraction of a
second. It starts when the trainer that stands by is ready, is ended when a run starts, and does nothing in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.errors import TrainerLostError, WorkbenchError
from workbench.newest import keep_newest
from workbench.processes.data import DataSummary
from workbench.processes.measuring import MeasuringProcess, Progress
from workbench.processes.messages import Failure
from workbench.processes.modules import Module
from workbench.processes.plan import Plan
from workbench.processes.preview import Model, Part, Previewed, Request, preview
from workbench.settings.code_files import read_code
from workbench.settings.preset import Preset
from workbench.ui.live.data_key import key_of
from workbench.ui.live.planner import Expectation, content_of, untrusted
from workbench.ui.live.seen import Seen

QUIET_SECONDS = 0.2
"""A preview is asked for once nothing has been edited for this long: a held key asks once."""
PATIENCE_SECONDS = 3.0
"""An answer that is no longer wanted is abandoned after this time, and the process is restarted."""
MOST_SECONDS = 60.0
"""Any answer is abandoned after this time: the data is too large for a preview."""
TOO_LONG = "this data takes long to read: D shows it"
MOST_KEPT = 16
"""Networks and data that are kept, so that a change that is taken back is shown at once."""


@dataclass(frozen=True)
class Picture:
    """What is known of the settings being edited; None for what is not known yet."""

    data: DataSummary | None = None
    model: Model | None = None
    uses_gpu: bool = False
    """Whether they train on a GPU, of which the process knows nothing."""
    doing: str = ""
    """What the process is doing, where that takes long."""
    reason: str = ""
    """Why there is no more to show."""
    is_old: bool = False
    """Whether the network is that of the settings before, until the new one comes."""


class Preview:
    """Keeps the picture of the preset being edited up to date, with one process."""

    def __init__(self, expect: Callable[[str, Expectation], None]) -> None:
        """expect: gets what the settings would take, with their content; called once or twice for an answer."""
        self._expect = expect
        self.show: Callable[[], None] = lambda: None
        """Called when there is something new to show."""
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        """The task that was cancelled last."""
        self._changed = asyncio.Event()
        self._preset: Preset | None = None
        self._wanted = self._key = ""
        """The preset as TOML, without its name, and what decides its data; empty where there is nothing to show."""
        self._since = 0.0
        self._asked: tuple[str, float] | None = None
        """What is being answered, and since when."""
        self._planned: Expectation | None = None
        """What the plan of the present answer expects; None before it comes."""
        self._failed = ""
        """The content at which the process was lost: it is not asked for that again."""
        self._on_gpu: set[str] = set()
        self._models: dict[str, Model] = {}
        self._data: dict[str, DataSummary] = {}
        self._recalled = ""
        """What decides the data that was not read since the start."""
        self._last_model: Model | None = None
        self._doing = self._reason = ""
        self._code: tuple[str, ...] = ()
        """The user's code that the process has run: it cannot run another version of it."""

    @property
    def picture(self) -> Picture:
        """What is known of the preset last given to `look`."""
        model = self._models.get(self._wanted)
        is_old = model is None and not self._reason
        return Picture(
            data=self._data.get(self._key),
            model=self._last_model if is_old else model,
            uses_gpu=self._wanted in self._on_gpu,
            doing=self._doing,
            reason=self._reason,
            is_old=is_old,
        )

    @property
    def seen(self) -> Seen | None:
        """What the next start may show at once; None while not all of it is known."""
        data, model = self._data.get(self._key), self._models.get(self._wanted)
        return None if data is None or model is None else Seen(self._wanted, self._key, data, model)

    def recall(self, seen: Seen) -> None:
        """Takes what was seen at an earlier start, until the process says what is so now."""
        self._data.setdefault(seen.key, seen.data)
        self._models.setdefault(seen.content, seen.model)
        self._recalled = seen.key
        self.show()

    @property
    def leaves_the_rest(self) -> bool:
        """Whether another process has to say what the settings would take: they use a GPU, or this one is lost."""
        return self._wanted in self._on_gpu or (bool(self._wanted) and self._failed == self._wanted)

    @property
    def has_answered(self) -> bool:
        """Whether the answer for the preset last given to `look` is complete."""
        return self._is_running and self._asked is None and not self._changed.is_set()

    @property
    def _is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def look(self, preset: Preset | None, *, may_run: bool, again: bool = False) -> None:
        """Asks for a preview of a preset, unless that is the one that is shown; starts or ends the process.

        preset: what is being edited; None while it cannot be trained, which leaves the picture as it is. again: also
        if it is shown.
        """
        if preset is not None and (preset is not self._preset or again):
            self._preset = preset
            if (content := content_of(preset)) != self._wanted or again:
                self._want(content, key_of(preset.with_absolute_paths()))
        if not may_run:
            self.close()
        elif not self._is_running:
            if self._wanted and self._failed != self._wanted:
                self._start()
        elif self._asked is not None and self._asked[0] != self._wanted and _past(self._asked[1], PATIENCE_SECONDS):
            self.close()
            self._start()

    def close(self) -> None:
        """Ends the process, if there is one. What is known stays."""
        if self._task is not None:
            self._task.cancel()
            self._ending, self._task = self._task, None
        self._asked, self._doing = None, ""

    async def ended(self) -> None:
        """Waits until the process that was ended last is gone."""
        if self._ending is not None:
            await asyncio.wait([self._ending])

    def _want(self, content: str, key: str) -> None:
        self._wanted, self._key, self._since = content, key, time.monotonic()
        self._failed = self._reason = self._doing = ""
        self._changed.set()
        self.show()

    def _start(self) -> None:
        self._changed.set()
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        self._code = ()
        try:
            async with MeasuringProcess.launched(Module.PREVIEW) as process:
                while await self._answer_next(process):
                    pass
        except WorkbenchError as error:  # the process is lost, or none can be started
            self._failed = self._wanted
            self._give(self._wanted, Expectation(reason=str(error)))

    async def _answer_next(self, process: MeasuringProcess) -> bool:
        """Waits for a change and shows it; False if the process has to be restarted. Raises TrainerLostError."""
        await self._changed.wait()
        while (rest := self._since + QUIET_SECONDS - time.monotonic()) > 0:
            await asyncio.sleep(rest)
        self._changed.clear()
        preset, content, key = self._preset, self._wanted, self._key
        if preset is None:
            return True
        try:
            if (reason := untrusted(preset)) is not None:
                self._give(content, Expectation(reason=reason))
                return True
            versions = tuple(read_code(reference).key() for reference in preset.code_references())
        except WorkbenchError as error:
            self._give(content, Expectation(reason=str(error)))
            return True
        if versions and self._code not in ((), versions):
            return False
        self._code = versions or self._code
        await self._ask(process, preset, content, key)
        return True

    async def _ask(self, process: MeasuringProcess, preset: Preset, content: str, key: str) -> None:
        self._asked, self._planned = (content, time.monotonic()), None
        try:
            async with asyncio.timeout(MOST_SECONDS):
                is_new = key not in self._data or key == self._recalled
                async for part in preview(process, Request.of(preset, shows_data=is_new)):
                    self._take(part, content, key)
        except TimeoutError:
            raise TrainerLostError(TOO_LONG) from None
        except TrainerLostError:
            raise
        except WorkbenchError as error:
            failure = Failure(str(error), error.exit_code, error.kind)
            self._give(content, Expectation.from_answer(failure))
        finally:
            self._asked = None

    def _take(self, part: Part, content: str, key: str) -> None:
        """Keeps a part of an answer."""
        match part:
            case Progress():
                self._doing = part.doing if content == self._wanted else self._doing
            case DataSummary():
                keep_newest(self._data, key, part, MOST_KEPT)
                self._recalled = "" if key == self._recalled else self._recalled
            case Model():
                keep_newest(self._models, content, part, MOST_KEPT)
                self._last_model = part
            case Plan():
                self._planned = Expectation.from_answer(part)
                self._expect(content, self._planned)
            case Previewed(uses_gpu=True):
                self._on_gpu.add(content)
            case Previewed() if self._planned is not None:
                self._expect(content, replace(self._planned, step_ms=part.step_ms))
        if not isinstance(part, Progress):
            self._doing = ""
        self.show()

    def _give(self, content: str, expectation: Expectation) -> None:
        """Says why there is nothing more to show. What was seen before may no longer hold."""
        self._models.pop(content, None)
        if self._recalled and self._key == self._recalled:
            self._data.pop(self._recalled, None)
        if content == self._wanted:
            self._reason, self._doing = expectation.reason, ""
        self._expect(content, expectation)
        self.show()


def _past(moment: float, seconds: float) -> bool:
    return time.monotonic() - moment > seconds
