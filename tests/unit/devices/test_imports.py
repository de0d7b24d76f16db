"""Who watches a run needs no torch: importing it would take seconds and hundreds of megabytes."""

from __future__ import annotations

import subprocess
import sys


def test_devices_load_no_torch() -> None:
    program = (
        "import sys, os\n"
        "from workbench.devices.gpu import GpuMonitor\n"
        "from workbench.devices.host import HostMonitor, describe_host\n"
        "GpuMonitor.open(), HostMonitor(os.getpid()).read(), describe_host()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'torchvision', 'numpy'}))\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
