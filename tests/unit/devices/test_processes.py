"""Who uses the machine: the busiest processes first, and those that are asked for."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from workbench.devices.processes import ProcessMonitor, ProcessReading

SPINS = "print(flush=True)\nwhile True: pass"
SLEEPS = "import time\nprint(flush=True)\ntime.sleep(60)"


@pytest.fixture
def children() -> Iterator[dict[str, int]]:
    """Ids of two children: one that never rests, one that sleeps."""
    started = {
        name: subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        for name, code in (("spins", SPINS), ("sleeps", SLEEPS))
    }
    for child in started.values():
        assert child.stdout is not None
        child.stdout.readline()
    yield {name: child.pid for name, child in started.items()}
    for child in started.values():
        child.kill()
        child.communicate()


def by_id(readings: tuple[ProcessReading, ...]) -> dict[int, ProcessReading]:
    return {each.process_id: each for each in readings}


def test_a_process_has_its_processor_time_since_the_last_reading_its_user_and_its_ancestors(
    children: dict[str, int],
) -> None:
    monitor = ProcessMonitor()
    first = by_id(monitor.read(children.values()))
    assert first[children["spins"]].cpu_percent is None, "there is nothing yet to compare with"
    time.sleep(0.5)
    second = by_id(monitor.read(children.values()))
    busy, idle = second[children["spins"]], second[children["sleeps"]]
    assert busy.cpu_percent is not None
    assert idle.cpu_percent == 0.0
    assert busy.cpu_percent > 5
    assert list(second).index(busy.process_id) < list(second).index(idle.process_id)
    assert busy.ancestors[:2] == (os.getpid(), os.getppid())
    assert busy.user == getpass.getuser()
    assert busy.command.startswith("python")
    assert "\n" not in busy.command
    assert idle.rss_bytes is not None
    assert idle.rss_bytes > 2**20


def test_idle_processes_are_listed_where_they_are_asked_for_and_a_missing_one_is_no_error(
    children: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.devices.processes.MOST_BUSY", 1)
    monitor = ProcessMonitor()
    monitor.read()
    time.sleep(0.2)
    assert len(monitor.read()) == 1
    asked = by_id(monitor.read([children["sleeps"], 2**22 + 1]))
    assert children["sleeps"] in asked
    assert 2**22 + 1 not in asked
