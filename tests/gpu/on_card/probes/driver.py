"""What the driver's library tells on this machine: how long a reading takes, and is the run's own card found?"""

from __future__ import annotations

import time

import torch

from tests.gpu.on_card.probes.probe import Needs, Report, wait
from workbench.devices.gpu import GpuMonitor, same_gpu
from workbench.devices.peaks import peak_flops
from workbench.training.device import device_name, device_uuid

BUSY_SECONDS = 1.5


def driver(device: torch.device, report: Report) -> None:
    """Reports a reading, whether the card is found by its UUID, how busy it is kept, and its peak FLOPs."""
    monitor = GpuMonitor.open()
    if monitor is None:
        if device.type == "cuda":
            report("FAULT: the driver's library cannot be opened")
            return
        raise Needs("the driver's library")
    with monitor:
        started = time.perf_counter()
        readings = monitor.read()
        report(
            f"{1000 * (time.perf_counter() - started):.1f} ms a reading: {readings}; driver {monitor.driver_version}"
        )
        uuid = device_uuid(device) or ""
        found = [gpu for gpu in readings if uuid and same_gpu(gpu.uuid, uuid)]
        report(f"{'' if len(found) == 1 else 'FAULT: '}{device_name(device)}, {uuid}: found {len(found)} times")
        busy = monitor.busy_time(uuid)
        matrix = torch.randn(4096, 4096, device=device)
        started = time.perf_counter()
        while time.perf_counter() - started < BUSY_SECONDS:
            matrix @ matrix
            wait(device)
        report(f"busy for {BUSY_SECONDS} s, of which the driver saw {busy and busy.take()}")
    report(f"peak FLOPs: {[peak_flops(device_name(device), precision) for precision in ('float32', 'tf32', 'bf16')]}")
