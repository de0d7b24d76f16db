"""On what a benchmark ran: every table starts with it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import get_args

from workbench.devices.gpu import GpuMonitor
from workbench.devices.host import cpu_model
from workbench.settings.runtime import Runtime

ENGINES: tuple[str, ...] = tuple(name for name in get_args(Runtime.model_fields["engine"].annotation) if name != "auto")
"""All that are declared."""


def describe(*packages: str) -> str:
    """Processor, GPUs with their driver, versions of Python and of those packages that are there, and the date."""
    parts = [f"{cpu_model()}, {os.cpu_count()} cores"]
    monitor = GpuMonitor.open()
    if monitor is not None:
        with monitor:
            parts += [gpu.name for gpu in monitor.read()] + [f"driver {monitor.driver_version}"]
    parts.append(f"Python {platform.python_version()}")
    for package in packages:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return "; ".join([*parts, f"{datetime.now(UTC):%Y-%m-%d}"])
