"""Studies whose controller or trainer is killed end, resumed, as if nobody had killed anything.

More kills, with figures: `python -m tests.end_to_end.study_kills --kills 30`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["five seeds", "ten seeds together"])
def test_kills_of_a_study_lose_no_trial_and_change_no_value(scenario: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.study_kills", "--kills", "2", "--scenario", scenario],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills" in done.stdout
