"""The details of real GPUs, and the processes on them."""

from __future__ import annotations

import os

import torch

from tests.gpu.conftest import GPU_ONLY
from workbench.devices.gpu import GpuMonitor, run_gpu
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import MachineReadings

pytestmark = GPU_ONLY


def test_a_real_card_reports_its_limit_its_clock_and_this_process() -> None:
    held = torch.ones(2**28, dtype=torch.uint8, device="cuda")  # 256 MiB
    torch.cuda.synchronize()
    properties = torch.cuda.get_device_properties(0)
    with GpuMonitor.open() as monitor:  # type: ignore[union-attr]
        card = run_gpu(monitor.read(), "cuda:0", properties.name, str(properties.uuid))
        details = monitor.read_details()
    assert card is not None
    found = details[card.index]
    assert found.power_limit_watts is None or 10 < found.power_limit_watts < 5000
    assert found.clock_mhz is not None
    assert found.most_clock_mhz is not None
    assert 0 < found.clock_mhz <= 1.1 * found.most_clock_mhz
    assert found.fan_percent is None or 0 <= found.fan_percent <= 150
    assert found.slowed_by is not None
    assert found.processes is not None, "the driver lists processes"
    own = [each for each in found.processes if each.process_id == os.getpid()]
    # In a container without the host's process ids the driver may list none, or ids that mean nothing here.
    if own and own[0].used_bytes is not None:
        assert own[0].used_bytes >= held.numel()


def test_the_page_lists_this_process_as_the_apps() -> None:
    closer = MachineReadings().read(Owners(os.getpid())).closer
    assert closer is not None
    assert closer.gpus
    own = next(each for each in closer.processes if each.process_id == os.getpid())
    assert closer.owners.whose(own.process_id, own.ancestors) == "this app"
