"""A loop of the user's own, in a process of its own: however it ends, its run says so."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.unit.own_loop.reading import events, summary_of
from workbench.runs.catalogue import Catalogue
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, RequestHandled, State, Steps
from workbench.runs.history import read_history
from workbench.runs.lock import is_running
from workbench.runs.measurements import Timing
from workbench.runs.status import status

LOOP = Path(__file__).with_name("own_loop.py")
REPOSITORY = Path(__file__).parents[2]


def start(folder: Path, *options: str) -> tuple[subprocess.Popen[str], RunDirectory]:
    process = subprocess.Popen(
        [sys.executable, str(LOOP), str(folder / "runs"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    assert process.stdout is not None
    return process, RunDirectory(Path(process.stdout.readline().strip()))


def wait_for(what: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments], capture_output=True, text=True, cwd=REPOSITORY
    )


def test_a_loop_becomes_a_run_that_is_listed_and_compared(tmp_path: Path) -> None:
    first, run = start(tmp_path)
    second, other = start(tmp_path, "--steps", "10")  # two at once
    (out, _), _ = first.communicate(timeout=60), second.communicate(timeout=60)
    assert out.strip() == "False False"  # neither torch nor Textual was imported
    assert (first.returncode, second.returncode) == (0, 0)
    summary = summary_of(run.path)
    assert (summary.status, summary.epoch, summary.step, summary.monitor) == ("completed", 3, 60, "loss")
    assert summary.test is not None
    assert summary_of(other.path).step == 30
    losses = [loss for event in events(run.path, Steps) for loss in event.losses]
    assert len(losses) == 60
    assert losses[0] > losses[-1]
    epochs = events(run.path, EpochEnd)
    assert [(epoch.step, (epoch.validation or {})["half"]) for epoch in epochs] == [(20, 0.5), (40, 0.5), (60, 0.5)]
    curves = read_history(run).curves
    assert {"loss/train", "loss/validation", "half/validation", "weight_norm/train"} <= set(curves)

    rows = Catalogue(tmp_path / "runs").rows()
    assert {(row.status, row.preset_name, row.epoch, row.epochs) for row in rows} == {("completed", "own", 3, 3)}
    assert rows[0].settings["settings.lr"] == 0.1
    listed = workbench("runs", "--json", "--runs-dir", str(tmp_path / "runs"))
    assert [json.loads(line)["status"] for line in listed.stdout.splitlines()] == ["completed", "completed"]
    compared = workbench("compare", str(run.path), str(other.path))
    assert compared.returncode == 0, compared.stderr
    assert "validation half" in compared.stdout
    assert "their seeds are not known" in compared.stdout
    for command in (["resume"], ["predict"], ["export", "--to", "safetensors"]):
        refused = workbench(*command, str(run.path), *(["x.csv"] if command == ["predict"] else []))
        assert refused.returncode == 2
        assert "was made by a loop of your own" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_killed_loop_is_lost(tmp_path: Path) -> None:
    process, run = start(tmp_path, "--seconds", "0.01", "--steps", "1000")
    wait_for(lambda: bool(events(run.path, Steps)))
    assert is_running(run)
    process.kill()
    process.wait()
    assert status(run) == "lost"


def test_a_loop_pauses_continues_and_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    process, run = start(tmp_path, "--seconds", "0.01", "--steps", "100000")
    ask(run, "pause")
    wait_for(lambda: any(event.state == "paused" for event in events(run.path, State)))
    before = events(run.path, Steps)
    time.sleep(0.3)
    assert events(run.path, Steps) == before
    ask(run, "checkpoint")
    ask(run, "set_learning_rate", 0.1)
    ask(run, "resume")
    wait_for(lambda: len(events(run.path, Steps)) > len(before))
    ask(run, "stop")
    process.communicate(timeout=60)
    assert process.returncode == 0  # the loop ends by itself
    answers = {event.command: (event.accepted, event.detail) for event in events(run.path, RequestHandled)}
    assert answers["pause"] == answers["resume"] == answers["stop"] == (True, "")
    assert answers["checkpoint"] == (False, "the loop saves its model itself, where and when it says so")
    assert answers["set_learning_rate"][0] is False
    assert status(run) == "stopped"
    assert summary_of(run.path).epoch == 0  # the only epoch was cut short


def test_an_exception_and_ctrl_c_end_the_run(tmp_path: Path) -> None:
    process, run = start(tmp_path, "--fail")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ValueError: no such file" in told
    summary = summary_of(run.path)
    assert (summary.status, summary.reason) == ("failed", "ValueError: no such file")

    process, run = start(tmp_path, "--seconds", "0.01", "--steps", "1000")
    wait_for(lambda: bool(events(run.path, Steps)))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    summary = summary_of(run.path)
    assert (summary.status, summary.reason) == ("stopped", "interrupted")


def test_two_lines_are_enough_and_the_run_ends_with_its_program(tmp_path: Path) -> None:
    process, run = start(tmp_path, "--plain", "--seconds", "0.001")
    assert process.communicate(timeout=60)[1] == ""
    summary = summary_of(run.path)
    assert (summary.status, summary.epoch, summary.step) == ("completed", 3, 60)
    assert set(summary.phase_ms) == {"data", "step", "rest"}
    assert summary.phase_ms["step"] > 0.9 * sum(summary.phase_ms.values())
    assert read_history(run).view.epoch == 3.0
    assert events(run.path, Timing)

    process, run = start(tmp_path, "--plain", "--fail")
    process.communicate(timeout=60)
    summary = summary_of(run.path)
    assert (summary.status, summary.reason, summary.epoch) == ("failed", "ValueError: the second line", 1)


def test_importing_workbench_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import workbench; workbench.__version__;"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('_')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert told.stdout.strip() == "['workbench']"


def test_tensorboard_is_written_beside_the_loop(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    process, run = start(tmp_path, "--tensorboard")
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, "")
    folder = run.path / "tensorboard"

    def tags() -> set[str]:
        found: set[str] = set()
        for file in folder.rglob("*.tfevents.*") if folder.exists() else ():
            read = EventAccumulator(str(file))
            read.Reload()
            found |= set(read.Tags()["scalars"])
        return found

    wanted = {"loss/step", "loss/validation", "half/validation", "weight_norm/train", "rmse/test"}
    wait_for(lambda: wanted <= tags())
