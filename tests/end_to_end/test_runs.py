"""`workbench runs` and its subcommands on runs that the command itself has trained."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import LONG, Workbench, steps_logged, wait_for
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, read_labels

QUICK = ["--preset", "iris", "--quiet", "--set", "training.epochs=2"]


def rows(workbench: Workbench, *words: str) -> list[dict[str, Any]]:
    done = workbench.run("runs", *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_runs_are_found_labelled_renamed_resumed_and_deleted(workbench: Workbench) -> None:
    for name in ("sgd", "adam"):
        assert workbench.run(*QUICK, "--set", f"optimizer.name={name}").returncode == 0
    sgd, adam = (run.name for run in workbench.runs)
    assert [row["name"] for row in rows(workbench, "--where", "optimizer.name=sgd")] == [sgd]
    best = max(rows(workbench), key=lambda row: row["best"] * (1 if row["monitor"] != "loss" else -1))
    assert rows(workbench, "--sort", "best", "--limit", "1") == [best]
    assert rows(workbench, "--where", f"{best['monitor']}={best['best']!r}", "--sort", "best")[0] == best

    assert workbench.run("runs", "tag", sgd, "+good", "+hot").stdout == f"{sgd}: good hot\n"
    assert workbench.run("runs", "tag", "*", "-hot", "+seen").returncode == 0
    assert workbench.run("runs", "note", adam, "the slower one").returncode == 0
    assert [(row["name"], row["note"]) for row in rows(workbench, "--tag", "seen")] == [
        (adam, "the slower one"),
        (sgd, None),
    ]

    assert workbench.run("runs", "rename", sgd, "baseline").returncode == 0
    [renamed] = rows(workbench, "--tag", "good")
    assert (renamed["name"], renamed["status"], renamed["epoch"]) == ("baseline", "completed", 2)
    assert [row["name"] for row in rows(workbench)] == [adam, "baseline"], "it is still the older one"
    done = workbench.run("resume", "baseline")
    assert done.returncode == 2
    assert "baseline" in done.stderr, "the new name is known"

    asked = subprocess.run(
        workbench.command("runs", "delete", "*iris*"), cwd=workbench.folder, env=workbench.environment,
        input="y\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout == f"deleted runs/{adam}\n"
    assert [row["name"] for row in rows(workbench)] == ["baseline"]


@pytest.mark.slow
def test_a_run_in_progress_is_labelled_and_neither_renamed_nor_deleted(workbench: Workbench) -> None:
    reader = workbench.start(*QUICK[:2], *LONG)
    run = workbench.training_run()
    assert workbench.run("runs", "tag", run.name, "+live").returncode == 0
    for words in (("rename", run.name, "mine"), ("delete", "--yes", run.name)):
        done = workbench.run("runs", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: {run.name} is in progress: stop it first\n"
    ask(run, "stop")
    reader.communicate()
    assert [row["tags"] for row in rows(workbench, "--status", "stopped")] == [["live"]]
    assert workbench.run("runs", "rename", run.name, "mine").returncode == 0
    renamed = RunDirectory(workbench.folder / "runs" / "mine")
    before = steps_logged(renamed)
    resumed = workbench.start("resume", "mine")
    wait_for(lambda: steps_logged(renamed) > before)
    ask(renamed, "stop")
    assert "Traceback" not in resumed.communicate()[1]
    assert read_labels(renamed.labels) == Labels(("live",)), "the trainer leaves them alone"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_said(workbench: Workbench) -> None:
    folder = Path(workbench.folder / "runs" / "20261124T110000Z-fast-0001")
    folder.mkdir(parents=True)
    (folder / "preset.toml").write_text('name = "fast"\n')
    folder.chmod(0o500)
    done = workbench.run("runs", "tag", "fast", "+good")
    folder.chmod(0o700)
    assert done.returncode == 3
    assert "Permission denied" in done.stderr
