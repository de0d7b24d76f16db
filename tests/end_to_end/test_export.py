"""`workbench export` of models as a user runs it: files that others read, each compared with its checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.end_to_end.conftest import Workbench, wait_for
from tests.unit.export.made import drawn_run
from workbench.export.safetensors_file import load_safetensors
from workbench.training.checkpointing.trained_model import TrainedModel

PIXELS = ("data.name=digits", "model.name=cnn", "model.channels=[4, 8]")


@pytest.fixture
def run_of(workbench: Workbench) -> Callable[..., Path]:
    """Makes a run with a checkpoint in the folder of runs; gives its directory."""
    return lambda *assignments: drawn_run(workbench.folder / "runs", *assignments).path


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.slow
def test_a_trained_model_leaves_in_each_format(workbench: Workbench) -> None:
    trained = workbench.run("train", "fast", "--set", "training.epochs=1", "--quiet")
    run = Path(trained.stdout.strip())
    model = TrainedModel.load(run / "checkpoints" / "best.pt")
    for kind in ("safetensors", "torch_export", "onnx"):
        result = result_of(workbench.run("export", run.name, "--to", kind, "--out", ".", "--json"))
        assert (result["to"], result["checkpoint"], result["epoch"]) == (kind, "best.pt", 1)
        assert (result["sample_origin"], result["samples"], result["batches"]) == ("validation", 32, [1, 2, 7, 22])
        assert result["difference"] < 1e-6
        assert result["same_classes"] == 1
        assert result["bytes"] == Path(result["path"]).stat().st_size
    pixels = torch.randint(0, 256, (5, *model.raw["shape"]), dtype=torch.uint8)
    expected = model(pixels)
    names = {file.suffix: file for file in workbench.folder.iterdir() if file.is_file()}
    assert torch.equal(load_safetensors(names[".safetensors"])(pixels), expected)
    program = torch.export.load(names[".pt2"]).module()
    torch.testing.assert_close(program(pixels), expected, rtol=0, atol=1e-6)
    script = (
        "import sys, numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1])\n"
        "print(session.run(None, {'samples': numpy.load(sys.argv[2])})[0].tolist())\n"
        "assert not {'torch', 'workbench'} & set(sys.modules)\n"
    )
    np.save(workbench.folder / "pixels.npy", pixels.numpy())
    command = [sys.executable, "-P", "-I", "-c", script, str(names[".onnx"]), str(workbench.folder / "pixels.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    torch.testing.assert_close(torch.tensor(json.loads(done.stdout)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interruption_leaves_nothing_behind(
    workbench: Workbench, run_of: Callable[..., Path], number: signal.Signals
) -> None:
    run = run_of(*PIXELS)
    out = workbench.folder / "out"
    process = workbench.start("export", str(run), "--to", "onnx", "--out", str(out / "model.onnx"))
    wait_for(lambda: out.exists() and list(out.iterdir()))
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    assert not out.exists()


@pytest.mark.slow
def test_a_kill_leaves_the_old_file_as_it_was(workbench: Workbench, run_of: Callable[..., Path]) -> None:
    run, file = run_of(*PIXELS), workbench.folder / "out" / "model.onnx"
    file.parent.mkdir()
    file.write_text("the old one")
    process = workbench.start("export", str(run), "--to", "onnx", "--out", str(file), "--overwrite")
    wait_for(lambda: len(list(file.parent.iterdir())) == 2)
    process.kill()
    process.wait()
    assert file.read_text() == "the old one"
    assert len(list(file.parent.iterdir())) == 2
    assert workbench.run("export", str(run), "--to", "safetensors", "--out", str(file), "--overwrite").returncode == 0
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_nothing_behind(workbench: Workbench, run_of: Callable[..., Path]) -> None:
    """A limit on the size of files, which PyTorch's zip writer does not tell from other errors."""
    run = run_of("data.name=digits", "model.hidden=[512]")
    out = workbench.folder / "out"
    command = workbench.command("export", str(run), "--to", "torch_export", "--out", str(out / "model.pt2"))
    # Bytecode that is cut off at the limit would break every later command of this environment.
    limited = ["bash", "-c", 'export PYTHONDONTWRITEBYTECODE=1; ulimit -f 64; exec "$@"', "bash", *command]
    done = subprocess.run(
        limited, cwd=workbench.folder, env=workbench.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert f"cannot write {out / 'model.pt2'}: File too large. Free some space" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_what_is_wrong_is_said(workbench: Workbench, run_of: Callable[..., Path]) -> None:
    run = run_of("data.name=iris")
    (workbench.folder / "there.onnx").write_text("mine")
    checkpoint = run / "checkpoints" / "best.pt"
    for arguments, code, said in (
        ((str(run), "--to", "onx"), 2, "did you mean onnx?"),
        ((str(run), "--to", "onnx", "--out", "there.onnx"), 2, "--overwrite"),
        (("nothing", "--to", "onnx"), 2, "there is no run 'nothing'"),
        ((str(run), "--to", "safetensors", "--out", "/proc/model.safetensors"), 3, "cannot write /proc/model"),
    ):
        done = workbench.run("export", *arguments)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    checkpoint.unlink()
    done = workbench.run("export", str(run), "--to", "safetensors", "--out", "nd/x/model.safetensors")
    assert done.returncode == 3
    assert not (workbench.folder / "nd").exists()
    assert "has no checkpoint, so there is no model" in done.stderr
    assert sorted(path.name for path in workbench.folder.iterdir() if path.is_file()) == ["there.onnx"]


def test_the_command_itself_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import workbench.headless.export\n"
        "from workbench.headless.exports import onnx, safetensors, torch_export\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'onnxscript', 'safetensors', 'numpy', 'textual'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
