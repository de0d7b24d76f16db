"""The real command: hostile texts (reliability S3), and output that nobody can or will read (R8)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import PATIENCE_SECONDS, Workbench
from workbench.printable import is_printable
from workbench.runs.status import read_summary

HOSTILE = "\x1b]52;c;cHduZWQ=\x07\x1b[31m\x9b31m\u202e\u2066"
TOML = HOSTILE.replace("\x1b", "\\u001b").replace("\x07", "\\u0007")
FULL = Path("/dev/full")


def shell(workbench: Workbench, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command under a shell's redirection."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *workbench.command(*arguments)]
    return subprocess.run(
        command, cwd=workbench.folder, env=workbench.environment, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def presets(workbench: Workbench) -> None:
    folder = workbench.folder / "presets"
    folder.mkdir()
    (folder / "hostile.toml").write_text(f'name = "hostile"\ndescription = "a{TOML}"\n[data]\nname = "iris"\n')
    (folder / f"file{HOSTILE}.toml").write_text(f'name = "{TOML}"\n')
    (folder / "key.toml").write_text(f'"key{TOML}" = 1\n[model]\nname = "{TOML}"\n')
    (folder / "folder.toml").mkdir()
    (folder / "nowhere.toml").symlink_to("missing.toml")
    (workbench.folder / "mine.py").write_text(
        f"def data(**arguments):\n    raise ValueError({HOSTILE!r})\ndef model(*_):\n    pass\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--list", "presets"],
        ["--list", f"x{HOSTILE}"],
        ["--explain", f"optimizer.{HOSTILE}"],
        ["--preset", f"x{HOSTILE}"],
        ["--preset", "key"],
        ["--preset", f"file{HOSTILE}"],
        ["--preset", "iris", "--set", f"optimizer.{HOSTILE}=1"],
        ["--preset", "iris", "--set", f"optimizer.name={HOSTILE}"],
        ["--preset", "iris", "--set", HOSTILE],
        ["--resume", HOSTILE],
        [f"--{HOSTILE}"],
        ["--preset", "module-template", "--set", f'data.arguments={{a="{TOML}"}}'],
    ],
    ids=range(12),
)
def test_no_text_of_others_reaches_the_terminal_raw(workbench: Workbench, arguments: list[str]) -> None:
    presets(workbench)
    done = workbench.run(*arguments)
    assert "Traceback" not in done.stderr
    assert is_printable(done.stdout)
    assert is_printable(done.stderr)
    assert "52;c" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_users_exception_and_a_hostile_plan_do_not_either(workbench: Workbench) -> None:
    presets(workbench)
    failed = workbench.run("--preset", "module-template", "--trust-code", "--dry-run")
    planned = workbench.run("--preset", "hostile", "--dry-run", "--json")
    for done, code in ((failed, 3), (planned, 0)):
        assert done.returncode == code
        assert is_printable(done.stdout + done.stderr)
    assert "raised ValueError: \\u001b]52" in failed.stderr
    assert json.loads(planned.stdout)["task"] == "classification"


@pytest.mark.parametrize("arguments", [["--list", "presets"], ["--schema"], ["--explain", "optimizer"], ["--version"]])
def test_an_answer_that_cannot_be_written_is_reported(workbench: Workbench, arguments: list[str]) -> None:
    """R8: 3, in words, where the disk is full; nothing where stdout was closed on purpose or `head` has enough."""
    closed = shell(workbench, ">&-", *arguments)
    assert (closed.returncode, closed.stderr) == (0, "")
    ended = shell(workbench, "| true", *arguments)
    assert ended.stderr == ""
    if FULL.exists():
        full = shell(workbench, ">/dev/full", *arguments)
        assert full.returncode == 3
        assert full.stderr == "error: the output could not be written: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="Linux has it")
@pytest.mark.parametrize("options", [[], pytest.param(["--quiet"], marks=pytest.mark.slow), ["--json"]], ids=str)
@pytest.mark.slow
def test_a_run_completes_though_its_output_is_lost(workbench: Workbench, options: list[str]) -> None:
    """R8: training completes, and the exit code says that what was asked for could not be written."""
    done = shell(workbench, ">/dev/full", "--preset", "iris", "--set", "training.epochs=2", *options)
    assert done.returncode == 3
    assert done.stderr.count("No space left on device") == 1
    assert "Traceback" not in done.stderr
    [run] = workbench.runs
    assert str(run.path) in done.stderr
    summary = read_summary(run)
    assert summary is not None
    assert summary.status == "completed"


def test_a_run_completes_with_its_streams_closed(workbench: Workbench) -> None:
    """R8. What is opened later must not become stdout: the run's files hold what they should."""
    done = shell(workbench, "<&- >&- 2>&-", "--preset", "iris", "--set", "training.epochs=2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [run] = workbench.runs
    assert run.worker_log.read_text() == ""
