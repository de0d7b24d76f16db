"""What interrupts count as, and what they do."""

from __future__ import annotations

import signal
import subprocess

import pytest

from workbench.headless import interrupts
from workbench.headless.interrupts import Interrupts, kill_group


def handled(numbers: list[int]) -> list[str]:
    """What is done after each of the signals, all of them sent to this process."""
    done: list[str] = []
    with Interrupts() as counted:
        for number in numbers:
            signal.raise_signal(number)
            counted.handle(lambda: done.append("stop"), lambda: done.append("kill"))
    return done


def test_the_first_interrupt_stops_and_the_second_kills() -> None:
    assert handled([]) == []
    assert handled([signal.SIGINT]) == ["stop"]
    assert handled([signal.SIGINT, signal.SIGINT]) == ["stop", "kill"]
    assert handled([signal.SIGTERM, signal.SIGINT]) == ["stop", "kill"]


def test_two_sigterms_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "TWICE_SECONDS", 60.0)
    assert handled([signal.SIGTERM, signal.SIGTERM]) == ["stop"]
    monkeypatch.setattr(interrupts, "TWICE_SECONDS", 0.0)
    assert handled([signal.SIGTERM, signal.SIGTERM]) == ["stop", "kill"]


def test_what_handled_signals_before_does_so_again() -> None:
    before = signal.getsignal(signal.SIGTERM)
    handled([signal.SIGTERM])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_group_is_killed_with_all_that_is_in_it() -> None:
    script = ["sh", "-c", "sleep 60 & echo ready; wait"]
    leader = subprocess.Popen(script, stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout is not None
    assert leader.stdout.readline() == b"ready\n"
    kill_group(leader.pid)
    assert leader.stdout.read() == b""  # ends only where nobody is left who could write to it
    assert leader.wait() == -signal.SIGKILL
    kill_group(leader.pid)  # there is nobody: nothing happens
