"""Trials on a Ray cluster: each is a Ray task, which trains a run in a process of its own on a node that Ray chooses.

Ray only lends the places. What is tried, discarded and tried again is decided by the study's controller, so a worker or
a node that dies is like any trainer that dies: its trial continues from its checkpoint, in another task.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from workbench.errors import UsageError, WorkbenchError, type_and_first_line
from workbench.processes.stacked import StackedProcess
from workbench.processes.tethered import train_tethered
from workbench.processes.worker import open_worker_log, trainer_environment
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.tuning.places import Place
from workbench.tuning.question import Question
from workbench.tuning.ray_trial import RayTrial, Task

HOST_AND_PORT = r"(?P<host>\[[^\]]+\]|[^:/\[\]]+):(?P<port>\d{1,5})"
ADDRESS = re.compile(rf"ray(://{HOST_AND_PORT})?")
CLUSTER_ADDRESS = re.compile(rf"(ray://)?{HOST_AND_PORT}")
"""As RAY_ADDRESS has it; it may also hold words, such as auto."""
REACH_SECONDS = 10.0
"""How long an address may take to answer at all."""
CONNECT_SECONDS = 90.0
"""How long Ray may take to connect; to start one on this machine takes up to 20 s."""
LEAVE_SECONDS = 20.0
"""How long Ray may take to disconnect."""


def check_on(on: str) -> None:
    """Checks where trials are to run, before a study is made; empty is this machine.

    Raises UsageError for what is no such place or where Ray is not installed; WorkbenchError if nobody answers there.
    """
    if not on:
        return
    found = ADDRESS.fullmatch(on)
    if found is None:
        raise UsageError(f"--on {on}: write ray (a cluster that this machine belongs to), or ray://HOST:PORT")
    if importlib.util.find_spec("ray") is None:
        raise UsageError(
            f"--on {on} needs Ray, which the extra workbench[cluster] installs: in workbench's folder, "
            "pip install '.[cluster]' (or uv sync --extra cluster)"
        )
    if found["host"] is not None:
        _reach(on, found, "is the port that of Ray's client server (10001 if not changed)?")
    elif named := CLUSTER_ADDRESS.fullmatch(address := os.environ.get("RAY_ADDRESS", "")):
        _reach(address, named, "the environment variable RAY_ADDRESS names it")


def _reach(address: str, found: re.Match[str], hint: str) -> None:
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=REACH_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise WorkbenchError(f"no Ray cluster answers at {address} ({error}); {hint}") from error


@dataclass(frozen=True)
class Share:
    """What each trial takes of the cluster."""

    gpus: int
    cpus: int
    count: int
    """How many trials the cluster has room for at once."""


def share_of(nodes: list[dict[str, float]], threads: int, workers: int, on_cpu: bool) -> Share:
    """What a trial takes: a GPU and its part of the node's cores; without GPUs, as many cores as it has threads.

    nodes: what each has, as Ray counts it. threads, workers: per trial, and trials at once; 0 if not said.
    Raises WorkbenchError where the cluster has room for none.
    """
    with_gpu = [node for node in nodes if node.get("GPU", 0) >= 1]
    if with_gpu and not on_cpu:
        cpus = threads or min(int(node.get("CPU", 0) // node["GPU"]) for node in with_gpu)
        return Share(1, max(cpus, 1), sum(int(node["GPU"]) for node in with_gpu))
    cores = [int(node.get("CPU", 0)) for node in nodes]
    threads = threads or (max(sum(cores) // workers, 1) if workers else 1)
    if workers and max(cores, default=0):
        threads = min(threads, max(cores))
    count = sum(each // threads for each in cores)
    if not count:
        raise WorkbenchError(
            f"the Ray cluster has no room for a trial: it takes {threads} CPUs, and the largest of {len(nodes)} nodes "
            f"has {max(cores, default=0)} (runtime.num_threads says how many a trial takes)"
        )
    return Share(0, threads, min(count, workers) if workers else count)


def ray_places(question: Question, preset: Preset) -> list[Place]:
    """Connects to the cluster that the question names; one place for each trial that it has room for at once.

    Raises UsageError, WorkbenchError.
    """
    check_on(question.on)
    cluster = Cluster.connect(question.on)
    runtime = preset.runtime
    try:
        share = share_of(cluster.nodes(), runtime.num_threads, question.workers, runtime.device == "cpu")
    except WorkbenchError:
        cluster.leave()
        raise
    cluster.users = share.count
    return [RayPlace(cluster, share) for _ in range(share.count)]


@dataclass(eq=False)
class Cluster:
    """The connection to a cluster, which all places share: this process has one."""

    ray: Any
    left: Event
    users: int = 0
    """Places that are not closed yet."""

    @classmethod
    def connect(cls, on: str) -> Cluster:
        """Raises WorkbenchError where that does not succeed in time."""
        # Nodes have workbench installed: nothing is copied there, as Ray does by itself below `uv run`.
        os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
        # For a Ray that is started here: it reports to nobody, and trials are not the least urgent processes.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")
        connected: Future[Any] = Future()
        left = Event()
        # Not in the main thread: there, Ray takes SIGTERM for itself, which asks this process to stop the study.
        Thread(target=_connect, args=(on, connected, left), name="ray", daemon=True).start()
        try:
            return cls(connected.result(CONNECT_SECONDS), left)
        except TimeoutError:
            raise WorkbenchError(f"Ray has not connected to {on} within {CONNECT_SECONDS:.0f} s") from None
        except Exception as error:
            raise WorkbenchError(f"Ray cannot connect to {on}: {type_and_first_line(error)}") from error

    def nodes(self) -> list[dict[str, float]]:
        """What each living node has."""
        return [node["Resources"] for node in self.ray.nodes() if node["Alive"]]

    def submit(self, share: Share, run: RunDirectory, environment: Mapping[str, str]) -> Task:
        """Hands in a trial."""
        # A task that Ray repeats by itself would be unknown to the study.
        task = self.ray.remote(num_gpus=share.gpus, num_cpus=share.cpus, max_retries=0)(train_tethered)
        reference = task.remote(str(run.path), dict(environment), str(Path.cwd()))
        return Task(reference.future(), lambda: self.ray.cancel(reference))

    def leave(self) -> None:
        """Ends the connection, and with it all that still runs there for this process."""
        self.users = 0
        # Where the cluster is gone, Ray waits for it for a minute, and then ends this process.
        leaving = Thread(target=self.ray.shutdown, name="leaving ray", daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)
        self.left.set()


def _connect(on: str, connected: Future[Any], left: Event) -> None:
    """Connects, and stays until this process leaves: a Ray that was started here ends with the thread that did it."""
    try:
        import ray

        if on == "ray":
            # A cluster that runs on this machine, or that RAY_ADDRESS names; else one is started here.
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        else:
            ray.init(on, log_to_driver=False, logging_level="ERROR")
    except BaseException as error:
        connected.set_exception(error)
    else:
        connected.set_result(ray)
        left.wait()


@dataclass(eq=False)
class RayPlace:
    """Room for one trial at a time, wherever in the cluster."""

    cluster: Cluster
    share: Share
    _trial: RayTrial | None = None
    _is_closed: bool = False

    def start(self, run: RunDirectory) -> RayTrial:
        open_worker_log(run).close()  # raises here what would fail there
        environment = trainer_environment(shlex.join(sys.argv)) | {
            "OMP_NUM_THREADS": str(self.share.cpus),
            **{name: value for name, value in os.environ.items() if name in ("WORKBENCH_DATA", "WORKBENCH_OFFLINE")},
        }
        self._trial = RayTrial(run, lambda: self.cluster.submit(self.share, run, environment))
        return self._trial

    @property
    def trains_together(self) -> bool:
        return False

    def stacked(self) -> StackedProcess:
        raise NotImplementedError("trials on a Ray cluster are trained one by one")

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._trial is not None:
            self._trial.withdraw()
        self.cluster.users -= 1
        if self.cluster.users <= 0:
            self.cluster.leave()
