"""Describes the machine, and reads how much memory and processor time a process uses."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from workbench.devices.cgroup import cgroup_memory

CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class HostReading:
    """A process and its host at one moment. What is not known is None, such as for a process that has ended."""

    rss_bytes: int | None
    """Resident memory of the process itself, without its children."""
    total_bytes: int
    """Memory that the process can use: the machine's, or its control group's limit where that is lower."""
    available_bytes: int
    """Part of it that is free, or can be freed without swapping."""
    cpu_percent: float | None
    """Processor time of the process since the previous reading: 100 is one core. None at the first reading."""
    load: float | None
    """Average number of runnable processes over the last minute."""


class HostMonitor:
    """Reads the process `pid` and the host repeatedly."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu_is_known = False
        self._process: psutil.Process | None
        try:
            self._process = psutil.Process(pid)
        except psutil.Error:
            self._process = None

    def read(self) -> HostReading:
        """The present reading. Raises nothing when the process has ended, or is another user's."""
        total, available = _memory(self._pid)
        return HostReading(
            rss_bytes=self._rss_bytes(),
            total_bytes=total,
            available_bytes=available,
            cpu_percent=self._cpu_percent(),
            load=_load(),
        )

    def _rss_bytes(self) -> int | None:
        try:
            # Process ids are reused: is_running compares the start time as well.
            if self._process is None or not self._process.is_running():
                return None
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return None

    def _cpu_percent(self) -> float | None:
        try:
            if self._process is None or not self._process.is_running():
                return None
            percent = float(self._process.cpu_percent())
        except psutil.Error:
            return None
        # psutil measures from the call before, and the first call gives a meaningless 0.
        known, self._cpu_is_known = self._cpu_is_known, True
        return percent if known else None


def describe_host() -> dict[str, str | int]:
    """What does not change: hostname, os, python, cpu, logical_cores, physical_cores and memory_bytes.

    What the machine does not report is left out. memory_bytes respects the limit of the control group.
    """
    cores = {"logical_cores": psutil.cpu_count(), "physical_cores": psutil.cpu_count(logical=False)}
    return {
        "hostname": socket.gethostname(),
        "os": platform.platform(),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        **{name: count for name, count in cores.items() if count},
        "memory_bytes": _memory("self")[0],
    }


def cpu_model(cpu_info: Path = CPU_INFO) -> str:
    """The processor's name, such as `AMD EPYC 9554 64-Core Processor`, or else its architecture."""
    return _cpu_info("model name", cpu_info) or platform.processor() or platform.machine()


def cpu_vendor(cpu_info: Path = CPU_INFO) -> str:
    """The processor's vendor, such as GenuineIntel or AuthenticAMD; empty where it is not known."""
    return _cpu_info("vendor_id", cpu_info)


def _cpu_info(wanted: str, cpu_info: Path) -> str:
    """The first value of a key in /proc/cpuinfo; empty where there is none."""
    try:
        for line in cpu_info.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == wanted and value.strip():
                return value.strip()
    except OSError:
        pass
    return ""


def _memory(process: int | str) -> tuple[int, int]:
    """Bytes of memory in total and available, within the control group's limit where it is lower."""
    memory = psutil.virtual_memory()
    total, available = int(memory.total), int(memory.available)
    group = cgroup_memory(process)
    if group is not None and group.limit_bytes < total:
        return group.limit_bytes, min(available, group.available_bytes)
    return total, available


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows; a sandbox
        return None
