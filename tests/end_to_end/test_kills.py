"""Trainers that are killed at random moments end, resumed, as if nobody had killed them: the same to the bit.

More kills, with figures: `python -m tests.end_to_end.kills --kills 70`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_kills_at_random_moments_change_no_bit() -> None:
    """Reliability, figure 1."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.kills", "--kills", "14"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "14 kills" in done.stdout.splitlines()[-2]
