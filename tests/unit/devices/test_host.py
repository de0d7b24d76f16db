"""Readings of this very machine, and of processes that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.devices import host
from workbench.devices.cgroup import CgroupMemory
from workbench.devices.host import HostMonitor, cpu_model, describe_host


def test_memory_is_within_that_of_the_machine() -> None:
    reading = HostMonitor(os.getpid()).read()
    assert reading.rss_bytes is not None
    assert 0 < reading.rss_bytes < reading.total_bytes
    assert 0 < reading.available_bytes <= reading.total_bytes


def test_processor_time_is_that_of_the_process_since_the_reading_before() -> None:
    monitor = HostMonitor(os.getpid())
    assert monitor.read().cpu_percent is None
    started, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.3:
        pass
    percent = 100 * (time.process_time() - used) / (time.perf_counter() - started)
    # The system counts processor time in hundredths of a second.
    assert monitor.read().cpu_percent == pytest.approx(percent, rel=0.2)


def test_the_load_is_that_of_the_system() -> None:
    before = os.getloadavg()[0]
    load = HostMonitor(os.getpid()).read().load
    assert load in (before, os.getloadavg()[0])


def test_a_process_that_has_ended_has_no_readings() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monitor = HostMonitor(process.pid)
        assert monitor.read().rss_bytes
        process.communicate(b"\n")
    for ended in (monitor, HostMonitor(process.pid)):
        reading = ended.read()
        assert (reading.rss_bytes, reading.cpu_percent) == (None, None)
        assert reading.total_bytes > 0


def test_the_control_group_limits_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "cgroup_memory", lambda process: CgroupMemory(1000, 400))
    reading = HostMonitor(os.getpid()).read()
    assert (reading.total_bytes, reading.available_bytes) == (1000, 400)
    assert describe_host()["memory_bytes"] == 1000


def test_a_limit_above_the_physical_memory_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "cgroup_memory", lambda process: CgroupMemory(1 << 59, 1))
    reading = HostMonitor(os.getpid()).read()
    assert 1 < reading.available_bytes <= reading.total_bytes < 1 << 59


def test_the_host_is_described() -> None:
    description = describe_host()
    assert {"hostname", "os", "python", "cpu", "logical_cores", "memory_bytes"} <= set(description)
    assert description["python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(description.values())


def test_the_cpu_has_a_name_or_at_least_a_kind(tmp_path: Path) -> None:
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz: fast\n\nprocessor\t: 1\n")
    assert cpu_model(cpu_info) == "Some CPU @ 3.0GHz: fast"
    cpu_info.write_text("processor\t: 0\nCPU implementer\t: 0x41\n")
    assert cpu_model(cpu_info)
    assert cpu_model(tmp_path / "absent")
