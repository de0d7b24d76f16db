"""What the driver knows of a GPU beyond its reading: what it does not report is None, and nothing is counted twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.devices.test_gpu import install, open_monitor, refuse
from workbench.devices.gpu_details import HEAT, POWER_LIMIT, GpuDetails, GpuProcess

GIB = 1 << 30


def process(pid: int, used: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=used)


def details(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> GpuDetails:
    """Of the second of two GPUs."""
    contents: dict[str, Any] = {
        "NVML_CLOCK_SM": 1,
        "nvmlDeviceGetEnforcedPowerLimit": lambda gpu: 700_000,
        "nvmlDeviceGetClockInfo": lambda gpu, kind: 1755 if kind == 1 else 0,
        "nvmlDeviceGetMaxClockInfo": lambda gpu, kind: 1980 if kind == 1 else 0,
        "nvmlDeviceGetFanSpeed": lambda gpu: 30,
        "nvmlDeviceGetCurrentClocksEventReasons": lambda gpu: 0x1,
        "nvmlDeviceGetCurrentClocksThrottleReasons": refuse,
        "nvmlClocksEventReasonSwPowerCap": 0x4,
        "nvmlClocksEventReasonSwThermalSlowdown": 0x20,
        "nvmlClocksEventReasonHwThermalSlowdown": 0x40,
        "nvmlClocksEventReasonHwPowerBrakeSlowdown": 0x80,
        "nvmlDeviceGetComputeRunningProcesses_v3": lambda gpu: [process(7, gpu * GIB), process(8, 4 * GIB)],
        "nvmlDeviceGetGraphicsRunningProcesses_v3": lambda gpu: [process(8, 3 * GIB), process(9, None)],
    }
    install(monkeypatch, **(contents | changes))
    with open_monitor() as monitor:
        found = monitor.read_details()
        assert list(found) == [0, 1]
        return found[1]


def test_limits_clocks_fan_and_processes_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert details(monkeypatch) == GpuDetails(
        power_limit_watts=700.0,
        clock_mhz=1755,
        most_clock_mhz=1980,
        fan_percent=30,
        slowed_by="",
        processes=(GpuProcess(8, 4 * GIB), GpuProcess(7, GIB), GpuProcess(9, None)),
    )


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("nvmlDeviceGetEnforcedPowerLimit", "power_limit_watts"),
        ("nvmlDeviceGetClockInfo", "clock_mhz"),
        ("nvmlDeviceGetMaxClockInfo", "most_clock_mhz"),
        ("nvmlDeviceGetFanSpeed", "fan_percent"),
        ("nvmlDeviceGetCurrentClocksEventReasons", "slowed_by"),
    ],
)
def test_what_is_not_supported_is_none(monkeypatch: pytest.MonkeyPatch, query: str, missing: str) -> None:
    found = details(monkeypatch, **{query: refuse})
    assert {name for name, value in vars(found).items() if value is None} == {missing}


@pytest.mark.parametrize(
    ("reasons", "said"), [(0x0, ""), (0x2, ""), (0x4, POWER_LIMIT), (0x80, POWER_LIMIT), (0x20, HEAT), (0x44, HEAT)]
)
def test_heat_is_named_before_the_power_limit_and_other_reasons_slow_nothing_down(
    monkeypatch: pytest.MonkeyPatch, reasons: int, said: str
) -> None:
    assert details(monkeypatch, nvmlDeviceGetCurrentClocksEventReasons=lambda gpu: reasons).slowed_by == said


def test_an_older_driver_is_asked_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    found = details(
        monkeypatch,
        nvmlDeviceGetComputeRunningProcesses_v3=refuse,
        nvmlDeviceGetComputeRunningProcesses_v2=lambda gpu: [process(5, GIB)],
        nvmlDeviceGetGraphicsRunningProcesses_v3=refuse,
        nvmlDeviceGetGraphicsRunningProcesses_v2=refuse,
        nvmlDeviceGetCurrentClocksEventReasons=refuse,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda gpu: 0x40,
    )
    assert found.slowed_by == HEAT
    assert found.processes == (GpuProcess(5, GIB),)


def test_processes_that_are_not_reported_are_unknown_and_not_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [
        f"nvmlDeviceGet{kind}RunningProcesses_{version}" for kind in ("Compute", "Graphics") for version in ("v2", "v3")
    ]
    assert details(monkeypatch, **dict.fromkeys(queries, refuse)).processes is None
    idle: dict[str, Any] = {name: lambda gpu: [] for name in queries}
    assert details(monkeypatch, **idle).processes == ()
