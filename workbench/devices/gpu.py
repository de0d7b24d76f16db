"""Readings of the GPUs of this machine from the driver (NVML, the library behind nvidia-smi).

Every viewer of a run reads them, in a process without torch that holds no memory on the GPU. A machine without a GPU is
a normal case, and so is a GPU that does not report everything: what is not available is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import ModuleType, TracebackType
from typing import Any, Self, TypeVar

from workbench.devices.gpu_details import GpuDetails, read_details

Value = TypeVar("Value")


@dataclass(frozen=True)
class GpuReading:
    """One GPU at one moment. What the driver does not report is None, never zero."""

    index: int
    """Its number in NVML and nvidia-smi, which ignore CUDA_VISIBLE_DEVICES."""
    uuid: str
    """Its permanent id, GPU-... (torch.cuda.get_device_properties gives it without the prefix)."""
    name: str
    used_bytes: int | None
    """Memory in use by all processes together, without what the driver itself reserves."""
    total_bytes: int | None
    utilization_percent: int | None
    """Percentage of the last moments (up to a second, by the driver) in which any kernel ran."""
    power_watts: float | None
    temperature_celsius: int | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The reading in a memory event; what it leaves out was not available."""
        usual: dict[str, Any] = {"index": -1, "uuid": "", "name": ""}
        return cls(**{item.name: values.get(item.name, usual.get(item.name)) for item in fields(cls)})


@dataclass(frozen=True)
class _Gpu:
    """What does not change about a GPU, read once."""

    index: int
    uuid: str
    name: str
    handle: Any


class GpuMonitor:
    """Reads all GPUs of this machine. Close it, or use it as a context manager.

    driver_version: such as 580.65.06; None where it is not available.
    """

    def __init__(self, nvml: ModuleType) -> None:
        """nvml: the module pynvml, initialised. Use `open`."""
        self._nvml = nvml
        self._is_open = True
        self.driver_version = self._ask(lambda: _text(nvml.nvmlSystemGetDriverVersion()))
        gpus = [self._gpu(index) for index in range(self._ask(nvml.nvmlDeviceGetCount) or 0)]
        self._gpus = [gpu for gpu in gpus if gpu is not None]

    @classmethod
    def open(cls) -> Self | None:
        """A monitor, or None where there is no NVML library, no driver or no GPU. Raises nothing."""
        try:
            import pynvml

            pynvml.nvmlInit()
        except Exception:  # a broken driver installation fails in more ways than NVMLError, and no GPU is no error
            return None
        monitor = cls(pynvml)
        if not monitor._gpus:
            monitor.close()
            return None
        return monitor

    def read(self) -> list[GpuReading]:
        """A reading of each GPU, in order of their numbers. Takes about a millisecond a GPU."""
        return [self._reading(gpu) for gpu in self._gpus]

    def read_details(self) -> dict[int, GpuDetails]:
        """What `read` leaves out, by the number of each GPU. Takes some milliseconds a GPU."""
        return {gpu.index: read_details(self._nvml, gpu.handle) for gpu in self._gpus}

    def busy_time(self, uuid: str) -> BusyTime | None:
        """Measures how busy a GPU is from now on; None where there is no such GPU. uuid: with or without its GPU-."""
        gpu = next((gpu for gpu in self._gpus if same_gpu(gpu.uuid, uuid)), None)
        return None if gpu is None else BusyTime(self._nvml, gpu.handle)

    def close(self) -> None:
        """Releases the library. `read` then returns an empty list; closing twice does no harm."""
        self._gpus = []
        if self._is_open:
            self._is_open = False
            self._ask(self._nvml.nvmlShutdown)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, query: Callable[[], Value]) -> Value | None:
        """The answer, or None: not supported by this GPU, not permitted, GPU is lost, driver too old."""
        try:
            return query()
        except self._nvml.NVMLError:
            return None

    def _gpu(self, index: int) -> _Gpu | None:
        nvml = self._nvml
        handle = self._ask(lambda: nvml.nvmlDeviceGetHandleByIndex(index))
        if handle is None:
            return None
        uuid = self._ask(lambda: _text(nvml.nvmlDeviceGetUUID(handle)))
        name = self._ask(lambda: _text(nvml.nvmlDeviceGetName(handle)))
        return _Gpu(index, uuid or "", name or f"GPU {index}", handle)

    def _reading(self, gpu: _Gpu) -> GpuReading:
        nvml, handle = self._nvml, gpu.handle
        # The second version leaves out what the driver reserves, as nvidia-smi does; older drivers lack it.
        memory = self._ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2))
        memory = memory or self._ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        utilization = self._ask(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        return GpuReading(
            index=gpu.index,
            uuid=gpu.uuid,
            name=gpu.name,
            used_bytes=None if memory is None else int(memory.used),
            total_bytes=None if memory is None else int(memory.total),
            utilization_percent=None if utilization is None else int(utilization.gpu),
            power_watts=self._ask(lambda: _watts(nvml.nvmlDeviceGetPowerUsage(handle))),
            temperature_celsius=self._ask(
                lambda: int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
            ),
        )


class BusyTime:
    """Fraction of the time in which a GPU ran anything, from the driver's samples."""

    def __init__(self, nvml: ModuleType, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self._sum = 0.0
        self._samples = 0
        self._seen = 0
        """Time of the last sample, microseconds since 1970."""
        self._read()  # drops the samples from before

    def take(self) -> float | None:
        """The fraction since the last call, 0 to 1; None where the driver has no new samples."""
        percents = self._read()
        if not percents:
            return None
        self._sum += sum(percents)
        self._samples += len(percents)
        return round(sum(percents) / len(percents) / 100, 4)

    @property
    def fraction(self) -> float | None:
        """The fraction over all calls of `take`, 0 to 1; None where nothing is known."""
        return round(self._sum / self._samples / 100, 4) if self._samples else None

    def _read(self) -> list[int]:
        nvml = self._nvml
        try:
            _, samples = nvml.nvmlDeviceGetSamples(self._handle, nvml.NVML_GPU_UTILIZATION_SAMPLES, self._seen)
            new = [sample for sample in samples if sample.timeStamp > self._seen]
            self._seen = max((sample.timeStamp for sample in new), default=self._seen)
            return [int(sample.sampleValue.uiVal) for sample in new]
        except (nvml.NVMLError, AttributeError):
            pass  # no new samples, or a GPU that keeps none: then the rate of its last moments
        try:
            return [int(nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)]
        except nvml.NVMLError:
            return []


def run_gpu(gpus: Iterable[GpuReading], device: str, device_name: str, device_uuid: str | None) -> GpuReading | None:
    """The GPU that a run trains on, among those that the driver lists; None where it is not certain, or not a GPU.

    device: PyTorch's name, such as cuda:1; device_name, device_uuid: from CUDA.

    GPUs are matched by UUID: CUDA's number equals the driver's only without CUDA_VISIBLE_DEVICES and with the same
    order. Runs of older versions have no UUID: they match only a GPU whose name is unique. A slice of a GPU (MIG) is
    not the GPU, whose memory is that of all slices.
    """
    if not device.startswith("cuda") or " MIG " in f" {device_name} ":
        return None
    if device_uuid:
        return next((gpu for gpu in gpus if same_gpu(gpu.uuid, device_uuid)), None)
    named = [gpu for gpu in gpus if gpu.name == device_name]
    return named[0] if len(named) == 1 else None


def same_gpu(one: str, other: str) -> bool:
    """Whether two UUIDs are of the same GPU: NVML's begin with GPU-, CUDA's do not. An empty one matches none."""
    return bool(one) and one.removeprefix("GPU-") == other.removeprefix("GPU-")


def _text(value: bytes | str) -> str:
    """NVML's strings are bytes in older versions of pynvml."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _watts(milliwatts: int) -> float:
    return milliwatts / 1000
