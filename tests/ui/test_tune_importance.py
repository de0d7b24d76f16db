"""What mattered in a study, as the Tune screen shows it: computed by another process."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made_study import SEARCH, write_study
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.importance_process import start_importance


class Ended:
    """A process that has ended, and what it has written."""

    def __init__(self, text: str) -> None:
        self.stdout = io.StringIO(text)

    def poll(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("written", "shown"),
    [('{"optimizer.learning_rate": 0.71, "schedule.name": 0.14}', True), ("Traceback", False), ("[1]", False)],
)
def test_each_setting_has_its_share_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, shown: bool
) -> None:
    asked: list[StudyDirectory] = []

    def start(study: StudyDirectory) -> Ended:
        asked.append(study)
        return Ended(written)

    monkeypatch.setattr("workbench.ui.live.importance.start_importance", start)
    study = write_study(tmp_path / "studies", finished="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("T")
        await pilot.pause(2.0)
        lines = screen_text(app).splitlines()
        rate = next(line for line in lines if "1e-5 … 1 " in line)
        assert ("━━━━━━──  71 %" in rate) == shown
        assert ("what is searched, and how much it mattered" in screen_text(app)) == shown

    drive(app, steps, (140, 40))
    assert asked == [study], "once for a study that has ended"


def test_the_process_finds_the_setting_that_matters(tmp_path: Path) -> None:
    """In the made study the loss follows the learning rate."""
    process = start_importance(write_study(tmp_path / "studies", finished="completed"))
    written, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    fractions = json.loads(written)
    assert set(fractions) == set(SEARCH)
    assert sum(fractions.values()) == pytest.approx(1.0)
    assert max(fractions, key=fractions.__getitem__) == "optimizer.learning_rate"
