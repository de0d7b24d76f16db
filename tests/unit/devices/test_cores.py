"""What is read of the cores, from made files of /proc and from this machine's own (screen #3)."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.devices.cores import CoreMonitor

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Machine:
    """A made /proc of a process with threads on two of four cores, with a clock that the test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.proc, self.now = folder, 100.0
        self.threads: dict[str, list[float]] = {"11": [0.0, 0.0], "12": [0.0, 0.0]}
        self.busy = 0.0
        monkeypatch.setattr("workbench.devices.cores.time.perf_counter", lambda: self.now)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
        self.write()

    def write(self) -> None:
        for thread, (ran, waited) in self.threads.items():
            task = self.proc / "self" / "task" / thread
            task.mkdir(parents=True, exist_ok=True)
            (task / "schedstat").write_text(f"{round(ran * 1e9)} {round(waited * 1e9)} 7\n")
        ticks = round(self.busy * TICKS / 2)
        # user nice system idle iowait irq softirq steal guest guest_nice; cores 1 and 3 are not this process's.
        ours, foreign = f"{ticks} 0 0 5000 9 0 0 800 0 0", "999999 0 0 0 0 0 0 0 0 0"
        lines = [f"cpu  {foreign}", f"cpu0 {ours}", f"cpu1 {foreign}", f"cpu2 {ours}", f"cpu3 {foreign}", "ctxt 1"]
        (self.proc / "stat").write_text("\n".join(lines))

    def passes(self, seconds: float, busy: float, **threads: tuple[float, float]) -> None:
        """So much time, in which both cores were busy for so long in all, and threads ran and waited."""
        self.now += seconds
        self.busy += busy
        for name, (ran, waited) in threads.items():
            known = self.threads.setdefault(name.strip("t"), [0.0, 0.0])
            known[0] += ran
            known[1] += waited
        self.write()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_alone_nothing_waits_and_nobody_else_computes(machine: Machine) -> None:
    monitor = CoreMonitor(machine.proc)
    machine.passes(1.0, 1.5, t11=(1.0, 0.0), t12=(0.5, 0.0))
    reading = monitor.take()
    assert reading is not None
    assert (reading.wait_fraction, reading.other_cores) == (0.0, 0.0)


def test_beside_a_busy_program_threads_wait_and_its_core_is_counted(machine: Machine) -> None:
    monitor = CoreMonitor(machine.proc)
    machine.passes(1.0, 1.0, t11=(1.0, 0.0))
    monitor.take()
    machine.passes(2.0, 4.0, t11=(1.0, 1.0), t12=(1.0, 1.0))
    reading = monitor.take()
    assert reading is not None
    assert reading.wait_fraction == pytest.approx(0.5)
    assert reading.other_cores == pytest.approx(1.0)


def test_a_new_thread_counts_from_its_start_and_one_that_has_ended_no_more(machine: Machine) -> None:
    monitor = CoreMonitor(machine.proc)
    machine.passes(1.0, 1.0, t13=(0.75, 0.25))
    reading = monitor.take()
    assert reading is not None
    assert reading.wait_fraction == pytest.approx(0.25)
    (machine.proc / "self" / "task" / "13" / "schedstat").unlink()
    del machine.threads["13"]
    machine.passes(1.0, 1.0, t11=(1.0, 0.0))
    reading = monitor.take()
    assert reading is not None
    assert reading.wait_fraction == 0.0


def test_the_loaders_workers_are_no_other_program(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "active_children", lambda: [SimpleNamespace(pid=77)])
    (machine.proc / "77").mkdir()

    def worker_used(seconds: float) -> None:
        used = round(seconds * TICKS)
        (machine.proc / "77" / "stat").write_text(f"77 (python (x) y) S 1 1 1 0 -1 0 0 0 0 0 {used} 0 0 0 20 0")

    worker_used(3.0)
    monitor = CoreMonitor(machine.proc)
    worker_used(4.0)
    machine.passes(1.0, 2.0, t11=(1.0, 0.0))
    reading = monitor.take()
    assert reading is not None
    assert reading.other_cores == pytest.approx(0.0)


def test_where_the_system_does_not_tell_there_is_no_reading(tmp_path: Path, machine: Machine) -> None:
    assert CoreMonitor(tmp_path / "absent").take() is None
    monitor = CoreMonitor(machine.proc)
    machine.passes(1.0, 0.0)
    assert monitor.take() is None, "nothing has run"
    (machine.proc / "self" / "task" / "11" / "schedstat").write_text("one two three")
    assert monitor.take() is None


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell")
def test_this_machine_is_read() -> None:
    monitor = CoreMonitor()
    sum(range(3_000_000))
    reading = monitor.take()
    assert reading is not None, sys.platform
    assert 0 <= reading.wait_fraction <= 1
    assert 0 <= reading.other_cores <= (os.cpu_count() or 1)
