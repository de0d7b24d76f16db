"""A loop of the user's own has TensorBoard and alerts as any run has, by processes beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import workbench
from tests.unit.followers.test_process import followers_of, wait_for
from tests.unit.tensorboard.test_run_writer import read, scalars
from workbench.alerts.file import VARIABLE
from workbench.runs.directory import RunDirectory


def test_a_watched_loop_is_shown_by_tensorboard_and_its_end_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, settings = tmp_path / "out", tmp_path / "alerts.toml"
    settings.write_text(f"[alerts]\ntarget = 'accuracy>=0.5'\ncommand = 'cat >> {out}; echo >> {out}'\n")
    settings.chmod(0o600)
    monkeypatch.setenv(VARIABLE, str(settings))
    with workbench.watch(
        "mine", epochs=2, settings={"rate": 0.25}, runs_dir=tmp_path / "runs", tensorboard=tmp_path / "tb"
    ) as run:
        for epoch in run.epochs():
            for batch in run.steps([1.0, 0.5]):
                run.log(loss=batch, score=2.0)
            run.validation(accuracy=0.4 + epoch / 4)
    assert run.directory is not None
    directory = RunDirectory(run.directory)
    wait_for(lambda: not followers_of(directory))
    assert [json.loads(line)["event"] for line in out.read_text().splitlines()] == ["target", "completed"]
    folder = tmp_path / "tb" / directory.name
    assert [(step, value) for step, value, _ in scalars(folder, "loss/step")] == [
        (1, 1.0),
        (2, 0.5),
        (3, 1.0),
        (4, 0.5),
    ]
    assert [step for step, _, _ in scalars(folder, "accuracy/validation")] == [2, 4]
    assert scalars(folder, "score/train")[-1][:2] == (4, 2.0)
    assert "learning_rate" not in read(folder).Tags()["scalars"]


def test_a_loop_without_alerts_imports_and_starts_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, workbench\n"
        f"with workbench.watch('mine', runs_dir={str(tmp_path)!r}) as run:\n"
        "    pass\n"
        "assert not (run.directory / 'followers').exists()\n"
        "print(*sys.modules)"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert not {"workbench.alerts.settings", "tensorboardX", "pydantic"} & set(done.stdout.split())
