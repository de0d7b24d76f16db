"""What leaves the box runs in environments without workbench: made anew, with only the packages that it needs.

They are made of what uv has in its cache, without a network; where something is missing the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.end_to_end.conftest import Workbench, events_of
from workbench.runs.checkpoints import best_checkpoint
from workbench.training.checkpointing.files import load
from workbench.training.checkpointing.trained_model import TrainedModel

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")]

NOTHING_ELSE = """
import importlib.util, sys
for name in sys.argv[1].split(","):
    assert importlib.util.find_spec(name) is None, f"{name} is there"
"""
WITH_TORCH = """
import json, sys, numpy, torch
extra = {"workbench.json": ""}
program = torch.export.load(sys.argv[1], extra_files=extra).module()
with torch.no_grad():
    print(json.dumps(program(torch.from_numpy(numpy.load(sys.argv[2]))).tolist()))
assert len(json.loads(extra["workbench.json"])["classes"]) == 3
"""
WITH_ONNXRUNTIME = """
import json, sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
print(json.dumps(session.run(None, {"samples": numpy.load(sys.argv[2])})[0].tolist()))
"""


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a new environment with these packages, in the versions that are installed here."""
    exact = [f"{name}=={version(name).partition('+')[0]}" for name in packages]
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(folder)],
        ["uv", "pip", "install", "--quiet", "--offline", "--python", str(folder / "bin" / "python"), *exact],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{', '.join(packages)} cannot be had offline: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "bin" / "python"


def run_in(python: Path, folder: Path, *arguments: str) -> str:
    """What a program prints there, with nothing of this environment in sight."""
    folder.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([str(python), *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_and_the_program_need_torch_alone_and_onnx_onnxruntime_alone(
    workbench: Workbench, tmp_path: Path
) -> None:
    with_torch = environment(tmp_path / "with-torch", "torch", "numpy", "scikit-learn")
    with_onnxruntime = environment(tmp_path / "with-onnxruntime", "onnxruntime", "numpy")
    elsewhere = tmp_path / "elsewhere"
    run_in(with_torch, elsewhere, "-c", NOTHING_ELSE, "workbench,textual,onnxruntime,safetensors,pydantic")
    run_in(with_onnxruntime, elsewhere, "-c", NOTHING_ELSE, "workbench,torch,textual,sklearn,onnx")

    done = workbench.run("train", "iris", "--set", "training.epochs=20", "--quiet")
    assert done.returncode == 0, done.stderr
    run = workbench.the_run()
    files = {}
    for kind, suffix in (("script", "py"), ("torch_export", "pt2"), ("onnx", "onnx")):
        files[kind] = workbench.folder / f"mine.{suffix}"
        exported = workbench.run("export", run.name, "--to", kind, "--out", str(files[kind]))
        assert exported.returncode == 0, exported.stderr

    printed = run_in(with_torch, elsewhere, str(files["script"]))
    kept = load(best_checkpoint(run), torch.device("cpu"))["model"]
    weights = torch.load(elsewhere / "iris.pt", weights_only=True)
    assert list(weights) == list(kept)
    assert all(torch.equal(weights[name], kept[name]) for name in kept), "the same to the bit"
    tested = events_of(run, "test")[0]["metrics"]
    assert f"'loss': {tested['loss']!r}, 'accuracy': {tested['accuracy']!r}" in printed.splitlines()[-1]

    model = TrainedModel.load(best_checkpoint(run))
    samples = torch.rand(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 8
    samples = samples.to(getattr(torch, model.raw["type"]))
    np.save(tmp_path / "samples.npy", samples.numpy())
    expected = model(samples)
    for kind, python, program in (
        ("torch_export", with_torch, WITH_TORCH),
        ("onnx", with_onnxruntime, WITH_ONNXRUNTIME),
    ):
        found = json.loads(run_in(python, elsewhere, "-c", program, str(files[kind]), str(tmp_path / "samples.npy")))
        torch.testing.assert_close(torch.tensor(found), expected, rtol=0, atol=1e-6)
