"""Places that are added to a study and taken back while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.tuning.scripted import ScriptedPlace, ScriptedTrainer, new_study
from workbench.devices.gpu import GpuReading
from workbench.errors import UsageError
from workbench.runs.control import append_request
from workbench.runs.directory import RunDirectory
from workbench.tuning import controller as controllers
from workbench.tuning import places as placing
from workbench.tuning.controller import Controller
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.places import GPU, LocalPlace, Place, check_workers, local_places, memory_of_a_place
from workbench.tuning.pool import Pool
from workbench.tuning.question import Question
from workbench.tuning.supply import FixedSupply, LocalSupply
from workbench.tuning.view import read_study_view
from workbench.tuning.ways.listed import Listed


@dataclass
class NotedPlace(ScriptedPlace):
    """Asks the study for something when some of its trials start, and counts how often it is closed."""

    study: StudyDirectory | None = None
    asks: dict[int, str] = field(default_factory=dict)
    """By the number of the start at this place, from 1."""
    closed: int = 0

    def start(self, run: RunDirectory) -> ScriptedTrainer:
        found = super().start(run)
        if self.study is not None and (asked := self.asks.get(len(self.started))):
            append_request(self.study.control, asked)
        return found

    def close(self) -> None:
        self.closed += 1


@dataclass
class Spare:
    """A supply of these places."""

    spare: list[Place]
    divided: list[int] = field(default_factory=list)
    """How many places there were, each time that something was divided."""

    def more(self, places: Sequence[Place]) -> tuple[Place, str]:
        if not self.spare:
            raise UsageError("there are no more")
        return self.spare.pop(), f"the one after {len(places)}"

    def divide(self, places: Sequence[Place]) -> None:
        self.divided.append(len(places))


# In a study.


@pytest.fixture(autouse=True)
def _polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controllers, "POLL_SECONDS", 0.0)


SEEDS = [{"training.seed": seed} for seed in range(6)]


def run(study: StudyDirectory, first: list[Place], spare: Spare) -> list[str]:
    """Runs six trials of four epochs; returns the notes."""
    way = Listed(SEEDS, [str(each) for each in SEEDS])
    assert Controller(study, way, first, 0.0, supply=spare).run().status == "completed"
    view = read_study_view(study)
    assert [trial.status for trial in view.trials.values()] == ["completed"] * 6
    return view.notes


def test_a_place_that_is_added_takes_trials_from_then_on(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="repeat"))
    first, second = NotedPlace(study=study, asks={2: "add_place"}), NotedPlace()
    spare = Spare([second])
    assert run(study, [first], spare) == ["a place is added, 2 places: the one after 1"]
    assert (len(first.started), len(second.started)) == (4, 2)
    assert spare.divided == [2]
    assert (first.closed, second.closed) == (1, 1)


def test_a_place_that_is_taken_back_ends_its_trial_and_takes_none(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="repeat"))
    first, second = NotedPlace(study=study, asks={2: "remove_place"}), NotedPlace()
    spare = Spare([])
    [note] = run(study, [first, second], spare)
    assert note == "a place is taken back once the trial there has ended: 1 place then"
    assert (len(first.started), len(second.started)) == (4, 2)
    assert spare.divided == [1], "what it had is for the other, once it has ended"
    assert (first.closed, second.closed) == (1, 1)


def test_the_last_place_stays_and_where_there_is_no_other_it_is_said(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="repeat"))
    place = NotedPlace(study=study, asks={1: "remove_place", 2: "add_place"})
    assert run(study, [place], Spare([])) == [
        "the last place is not taken back: stop or pause the study instead",
        "no place is added: there are no more",
    ]
    assert len(place.started) == 6


@pytest.mark.parametrize(
    ("spare", "starts", "notes"),
    [
        (1, (3, 3), ["a place is added, 2 places: the one after 1"]),
        (0, (6,), ["no place is added: there are no more"]),
    ],
)
def test_a_resumed_study_has_the_places_that_were_added(
    tmp_path: Path, spare: int, starts: tuple[int, ...], notes: list[str]
) -> None:
    study = new_study(tmp_path, Question(way="repeat"))
    way = Listed(SEEDS, [str(each) for each in SEEDS])
    append_request(study.control, "add_place")
    append_request(study.control, "stop")
    stopped = Controller(study, way, [NotedPlace()], 0.0, supply=Spare([NotedPlace()])).run()
    assert (stopped.status, read_study_view(study).places) == ("stopped", 2)
    study.control.unlink()
    places = [NotedPlace() for _ in range(1 + spare)]
    before = read_study_view(study).notes
    assert run(study, [places[0]], Spare([*places[1:]])) == [*before, *notes]
    assert tuple(len(place.started) for place in places) == starts


# The pool alone.


def test_a_place_that_leaves_is_kept_where_one_is_added(tmp_path: Path) -> None:
    first, second = NotedPlace(), NotedPlace()
    pool = Pool([first, second], FixedSupply("they are fixed"))
    pool.take_back([first, second])
    assert pool.free([first, second]) is None
    assert pool.free([second]) is first
    assert pool.free([first]) is None, "the second one leaves"
    pool.close_left([first, second])
    assert pool.add() == "the place that was to be taken back is kept: 2 places"
    assert pool.free([first]) is second
    assert second.closed == 0
    assert pool.take_back([first]) == "a place is taken back: 1 place"
    assert second.closed == 1
    assert pool.add() == "no place is added: they are fixed"


def test_a_pool_is_as_large_as_it_was() -> None:
    pool = Pool([NotedPlace(), NotedPlace(), NotedPlace()], Spare([NotedPlace()]))
    assert pool.resize(None) == []
    assert pool.resize(3) == []
    assert pool.resize(1) == ["a place is taken back: 2 places", "a place is taken back: 1 place"]
    assert pool.resize(3) == ["a place is added, 2 places: the one after 1", "no place is added: there are no more"]
    assert len(pool) == 2


def test_a_trial_of_an_earlier_controller_takes_a_place() -> None:
    first, second = NotedPlace(), NotedPlace()
    pool = Pool([first, second], FixedSupply(""))
    assert pool.free([None]) is second
    assert pool.free([None, None]) is None
    assert pool.free([first, None]) is None


# This machine.


def gpus(monkeypatch: pytest.MonkeyPatch, *used: int, named: str | None = None) -> None:
    """A machine with GPUs of which so many bytes are used; none: without any."""
    readings = [
        GpuReading(index, f"GPU-{index}", "H100", bytes_used, 80 * 2**30, 0, None, None)
        for index, bytes_used in enumerate(used)
    ]

    class Monitor(nullcontext[None]):
        def __enter__(self) -> None:
            pass

        def read(self) -> list[GpuReading]:
            return readings

        @classmethod
        def open(cls) -> Monitor | None:
            return cls() if readings else None

    monkeypatch.setattr(placing, "GpuMonitor", Monitor)
    if named is None:
        monkeypatch.delenv(GPU, raising=False)
    else:
        monkeypatch.setenv(GPU, named)


def test_the_next_gpu_that_nobody_uses_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 5 * 2**30, 30 * 2**30, 0)
    place, said = LocalSupply().more([LocalPlace({GPU: "GPU-0"})])
    assert isinstance(place, LocalPlace)
    assert place.environment == {GPU: "GPU-2"}
    assert said == "GPU 2 (H100)"


def test_a_gpu_that_someone_else_uses_is_left_alone_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    own = LocalPlace({GPU: "GPU-0"})
    gpus(monkeypatch, 5 * 2**30, 30 * 2**30)
    with pytest.raises(UsageError, match=r"no GPU is free: GPU 1 is used by someone else; name it with CUDA_VISIBLE"):
        LocalSupply().more([own])
    gpus(monkeypatch, 5 * 2**30, 30 * 2**30, named="0,1")
    place, said = LocalSupply().more([LocalPlace({GPU: "0"})])
    assert isinstance(place, LocalPlace)
    assert (place.environment, said) == ({GPU: "1"}, "GPU 1")
    with pytest.raises(UsageError, match="names no other GPU than this study has: 0, 1"):
        LocalSupply().more([LocalPlace({GPU: "0"}), place])


def test_a_study_that_has_all_gpus_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 5 * 2**30)
    with pytest.raises(UsageError, match="this study has all GPUs of this machine already"):
        LocalSupply().more([LocalPlace({GPU: "GPU-0"})])


def test_a_preset_of_the_cpu_leaves_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 0, 0, 0)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert len(local_places(0)) == 3
    [only] = local_places(0, on_cpu=True)
    assert only == LocalPlace({})
    assert local_places(2, on_cpu=True) == [LocalPlace({"OMP_NUM_THREADS": "2"})] * 2
    _, said = LocalSupply(on_cpu=True).more([only])
    assert said.startswith("worker 2 on the CPU")
    assert memory_of_a_place() == 80 * 2**30
    assert memory_of_a_place(on_cpu=True) != 80 * 2**30


def test_more_workers_than_cores_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    gpus(monkeypatch)
    check_workers(4, on_cpu=False)
    with pytest.raises(UsageError, match="--workers 5: this machine has 4 cores, and more workers would be slower"):
        check_workers(5, on_cpu=False)
    gpus(monkeypatch, 0)
    check_workers(0, on_cpu=False)
    check_workers(4, on_cpu=True)
    with pytest.raises(UsageError, match="--workers 2: this machine has GPUs, each of which trains one"):
        check_workers(2, on_cpu=False)


def test_workers_on_a_cpu_divide_its_cores_and_are_never_more(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    supply, first = LocalSupply(), LocalPlace()
    second, said = supply.more([first])
    assert said.startswith("worker 2 on the CPU, with 2 threads;")
    supply.divide([first, second])
    assert isinstance(second, LocalPlace)
    assert first.environment == second.environment == {"OMP_NUM_THREADS": "2"}
    supply.divide([first])
    assert first.environment == {}
    with pytest.raises(UsageError, match="this machine has 4 cores, and more workers would be slower"):
        supply.more([first] * 4)


def test_a_place_starts_its_process_again_where_its_part_of_the_cores_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    launched: list[dict[str, str]] = []
    closed: list[dict[str, str]] = []

    @dataclass
    class Process:
        environment: dict[str, str]
        is_alive: bool = True

        @classmethod
        def launch(cls, environment: dict[str, str]) -> Process:
            launched.append(environment)
            return cls(environment)

        def train(self, run: RunDirectory, command: str) -> str:
            return run.name

        def close(self) -> None:
            closed.append(self.environment)

    monkeypatch.setattr("workbench.tuning.places.Standby", Process)
    place, a_run = LocalPlace(), RunDirectory(tmp_path / "run")
    place.start(a_run)
    place.start(a_run)
    assert (launched, closed) == ([{}], [])
    place.environment = {"OMP_NUM_THREADS": "1"}
    assert (launched, closed) == ([{}], []), "what is being trained keeps its threads"
    place.start(a_run)
    assert (launched, closed) == ([{}, {"OMP_NUM_THREADS": "1"}], [{}])
