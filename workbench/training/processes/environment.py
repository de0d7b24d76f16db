"""Records what a run ran on: GPU, driver, versions, host, command and git revision."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.atomic_files import write_text_atomically
from workbench.devices.gpu import GpuMonitor
from workbench.devices.host import describe_host
from workbench.processes.worker import COMMAND_VARIABLE
from workbench.training.processes.revision import git_revision


def write_environment(path: Path, command: str | None = None) -> None:
    """Writes the environment.json of a run or a study. What is not known is left out. Raises StorageError.

    command: that of a loop of the user's own, whose PyTorch is described only if it has imported it.
    """
    described: dict[str, Any] = {
        "workbench": __version__,
        **_describe_torch(is_own_loop=command is not None),
        "command": command or os.environ.get(COMMAND_VARIABLE),
        "working_folder": str(Path.cwd()),
        "git_revision": git_revision(Path.cwd()),
        "host": describe_host(),
    }
    monitor = GpuMonitor.open()
    if monitor is not None:
        with monitor:
            described["driver"] = monitor.driver_version
            described["gpus"] = [
                {"index": gpu.index, "name": gpu.name, "uuid": gpu.uuid, "total_bytes": gpu.total_bytes}
                for gpu in monitor.read()
            ]
    present = {name: value for name, value in described.items() if value is not None}
    write_text_atomically(path, json.dumps(present, indent=2) + "\n", parents=False)


def _describe_torch(*, is_own_loop: bool) -> dict[str, Any]:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return {}
    # Asking a loop's CUDA for its devices before it has started it could break processes that the loop forks.
    has_cuda = torch.cuda.is_initialized() if is_own_loop else torch.cuda.is_available()
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if has_cuda else None,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
