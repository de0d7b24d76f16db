"""The pages of the machine and of the model's health in the app: their keys, and what is read for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import MadeReadings, append, looks, write_run
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import Readings


class NotingReadings(MadeReadings):
    """Notes whose processes were asked for at each reading."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Owners | None] = []

    def read(self, owners: Owners | None = None) -> Readings:
        self.asked.append(owners)
        return super().read(owners)


def test_processes_are_read_only_while_the_machine_page_is_in_sight(tmp_path: Path) -> None:
    app = make_app(tmp_path, attach=write_run(tmp_path, alive=True))
    app.readings = source = NotingReadings()

    async def steps(pilot: Pilot[None]) -> None:
        assert source.asked
        assert set(source.asked) == {None}
        await pilot.press("6")
        await settled(pilot)
        assert source.asked[-1] == Owners(os.getpid(), os.getpid()), "this process counts as the run's trainer"
        assert "180 %   812 MiB  this run" in screen_text(app)
        await pilot.press("3")
        for _ in range(60):  # beside a run on the CPU the machine is read every two seconds
            await pilot.pause(0.1)
            if source.asked[-1] is None:
                break
        assert source.asked[-1] is None

    drive(app, steps)


@pytest.mark.slow
def test_the_health_page_follows_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path, alive=True)
    app = make_app(tmp_path, attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("7")
        assert "of each layer appear here" in screen_text(app)
        append(run, *looks(5))
        await pilot.pause(1.2)
        text = screen_text(app)
        assert "gradient norm  ▲ 1 vanishing" in text
        assert "layers.12" in text
        await pilot.press("b", "b")
        assert "90 %  ▲ dead" in screen_text(app)

    drive(app, steps)
