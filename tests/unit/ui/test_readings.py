"""What the machine is doing, read from whatever thread asks."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import psutil
import pytest

from tests.ui.made import MadeReadings, events, gpu
from workbench.devices.cgroup import CgroupMemory
from workbench.devices.gpu import GpuReading
from workbench.devices.gpu_details import GpuDetails, GpuProcess
from workbench.devices.host import cpu_model
from workbench.runs.events import Prepared
from workbench.ui.live import readings
from workbench.ui.live.machine_history import MOST_KEPT, MachineHistory
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import MachineReadings, own_gpu, short_name

PREPARED = next(event for event in events(1) if isinstance(event, Prepared))


class MadeMonitor:
    """Stands for NVML: two cards behind a driver that is slow to open."""

    opened = closed = 0
    driver_version = "580.65.06"

    @classmethod
    def open(cls) -> MadeMonitor:
        time.sleep(0.05)
        MadeMonitor.opened += 1
        return cls()

    def read(self) -> list[GpuReading]:
        return [gpu(0), gpu(1)]

    def read_details(self) -> dict[int, GpuDetails]:
        on_gpu = (GpuProcess(os.getppid(), 1), GpuProcess(2**22 + 1, 2))
        return {0: GpuDetails(processes=on_gpu), 1: GpuDetails(processes=None)}

    def close(self) -> None:
        MadeMonitor.closed += 1


class NoMonitor:
    """Stands for NVML on a machine without a card."""

    @classmethod
    def open(cls) -> None:
        return None


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> type[MadeMonitor]:
    MadeMonitor.opened = MadeMonitor.closed = 0
    monkeypatch.setattr(readings, "GpuMonitor", MadeMonitor)
    return MadeMonitor


def test_the_driver_is_opened_at_the_first_reading_and_closed_once(cards: type[MadeMonitor]) -> None:
    source = MachineReadings()
    assert cards.opened == 0
    assert [reading.index for reading in source.read().gpus] == [0, 1]
    source.read()
    assert cards.opened == 1
    source.close()
    source.close()
    assert cards.closed == 1
    assert source.read().gpus == (), "a reading that comes late does not open the driver again"


def test_readings_in_several_threads_open_the_driver_once_and_all_see_the_cards(cards: type[MadeMonitor]) -> None:
    source, seen = MachineReadings(), []
    threads = [threading.Thread(target=lambda: seen.append(len(source.read().gpus))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [2, 2, 2, 2]
    assert cards.opened == 1


def test_a_machine_without_a_card_still_reports_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "GpuMonitor", NoMonitor)
    source = MachineReadings()
    first, second = source.read(), source.read()
    assert first.gpus == ()
    assert 0 < first.host_available_bytes <= first.host_total_bytes
    assert first.cpu_percent is None, "there is nothing yet to compare with"
    assert second.cpu_percent is not None
    source.close()


def test_processes_and_details_are_read_only_where_somebody_looks(
    cards: type[MadeMonitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.devices.processes.MOST_BUSY", 0)
    source, owners = MachineReadings(), Owners(os.getpid())
    assert source.read().closer is None
    closer = source.read(owners).closer
    assert closer is not None
    assert closer.owners is owners
    assert closer.driver == "580.65.06"
    assert closer.cpu == cpu_model()
    assert set(closer.gpus) == {0, 1}
    assert {each.process_id for each in closer.processes} == {os.getpid(), os.getppid()}, "the app's, and on a GPU"
    assert all(each.cpu_percent is None for each in closer.processes), "nothing to compare with"
    again = source.read(owners).closer
    assert again is not None
    assert all(each.cpu_percent is not None for each in again.processes)
    source.read()
    later = source.read(owners).closer
    assert later is not None
    assert all(each.cpu_percent is None for each in later.processes), "what happened unseen does not count"


def test_every_core_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "GpuMonitor", NoMonitor)
    source = MachineReadings()
    assert source.read().core_percents == ()
    second = source.read()
    assert len(second.core_percents) == psutil.cpu_count()
    assert second.cpu_percent == pytest.approx(sum(second.core_percents) / len(second.core_percents))


def test_it_is_said_whose_a_process_is() -> None:
    owners = Owners(app=10, trainer=20)
    assert owners.whose(20, (10, 1)) == "this run"
    assert owners.whose(21, (20, 10, 1)) == "reads samples for this run"
    assert owners.whose(10, (1,)) == "this app"
    assert owners.whose(11, (10, 1)) == "started by this app"
    assert owners.whose(30, (1,)) == ""
    assert Owners(app=10).whose(20, (1,)) == ""
    assert (owners.process_ids, Owners(10).process_ids) == ({10, 20}, {10})


def test_the_history_keeps_the_latest_readings_without_their_processes() -> None:
    history = MachineHistory()
    for second in range(MOST_KEPT + 10):
        history.take(replace(MadeReadings(1).read(Owners(1)), cpu_percent=float(second)), float(second))
    assert history.series(lambda each: each.cpu_percent) == [float(second) for second in range(10, MOST_KEPT + 10)]
    assert history.seconds == MOST_KEPT - 1
    assert history.series(lambda each: None if each.closer is None else 1.0) == [None] * MOST_KEPT
    assert set(history.series_of_gpu(0, lambda gpu: gpu.utilization_percent)) == {87}
    assert set(history.series_of_gpu(7, lambda gpu: gpu.utilization_percent)) == {None}


def test_the_limit_of_the_control_group_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "GpuMonitor", NoMonitor)
    limit = psutil.virtual_memory().total // 2
    monkeypatch.setattr("workbench.devices.host.cgroup_memory", lambda _: CgroupMemory(limit, 1000))
    reading = MachineReadings().read()
    assert (reading.host_total_bytes, reading.host_available_bytes) == (limit, 1000)


def test_the_card_of_a_run_is_that_of_its_lasting_name() -> None:
    cards = (gpu(0), gpu(1), gpu(2))
    on_card = replace(PREPARED, device="cuda:0", device_name=cards[0].name, device_uuid="2")
    assert own_gpu(on_card, cards) is cards[2]
    assert own_gpu(PREPARED, cards) is None, "a run on the CPU"
    assert own_gpu(None, cards) is None


def test_a_short_name_says_which_card_it_is() -> None:
    assert short_name("NVIDIA H100 80GB HBM3") == "H100 80GB"
    assert short_name("NVIDIA A100-SXM4-80GB") == "A100-SXM4-80GB"
    assert short_name("Tesla T4") == "Tesla T4"
