"""GPU readings, from a stand-in for NVML: what it does not tell is None, and no GPU is no error."""

from __future__ import annotations

import sys
from dataclasses import asdict
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from workbench.devices.gpu import GpuMonitor, GpuReading, run_gpu, same_gpu


class NvmlError(Exception):
    """Stands for pynvml.NVMLError and its many kinds."""


def refuse(*arguments: object) -> None:
    raise NvmlError("Not Supported")


def memory(gpu: int, version: int = 0) -> SimpleNamespace:
    reserved = 0 if version else 1 << 20
    return SimpleNamespace(total=80 << 30, used=(gpu << 30) + reserved)


def install(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    """Puts a module `pynvml` with two GPUs in the place of the real one; `changes` replace what it has."""
    nvml = ModuleType("pynvml")
    contents: dict[str, Any] = {
        "NVMLError": NvmlError,
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlMemory_v2": 0x02000028,
        "nvmlInit": Mock(),
        "nvmlShutdown": Mock(),
        "nvmlSystemGetDriverVersion": lambda: "580.65.06",
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": Mock(side_effect=lambda index: index),
        "nvmlDeviceGetUUID": lambda gpu: f"GPU-{gpu}",
        "nvmlDeviceGetName": lambda gpu: "NVIDIA H100",
        "nvmlDeviceGetMemoryInfo": memory,
        "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=97 * gpu, memory=0),
        "nvmlDeviceGetPowerUsage": lambda gpu: 312_500,
        "nvmlDeviceGetTemperature": lambda gpu, sensor: 41 + gpu,
    }
    nvml.__dict__.update(contents | changes)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


def open_monitor() -> GpuMonitor:
    monitor = GpuMonitor.open()
    assert monitor is not None
    return monitor


def test_reads_every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    monitor = open_monitor()
    assert monitor.driver_version == "580.65.06"
    assert monitor.read() == [
        GpuReading(0, "GPU-0", "NVIDIA H100", 0, 80 << 30, 0, 312.5, 41),
        GpuReading(1, "GPU-1", "NVIDIA H100", 1 << 30, 80 << 30, 97, 312.5, 42),
    ]


def test_strings_may_be_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        nvmlSystemGetDriverVersion=lambda: b"580.65.06",
        nvmlDeviceGetName=lambda gpu: b"Tesla T4",
        nvmlDeviceGetUUID=lambda gpu: b"GPU-x",
    )
    monitor = open_monitor()
    reading = monitor.read()[0]
    assert (monitor.driver_version, reading.name, reading.uuid) == ("580.65.06", "Tesla T4", "GPU-x")


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("nvmlDeviceGetMemoryInfo", {"used_bytes", "total_bytes"}),
        ("nvmlDeviceGetUtilizationRates", {"utilization_percent"}),
        ("nvmlDeviceGetPowerUsage", {"power_watts"}),
        ("nvmlDeviceGetTemperature", {"temperature_celsius"}),
    ],
)
def test_what_is_not_supported_is_none(monkeypatch: pytest.MonkeyPatch, query: str, missing: set[str]) -> None:
    install(monkeypatch, **{query: refuse})
    for reading in open_monitor().read():
        assert {name for name, value in vars(reading).items() if value is None} == missing


def test_a_lost_gpu_is_still_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = install(monkeypatch)
    monitor = open_monitor()
    for query in ("MemoryInfo", "UtilizationRates", "PowerUsage", "Temperature"):
        setattr(nvml, f"nvmlDeviceGet{query}", refuse)
    assert monitor.read()[1] == GpuReading(1, "GPU-1", "NVIDIA H100", None, None, None, None, None)


def test_an_older_driver_counts_what_it_reserves(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_version_only(gpu: int, version: int = 0) -> SimpleNamespace:
        if version:
            refuse()
        return memory(gpu)

    install(monkeypatch, nvmlDeviceGetMemoryInfo=first_version_only)
    assert [reading.used_bytes for reading in open_monitor().read()] == [1 << 20, (1 << 30) + (1 << 20)]


def test_the_version_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, nvmlSystemGetDriverVersion=refuse)
    assert open_monitor().driver_version is None


@pytest.mark.parametrize("error", [NvmlError("Driver Not Loaded"), OSError("libnvidia-ml.so.1: broken")])
def test_without_a_driver_there_is_no_monitor(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    install(monkeypatch, nvmlInit=Mock(side_effect=error))
    assert GpuMonitor.open() is None


def test_without_pynvml_there_is_no_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # makes the import fail
    assert GpuMonitor.open() is None


@pytest.mark.parametrize(
    "changes",
    [{"nvmlDeviceGetCount": lambda: 0}, {"nvmlDeviceGetCount": refuse}, {"nvmlDeviceGetHandleByIndex": refuse}],
)
def test_without_a_gpu_there_is_no_monitor(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    nvml = install(monkeypatch, **changes)
    assert GpuMonitor.open() is None
    nvml.nvmlShutdown.assert_called_once_with()


def test_handles_are_fetched_once_and_the_library_is_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = install(monkeypatch)
    with open_monitor() as monitor:
        monitor.read()
        monitor.read()
        nvml.nvmlShutdown.assert_not_called()
    monitor.close()
    assert nvml.nvmlDeviceGetHandleByIndex.call_count == 2
    nvml.nvmlShutdown.assert_called_once_with()
    assert monitor.read() == []


def sample(time: int, percent: int) -> SimpleNamespace:
    return SimpleNamespace(timeStamp=time, sampleValue=SimpleNamespace(uiVal=percent))


class Sampled:
    """Stands for nvmlDeviceGetSamples: all samples that the driver still has, whatever is asked for."""

    def __init__(self, *samples: SimpleNamespace) -> None:
        self.samples = list(samples)

    def __call__(self, gpu: int, kind: int, after: int) -> tuple[int, list[SimpleNamespace]]:
        if not self.samples:
            refuse()
        return 0, self.samples


def test_busy_is_the_mean_of_the_samples_since_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Sampled(sample(1, 100), sample(2, 100))
    install(monkeypatch, NVML_GPU_UTILIZATION_SAMPLES=1, nvmlDeviceGetSamples=samples)
    busy = open_monitor().busy_time("GPU-1")
    assert busy is not None
    assert busy.fraction is None, "what was before is not ours"
    samples.samples += [sample(3, 20), sample(4, 40), sample(5, 60)]
    assert busy.take() == 0.4
    samples.samples += [sample(6, 80)]
    assert busy.take() == 0.8
    assert busy.fraction == 0.5


def test_without_samples_busy_is_the_rate_of_the_last_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, NVML_GPU_UTILIZATION_SAMPLES=1, nvmlDeviceGetSamples=refuse)
    busy = open_monitor().busy_time("1")
    assert busy is not None
    assert (busy.take(), busy.fraction) == (0.97, 0.97)


def test_a_gpu_that_does_not_tell_is_not_called_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, nvmlDeviceGetSamples=refuse, nvmlDeviceGetUtilizationRates=refuse)
    busy = open_monitor().busy_time("GPU-0")
    assert busy is not None
    assert (busy.take(), busy.fraction) == (None, None)


def test_a_gpu_that_nvml_does_not_see_has_no_busy_time(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert open_monitor().busy_time("MIG-1") is None
    assert open_monitor().busy_time("") is None


def test_cuda_and_nvml_name_the_same_gpu_with_and_without_a_prefix() -> None:
    assert same_gpu("GPU-1234", "1234")
    assert same_gpu("1234", "1234")
    assert not same_gpu("GPU-1234", "1235")
    assert not same_gpu("", "")


def card(index: int, name: str = "NVIDIA H100 80GB HBM3") -> GpuReading:
    return GpuReading(index, f"GPU-{index}", name, None, None, None, None, None)


def test_a_lasting_name_finds_the_card_whatever_cuda_counts() -> None:
    """With CUDA_VISIBLE_DEVICES=2 the third of three equal cards is CUDA's first."""
    cards = [card(0), card(1), card(2)]
    assert run_gpu(cards, "cuda:0", cards[0].name, "2") is cards[2]
    assert run_gpu(cards, "cuda", cards[0].name, "GPU-1") is cards[1]
    assert run_gpu(cards, "cuda:0", cards[0].name, "elsewhere") is None, "watched from another machine"


def test_without_a_lasting_name_a_card_is_claimed_only_if_no_other_has_its_name() -> None:
    cards = [card(0), card(1), card(2, "NVIDIA A100")]
    assert run_gpu(cards, "cuda:0", "NVIDIA A100", None) is cards[2]
    assert run_gpu(cards, "cuda:1", cards[1].name, None) is None, "CUDA may count in another order"
    assert run_gpu(cards, "cuda:0", "another card", None) is None


def test_a_slice_of_a_card_is_not_the_card_and_a_processor_has_none() -> None:
    cards = [card(0)]
    assert run_gpu(cards, "cuda:0", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", "0") is None
    assert run_gpu(cards, "cpu", "a processor", None) is None
    assert run_gpu(cards, "mps", "Apple GPU", None) is None


def test_a_reading_comes_back_from_what_an_event_holds_of_it() -> None:
    reading = GpuReading(1, "GPU-1", "NVIDIA A100", 5, 80, 41, None, 55)
    kept = {name: value for name, value in asdict(reading).items() if value is not None}
    assert GpuReading.of(kept) == reading
    assert GpuReading.of({"new_field": 1}) == GpuReading(-1, "", "", None, None, None, None, None)
