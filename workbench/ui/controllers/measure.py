"""Measures which learning rate or batch size suits the settings being edited, and puts the one taken among them."""

from __future__ import annotations

from workbench.advice.tuned import LEARNING_RATE
from workbench.errors import WorkbenchError
from workbench.processes import batch_scan, range_test
from workbench.processes.measuring import MeasuringProcess
from workbench.processes.modules import Module
from workbench.settings.preset import Preset
from workbench.ui.controllers.advice import AdviceController
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.controllers.tune import TuneController
from workbench.ui.dialogs.measuring import Report
from workbench.ui.form.draft import Draft
from workbench.ui.keys.actions import action
from workbench.ui.live.session import Session
from workbench.ui.panels.settings_hint import MEASURED


class MeasureController:
    """Runs range tests and batch scans, each in a dialog and in a process that ends with it."""

    def __init__(
        self, draft: Draft, session: Session, advice: AdviceController, tune: TuneController, host: Host
    ) -> None:
        self._draft = draft
        self._session = session
        self._advice = advice
        self._tune = tune
        self._host = host

    async def measure(self, path: str) -> None:
        """Measures the setting at `path`, and takes the value that the user picks."""
        if path not in MEASURED:
            key = action("measure").shown_key
            self._host.say(f"{key} measures the learning rate and the batch size: put the cursor on one of them")
        elif await self._may_measure():
            try:
                preset = self._draft.preset.with_absolute_paths()
                if await is_trusted(preset, self._host):
                    await self._measure(path, preset)
            except WorkbenchError as error:
                self._host.say(f"this cannot be measured: {error}", "error")

    async def _may_measure(self) -> bool:
        for path, problem in self._draft.problems.items():
            self._host.say(f"this cannot be measured: {path}: {problem}", "error")
            return False
        study = await self._tune.being_trained()
        watch = self._session.watch
        if study is not None:
            self._tune.watch = study  # that is what T shows then
            text = "a study is in progress, and each would slow the other: pause or stop it on its screen (T) first"
        elif watch is not None and watch.is_alive and watch.state != "paused":
            text = "a run is in progress, and each would slow the other: pause it (space) or stop it (x) first"
        else:
            return True
        self._host.say(text, "warning", while_it_holds=True)
        return False

    async def _measure(self, path: str, preset: Preset) -> None:
        with self._session.measuring():
            change = await (self._ask_for_rate(preset) if path == LEARNING_RATE else self._ask_for_batch(preset))
        if change:
            self._advice.keep(change)
        self._advice.note_measured()

    async def _ask_for_rate(self, preset: Preset) -> tuple[str, ...]:
        from workbench.ui.dialogs.range_test import RangeTestDialog

        request = range_test.Request.of(preset)

        async def sweep(report: Report) -> None:
            async with MeasuringProcess.launched(Module.RANGE_TEST) as process:
                async for message in range_test.range_test(process, request):
                    if isinstance(message, range_test.RangeTest):
                        self._session.tuned.keep_range_test(preset, message)
                    report(message)

        rate = await self._host.ask(RangeTestDialog(sweep, request, preset.optimizer.learning_rate))
        return () if rate is None else (f"{LEARNING_RATE}={rate!r}",)

    async def _ask_for_batch(self, preset: Preset) -> tuple[str, ...]:
        from workbench.ui.dialogs.batch_scan import BatchScanDialog

        async def scan(report: Report) -> None:
            async with MeasuringProcess.launched(Module.BATCH_SCAN) as process:
                async for message in batch_scan.batch_scan(process, batch_scan.Request(preset.to_toml())):
                    if isinstance(message, batch_scan.BatchScan):
                        self._session.tuned.keep_batch_scan(preset, message)
                    report(message)

        return await self._host.ask(BatchScanDialog(scan, preset)) or ()
