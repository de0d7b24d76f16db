"""Readings of the machine, with or without a run: GPUs, memory, processor."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Protocol

from workbench.devices.gpu import GpuMonitor, GpuReading, run_gpu
from workbench.runs.events import Prepared

MEMORY_KINDS = ("HBM2", "HBM2e", "HBM3", "HBM3e")


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


class ReadingSource(Protocol):
    """A source of readings."""

    def read(self) -> Readings:
        """Reads the machine now; may take some milliseconds."""

    def close(self) -> None:
        """Closes the drivers."""


class MachineReadings:
    """The real machine. The first reading opens the driver. Every reading belongs in a thread."""

    def __init__(self) -> None:
        self._gpus: GpuMonitor | None = None
        self._is_open = False
        # Opening a driver may take seconds; meanwhile another thread may start the next reading.
        self._lock = threading.Lock()

    def read(self) -> Readings:
        """Reads the machine now. Raises nothing; concurrent calls wait for each other."""
        with self._lock:
            return self._read()

    def _read(self) -> Readings:
        import psutil

        from workbench.devices.host import HostMonitor

        if not self._is_open:
            self._is_open, self._gpus = True, GpuMonitor.open()
            psutil.cpu_percent()  # the next call measures since this one
            cpu_percent = None
        else:
            cpu_percent = psutil.cpu_percent()
        host = HostMonitor(os.getpid()).read()
        return Readings(
            gpus=tuple(self._gpus.read()) if self._gpus is not None else (),
            host_total_bytes=host.total_bytes,
            host_available_bytes=host.available_bytes,
            cpu_percent=cpu_percent,
            load=host.load,
        )

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
