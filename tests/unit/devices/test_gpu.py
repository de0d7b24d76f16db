"""GPU readings, from a stand-in for NVML: what it does not tell is None, and no GPU is no error."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from workbench.devices.gpu import GpuMonitor, GpuReading


class FakeNvmlError(Exception):
    """Stands for NVMLError and its many kinds."""


class FakeNvml(ModuleType):
    """Two GPUs. `failing` names the queries that raise, `calls` those that were made, in order."""

    NVMLError = FakeNvmlError
    NVML_TEMPERATURE_GPU = 0
    nvmlMemory_v2 = 0x02000028  # noqa: N815  pynvml's own name

    def __init__(self, *failing: str, text: type[str] | type[bytes] = str, gpus: int = 2) -> None:
        super().__init__("pynvml")
        self.failing = set(failing)
        self.calls: list[str] = []
        self.text = text
        self.gpus = gpus

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvml"):
            raise AttributeError(name)

        def query(*arguments: Any) -> Any:
            self.calls.append(name)
            if name in self.failing or (name == "nvmlDeviceGetMemoryInfo" and f"{name}/{len(arguments)}" in self.failing):
                raise FakeNvmlError(name)
            return getattr(self, name.replace("nvml", "answer_", 1), lambda *_: None)(*arguments)

        return query

    def _text(self, value: str) -> str | bytes:
        return value if self.text is str else value.encode()

    def answer_SystemGetDriverVersion(self) -> str | bytes:  # noqa: N802
        return self._text("580.65.06")

    def answer_SystemGetCudaDriverVersion_v2(self) -> int:  # noqa: N802
        return 12080

    def answer_DeviceGetCount(self) -> int:  # noqa: N802
        return self.gpus

    def answer_DeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def answer_DeviceGetUUID(self, gpu: int) -> str | bytes:  # noqa: N802
        return self._text(f"GPU-{gpu}")

    def answer_DeviceGetName(self, gpu: int) -> str | bytes:  # noqa: N802
        return self._text("NVIDIA H100")

    def answer_DeviceGetMemoryInfo(self, gpu: int, version: int = 0) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=80 << 30, used=(gpu + 1 << 30) if version else (gpu + 2 << 30))

    def answer_DeviceGetUtilizationRates(self, gpu: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=97 * gpu, memory=0)

    def answer_DeviceGetPowerUsage(self, gpu: int) -> int:  # noqa: N802
        return 312_500

    def answer_DeviceGetEnforcedPowerLimit(self, gpu: int) -> int:  # noqa: N802
        return 700_000

    def answer_DeviceGetTemperature(self, gpu: int, sensor: int) -> int:  # noqa: N802
        return 41 + gpu
