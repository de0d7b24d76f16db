"""The real processes beside a trainer that trains nothing: they survive, send each alert once, and harm nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.alerts.test_sending import SECRET, serving
from workbench.alerts.file import VARIABLE
from workbench.followers.files import FollowerFiles, Kind
from workbench.followers.guard import Guard
from workbench.followers.start import start_followers
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import is_running
from workbench.settings.preset import Preset

PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path / "runs", "made", Preset(name="made").to_toml())


@pytest.fixture
def alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes the settings of alerts: the text of the table."""
    path = tmp_path / "alerts.toml"
    monkeypatch.setenv(VARIABLE, str(path))

    def write(text: str) -> None:
        path.write_text(f"[alerts]\n{text}\n")
        path.chmod(0o600)

    return write  # type: ignore[return-value]


def trainer_of(run: RunDirectory, seconds: float) -> subprocess.Popen[bytes]:
    """Starts it, and returns once it holds the lock."""
    command = (sys.executable, "-m", "tests.unit.followers.trainer", str(run.path), str(seconds))
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], start_new_session=True)
    wait_for(lambda: is_running(run) and run.events.exists() and run.events.stat().st_size > 500)
    return process


def log_of(run: RunDirectory, kind: Kind = "alerts") -> str:
    path = FollowerFiles(run, kind).log
    return path.read_text() if path.exists() else ""


def followers_of(run: RunDirectory) -> list[psutil.Process]:
    """Those that are alive."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "workbench.followers.process" in line and str(run.path) in line and process.info["status"] != "zombie":
            found.append(process)
    return found


def sent(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_killed_trainer_is_one_lost_alert_by_every_way_though_a_server_hangs(
    run: RunDirectory, alerts: Callable[[str], None], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with serving() as server, serving() as hanging:
        hanging.is_hanging.set()
        alerts(
            f"command = 'cat >> {out}; echo >> {out}; echo {SECRET}; echo {SECRET} >&2'\n"
            f'webhook = "{hanging.address}"\nntfy = "{server.address}"\ntoken = "{SECRET}"'
        )
        since = time.time()
        trainer = trainer_of(run, 60)
        assert start_followers(run, since=since) == []
        assert start_followers(run, since=since) == []  # as when two have started it
        wait_for(lambda: "follows since" in log_of(run))
        os.kill(trainer.pid, signal.SIGKILL)
        trainer.wait()
        wait_for(lambda: sent(out) and server.got)
        time.sleep(1)
        assert sent(out) == ["lost"]
        assert [content["tags"] for _, _, content in server.got] == [["lost"]]
        wait_for(lambda: hanging.got)  # which delayed neither
        for process in followers_of(run):
            process.kill()
    for file in run.path.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_text(errors="replace"), file


@pytest.mark.parametrize(("command_ends_with", "seconds"), [("", 0.5), ("; sleep 2", 3.0)], ids=["after", "meanwhile"])
@pytest.mark.slow
def test_each_life_of_a_run_sends_its_end_once(
    run: RunDirectory, alerts: Callable[[str], None], tmp_path: Path, command_ends_with: str, seconds: float
) -> None:
    """meanwhile: the second life begins, and ends, while the follower of the first still sends its alert."""
    out = tmp_path / "out"
    alerts(f"command = 'cat >> {out}; echo >> {out}{command_ends_with}'")
    for life in (1, 2):
        since = time.time()
        trainer = trainer_of(run, seconds)
        start_followers(run, since=since)
        trainer.wait()
        wait_for(lambda: len(sent(out)) >= life)  # noqa: B023
        if not command_ends_with:
            wait_for(lambda: not followers_of(run))
    wait_for(lambda: not followers_of(run))
    assert sent(out) == ["completed", "completed"]


def test_a_command_that_fails_is_said_where_the_user_looks(run: RunDirectory, alerts: Callable[[str], None]) -> None:
    alerts("command = 'exit 3'")
    since = time.time()
    trainer = trainer_of(run, 0.5)
    start_followers(run, since=since)
    trainer.wait()
    wait_for(lambda: "problem: command could not send 'completed': it ended with exit code 3" in log_of(run))


def test_nothing_is_started_unless_it_is_asked_for(run: RunDirectory, alerts: Callable[[str], None]) -> None:
    alerts('terminal = "bell"')
    assert start_followers(run) == []
    assert not (run.path / "followers").exists()


def test_what_prevents_a_follower_is_said_and_nothing_is_raised(
    run: RunDirectory, alerts: Callable[[str], None], tmp_path: Path
) -> None:
    alerts(f'webhook = "ftp://{SECRET}"')
    [problem] = start_followers(run)
    assert problem.startswith("no alerts are sent: ")
    assert SECRET not in problem
    alerts("command = 'true'")
    (run.path / "followers").write_text("a file")
    [problem] = start_followers(run)
    assert "cannot write" in problem
    shutil.rmtree(run.path)
    [first, second] = start_followers(run, tensorboard=tmp_path / "tb")
    assert first.startswith("TensorBoard gets nothing from this run: cannot write")
    assert second.startswith("no alerts are sent: cannot write")


def test_a_trial_sends_nothing_for_its_study_does(alerts: Callable[[str], None], tmp_path: Path) -> None:
    alerts("command = 'true'")
    trial = create_run(tmp_path / "trials", "made", Preset(name="made").to_toml(), study="a-study")
    assert start_followers(trial) == []
    assert not (trial.path / "followers").exists()


def test_a_run_that_is_deleted_while_it_is_followed_ends_the_followers(
    run: RunDirectory, alerts: Callable[[str], None], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    alerts(f"command = 'cat >> {out}; echo >> {out}'")
    trainer = trainer_of(run, 60)
    start_followers(run, tensorboard=tmp_path / "tb")
    wait_for(lambda: "follows since" in log_of(run) and "writes to" in log_of(run, "tensorboard"))
    shutil.rmtree(run.path)
    assert trainer.wait(20) != 0
    wait_for(lambda: not followers_of(run))
    assert sent(out) == ["lost"]
    assert not run.path.exists()
    assert list((tmp_path / "tb" / run.name).glob("events.out.tfevents.*"))


def test_a_killed_follower_is_started_again_and_continues_its_file(run: RunDirectory, tmp_path: Path) -> None:
    folder = tmp_path / "tb"
    guard = Guard(run, lambda kind, since: start_followers(run, tensorboard=folder, since=since, kinds=[kind]))
    trainer = trainer_of(run, 60)
    start_followers(run, tensorboard=folder)
    wait_for(lambda: "writes to" in log_of(run, "tensorboard"))
    assert guard.check() == []
    [process] = followers_of(run)
    process.kill()
    wait_for(lambda: not followers_of(run))
    said = wait_for(lambda: [*guard.check(), *guard.check()])
    assert said == ["tensorboard: its process ended while it was needed, and was started again"]
    wait_for(lambda: log_of(run, "tensorboard").count("writes to") == 2)
    trainer.kill()
    trainer.wait()
    wait_for(lambda: not followers_of(run))
    assert "problem" not in log_of(run, "tensorboard")
    assert len(list((folder / run.name).glob("events.out.tfevents.*"))) == 1


def test_followers_import_neither_pytorch_nor_textual() -> None:
    modules = ("process", "alerts", "tensorboard")
    code = f"import sys{''.join(f', workbench.followers.{name}' for name in modules)}; print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert {"tensorboardX", "workbench.alerts.judge"} <= set(done.stdout.split())
    assert not {"torch", "textual", "workbench.training", "sklearn"} & set(done.stdout.split())
