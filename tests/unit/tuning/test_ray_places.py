"""Places on a Ray cluster, without Ray: what is refused, what a trial takes, and when a trial's task is withdrawn."""

from __future__ import annotations

import importlib.util
import socket
from concurrent.futures import Future
from pathlib import Path

import pytest

from workbench.errors import UsageError, WorkbenchError
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import claim
from workbench.settings.preset import Preset
from workbench.tuning import ray_trial
from workbench.tuning.ray_places import Share, check_on, share_of
from workbench.tuning.ray_trial import EXIT_LOST, RayTrial, Task


@pytest.fixture
def _has_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())


@pytest.mark.parametrize(
    "on",
    [
        "Ray",
        "cluster",
        "ray:/host:1",
        "ray://host",
        "ray://:10001",
        "ray://host:port",
        "ray://a:1:2",
        "ray ",
        "ray://h:1/x",
    ],
)
def test_what_is_no_place_is_refused(on: str) -> None:
    with pytest.raises(UsageError, match=r"write ray .* or ray://HOST:PORT"):
        check_on(on)


def test_this_machine_needs_no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: pytest.fail("looked for Ray"))
    check_on("")


def test_a_missing_ray_is_a_line_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"workbench\[cluster\].*pip install '\.\[cluster\]'") as raised:
        check_on("ray")
    assert raised.value.exit_code == 2


@pytest.mark.usefixtures("_has_ray")
def test_an_address_where_nobody_answers_is_a_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and not listening
        port = free.getsockname()[1]
        with pytest.raises(WorkbenchError, match=f"no Ray cluster answers at ray://127.0.0.1:{port} ") as raised:
            check_on(f"ray://127.0.0.1:{port}")
    assert raised.value.exit_code == 3


@pytest.mark.usefixtures("_has_ray")
def test_the_address_of_the_environment_where_nobody_answers_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(WorkbenchError, match=f"no Ray cluster answers at {address} .*RAY_ADDRESS"):
            check_on("ray")
    for other in ("auto", "local", ""):
        monkeypatch.setenv("RAY_ADDRESS", other)
        check_on("ray")


@pytest.mark.usefixtures("_has_ray")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_where_somebody_listens_is_taken(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_on(f"ray://{host}:{server.getsockname()[1]}")


@pytest.mark.usefixtures("_has_ray")
def test_a_port_above_the_largest_is_a_line() -> None:
    with pytest.raises(WorkbenchError, match="no Ray cluster answers"):
        check_on("ray://127.0.0.1:99999")


@pytest.mark.parametrize(
    ("nodes", "threads", "workers", "on_cpu", "expected"),
    [
        ([{"CPU": 2}], 0, 0, False, Share(0, 1, 2)),
        ([{"CPU": 8}, {"CPU": 3}], 2, 0, False, Share(0, 2, 5)),  # 4 on the one and 1 on the other
        ([{"CPU": 8}, {"CPU": 8}], 0, 4, False, Share(0, 4, 4)),
        ([{"CPU": 4}, {"CPU": 4}], 0, 1, False, Share(0, 4, 1)),  # a trial has the cores of one node at most
        ([{"CPU": 8}], 1, 3, False, Share(0, 1, 3)),
        ([{"CPU": 16, "GPU": 4}, {"CPU": 32, "GPU": 2}, {"CPU": 64}], 0, 0, False, Share(1, 4, 6)),
        ([{"CPU": 1, "GPU": 2}], 0, 0, False, Share(1, 1, 2)),
        ([{"CPU": 16, "GPU": 4}], 2, 0, False, Share(1, 2, 4)),
        ([{"CPU": 16, "GPU": 4}], 0, 0, True, Share(0, 1, 16)),
        ([{}, {"CPU": 2}], 0, 0, False, Share(0, 1, 2)),
    ],
)
def test_what_a_trial_takes(
    nodes: list[dict[str, float]], threads: int, workers: int, on_cpu: bool, expected: Share
) -> None:
    assert share_of(nodes, threads, workers, on_cpu) == expected


@pytest.mark.parametrize(("nodes", "threads"), [([], 0), ([{"memory": 1.0}], 0), ([{"CPU": 4}, {"CPU": 2}], 8)])
def test_a_cluster_without_room_is_a_line(nodes: list[dict[str, float]], threads: int) -> None:
    with pytest.raises(WorkbenchError, match="the Ray cluster has no room for a trial: it takes"):
        share_of(nodes, threads, 0, on_cpu=False)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "made", Preset().to_toml())


class ScriptedRay:
    """Hands in tasks that end when the test says so."""

    def __init__(self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ray_trial, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(ray_trial, "_is_loss", lambda error: isinstance(error, NodeDies))
        self.tasks: list[Future[int]] = []
        self.cancelled: list[int] = []
        """Numbers of the tasks that were withdrawn."""
        self.trial = RayTrial(run, self._submit)

    def _submit(self) -> Task:
        self.tasks.append(Future())
        return Task(self.tasks[-1], self._cancel)

    def _cancel(self) -> None:
        self.cancelled.append(len(self.tasks) - 1)
        self.tasks[-1].set_exception(NodeDies())


class NodeDies(Exception):  # noqa: N818
    """Stands for Ray's errors of that kind."""


def test_a_trial_that_waits_for_room_is_withdrawn_when_it_is_stopped(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = ScriptedRay(run, monkeypatch)
    ask(run, "stop_after_epoch", 1)
    assert ray.trial.poll() is None
    assert ray.cancelled == []
    ask(run, "stop")
    assert ray.trial.poll() is None
    assert ray.cancelled == [0]
    assert ray.trial.poll() == EXIT_LOST
    assert len(ray.tasks) == 1


def test_a_trial_that_is_being_trained_stops_by_itself(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = ScriptedRay(run, monkeypatch)
    with claim(run):
        assert ray.trial.poll() is None
        ask(run, "stop")
        assert ray.trial.poll() is None
    assert ray.cancelled == []
    ray.tasks[0].set_result(130)
    assert ray.trial.poll() == 130


def test_a_node_that_dies_before_the_trial_has_begun_costs_no_life_of_the_trial(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = ScriptedRay(run, monkeypatch)
    for count in (1, 2, 3):
        ray.tasks[-1].set_exception(NodeDies())
        assert ray.trial.poll() is None
        assert len(ray.tasks) == count + 1
    run.events.write_text("{}\n")  # it has begun
    ray.tasks[-1].set_exception(NodeDies())
    assert ray.trial.poll() == EXIT_LOST
    assert len(ray.tasks) == 4


def test_a_trial_that_never_begins_is_lost_in_the_end(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = ScriptedRay(run, monkeypatch)
    monkeypatch.setattr(ray_trial, "MOST_TASKS", 3)
    for _ in range(2):
        ray.tasks[-1].set_exception(NodeDies())
        assert ray.trial.poll() is None
    ray.tasks[-1].set_exception(NodeDies())
    assert ray.trial.poll() == EXIT_LOST
    assert len(ray.tasks) == 3
