"""Trials on a real Ray cluster of two nodes on this machine, whose workers and nodes are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Started
from workbench.runs.lock import process_id
from workbench.runs.tail import EventTail
from workbench.tuning.directory import StudyDirectory, list_studies, trials_of
from workbench.tuning.events import TrialRetried
from workbench.tuning.view import read_study_view, study_tail

pytest.importorskip("ray", reason="Ray is not installed (uv sync --extra cluster)")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SEEDS = 3
EPOCHS = 300
LONG = ("data.name=iris", f"training.epochs={EPOCHS}", "training.checkpoint_seconds=0")


class RayCluster:
    """A head without cores, and two nodes with one each: a node is a raylet with its own workers."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        self._nodes = [self._cluster.add_node(num_cpus=1) for _ in range(2)]
        self.address: str = self._cluster.address

    def kill_node_of(self, worker: psutil.Process) -> None:
        """Kills the node that the worker belongs to, the worker included."""
        raylet = worker.ppid()
        [node] = [node for node in self._nodes if raylet in _process_ids(node)]
        self._nodes.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        self._cluster.shutdown()


def _process_ids(node: object) -> list[int]:
    return [each.process.pid for kind in node.all_processes.values() for each in kind]  # type: ignore[attr-defined]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[RayCluster]:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = RayCluster()
    yield cluster
    cluster.close()


def start(folder: Path, on: str, environment: dict[str, str], *settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "workbench", "tune", "repeat", "--preset", "fast", "--seeds", str(SEEDS)]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.Popen(
        [*command, "--on", on, "--json", "--studies-dir", str(folder)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def epochs_of(run: RunDirectory) -> list[int]:
    return [event.epoch for event in _events(run) if isinstance(event, EpochEnd)]


def lives_of(run: RunDirectory) -> list[Started]:
    return [event for event in _events(run) if isinstance(event, Started)]


def _events(run: RunDirectory) -> list[Event]:
    tail = EventTail(run.events)
    found: list[Event] = []
    while written := tail.read():
        found += [event for _, event in written]
    return found


def study_in(folder: Path, command: subprocess.Popen[str]) -> StudyDirectory:
    while not (studies := list_studies(folder)):
        assert command.poll() is None, command.communicate()
        time.sleep(0.1)
    return studies[0]


def trained_at_once(study: StudyDirectory, count: int, command: subprocess.Popen[str]) -> list[RunDirectory]:
    """Runs that are being trained, each with some epochs behind it, once there are as many."""
    while True:
        assert command.poll() is None, command.communicate()
        found = [run for run in trials_of(study) if process_id(run) is not None and len(epochs_of(run)) > 5]
        if len(found) >= count:
            return found
        time.sleep(0.1)


def trainer_and_worker(run: RunDirectory) -> tuple[psutil.Process, psutil.Process]:
    trainer = psutil.Process(process_id(run))
    worker = trainer.parent()
    assert worker is not None
    return trainer, worker


def test_no_trial_is_lost_where_trainers_workers_and_a_node_are_killed(cluster: RayCluster, tmp_path: Path) -> None:
    command = start(tmp_path, "ray", {"RAY_ADDRESS": cluster.address}, *LONG)
    study = study_in(tmp_path, command)
    first, second = trained_at_once(study, 2, command)
    _, worker = trainer_and_worker(first)
    assert worker.pid != trainer_and_worker(second)[1].pid
    trainer, _ = trainer_and_worker(first)
    worker.send_signal(signal.SIGKILL)
    trainer.wait(5)  # it dies with its worker
    trainer, _ = trainer_and_worker(second)
    trainer.send_signal(signal.SIGKILL)
    killed = {first.name, second.name}
    while any(len(lives_of(run)) < 2 for run in (first, second)):
        assert command.poll() is None, command.communicate()
        time.sleep(0.1)
    [run, *_] = trained_at_once(study, 1, command)
    killed.add(run.name)
    trainer, worker = trainer_and_worker(run)
    cluster.kill_node_of(worker)
    trainer.wait(20)
    output, errors = command.communicate(timeout=400)
    assert command.returncode == 0, errors
    result = json.loads(output.splitlines()[-1])
    assert result["type"] == "result"
    view = read_study_view(study)
    assert [(trial.number, trial.status) for trial in view.trials.values()] == [(n, "completed") for n in range(SEEDS)]
    assert len(trials_of(study)) == SEEDS
    for run in trials_of(study):
        epochs = epochs_of(run)
        assert epochs[-1] == EPOCHS
        if run.name in killed:
            assert all(life.resumed and life.epoch > 0 for life in lives_of(run)[1:])  # from its checkpoint
            assert len(lives_of(run)) >= 2
    retried = [event for _, event in study_tail(study).read() if isinstance(event, TrialRetried)]
    assert len(retried) >= 3


def test_an_address_of_a_cluster_and_a_study_that_is_stopped(cluster: RayCluster, tmp_path: Path) -> None:
    with _client_server(cluster.address) as port:
        command = start(tmp_path, f"ray://127.0.0.1:{port}", {}, *LONG)
        study = study_in(tmp_path, command)
        trained_at_once(study, 2, command)
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=120)
        assert command.returncode == 130, errors
        assert {trial.status for trial in read_study_view(study).trials.values()} == {"waiting"}  # to be continued
        resumed = subprocess.run(
            [sys.executable, "-P", "-m", "workbench", "resume", str(study.path), "--json"],
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    assert {trial.status for trial in read_study_view(study).trials.values()} == {"completed"}
    assert len(trials_of(study)) == SEEDS


class _client_server:  # noqa: N801
    """Ray's client server, for `ray://`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> int:
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        arguments = ["--address", self._address, "--host", "127.0.0.1", "--port", str(port), "--mode", "proxy"]
        self._process = subprocess.Popen([sys.executable, "-m", "ray.util.client.server", *arguments])
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            time.sleep(0.2)
        raise AssertionError("Ray's client server has not started")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
