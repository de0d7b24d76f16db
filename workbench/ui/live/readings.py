"""Readings of the machine, with or without a run: GPUs, memory, processor."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

from workbench.devices.gpu import GpuMonitor, GpuReading, run_gpu
from workbench.devices.gpu_details import GpuDetails
from workbench.runs.events import Prepared
from workbench.ui.live.owners import Owners

if TYPE_CHECKING:
    from workbench.devices.processes import ProcessMonitor, ProcessReading

OVERLOAD = 1.5
"""A load of this many times the cores is more than they can do."""
TIGHT_FRACTION = 0.9
"""From this fraction of a memory on, it is shown as nearly full."""
MEMORY_KINDS = ("HBM2", "HBM2e", "HBM3", "HBM3e")


@dataclass(frozen=True)
class CloserReading:
    """What is read only while somebody looks at it."""

    owners: Owners
    gpus: Mapping[int, GpuDetails]
    """By the number of the card."""
    processes: Sequence[ProcessReading]
    """The busiest, the busiest first; then the others of workbench and of the GPUs."""
    driver: str = ""
    """The version of the GPUs' driver; empty where it is not known."""
    cpu: str = ""
    """The processor's name."""


@dataclass(frozen=True)
class Readings:
    """The machine at one moment; None for what it does not report."""

    gpus: tuple[GpuReading, ...]
    host_total_bytes: int
    """Memory of the machine, or of the control group if that has less."""
    host_available_bytes: int
    cpu_percent: float | None
    """Utilization of all cores together, 0 to 100. None at the first reading."""
    load: float | None
    core_percents: Sequence[float] = ()
    """Utilization of each core, 0 to 100. Empty at the first reading."""
    closer: CloserReading | None = None
    """None where nobody has asked for it."""

    @property
    def host_used_bytes(self) -> int:
        """Memory of the machine that is not available."""
        return self.host_total_bytes - self.host_available_bytes

    @property
    def is_overloaded(self) -> bool:
        """Whether programs wait for each other: far more of them want to run than there are cores."""
        return self.load is not None and 0 < OVERLOAD * len(self.core_percents) <= self.load


class ReadingSource(Protocol):
    """A source of readings."""

    def read(self, owners: Owners | None = None) -> Readings:
        """Reads the machine now; may take some milliseconds.

        owners: reads processes too, tens of milliseconds more; these are listed even if they are idle.
        """

    def close(self) -> None:
        """Closes the drivers."""


class MachineReadings:
    """The real machine. The first reading opens the driver. Every reading belongs in a thread."""

    def __init__(self) -> None:
        self._gpus: GpuMonitor | None = None
        self._processes: ProcessMonitor | None = None
        self._is_open = False
        # Opening a driver may take seconds; meanwhile another thread may start the next reading.
        self._lock = threading.Lock()

    def read(self, owners: Owners | None = None) -> Readings:
        """Reads the machine now. Raises nothing; concurrent calls wait for each other."""
        with self._lock:
            return self._read(owners)

    def _read(self, owners: Owners | None) -> Readings:
        import psutil

        from workbench.devices.host import HostMonitor

        cores = psutil.cpu_percent(percpu=True)  # since the call before; the first one says nothing
        if not self._is_open:
            self._is_open, self._gpus = True, GpuMonitor.open()
            cores = []
        host = HostMonitor(os.getpid()).read()
        return Readings(
            gpus=tuple(self._gpus.read()) if self._gpus is not None else (),
            host_total_bytes=host.total_bytes,
            host_available_bytes=host.available_bytes,
            cpu_percent=fmean(cores) if cores else None,
            load=host.load,
            core_percents=tuple(cores),
            closer=self._read_closer(owners),
        )

    def _read_closer(self, owners: Owners | None) -> CloserReading | None:
        if owners is None:
            self._processes = None  # how busy a process was while nobody looked does not matter
            return None
        from workbench.devices.host import cpu_model
        from workbench.devices.processes import ProcessMonitor

        self._processes = self._processes or ProcessMonitor()
        gpus = self._gpus.read_details() if self._gpus is not None else {}
        on_gpus = {each.process_id for gpu in gpus.values() for each in gpu.processes or ()}
        processes = self._processes.read(on_gpus | owners.process_ids)
        driver = "" if self._gpus is None else self._gpus.driver_version or ""
        return CloserReading(owners, gpus, processes, driver, cpu_model())

    def close(self) -> None:
        """Closes NVML."""
        with self._lock:
            if self._gpus is not None:
                self._gpus.close()
                self._gpus = None


def own_gpu(prepared: Prepared | None, gpus: tuple[GpuReading, ...]) -> GpuReading | None:
    """The card that a run trains on; None for a run on the CPU, and if the card is unknown or uncertain."""
    if prepared is None:
        return None
    return run_gpu(gpus, prepared.device, prepared.device_name, prepared.device_uuid)


def short_name(name: str) -> str:
    """A card's name without its maker and its kind of memory: H100 80GB."""
    return " ".join(word for word in name.removeprefix("NVIDIA ").split() if word not in MEMORY_KINDS)
