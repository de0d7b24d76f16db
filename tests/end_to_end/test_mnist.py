"""The shipped MNIST presets reach the accuracy they promise, on the real files where there are some."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.benchmarks.mnist_sized import RAW
from tests.end_to_end.conftest import Workbench

FOLDER = Path(os.environ.get("WORKBENCH_DATA") or Path(__file__).parents[3] / "shared" / "data")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (FOLDER / RAW / "train-images-idx3-ubyte").exists(), reason="the MNIST files are not on this machine"
    ),
]


@pytest.mark.parametrize(
    ("preset", "accuracy", "fewer"),
    [
        ("mnist-mlp", 0.963, []),
        ("mnist-mlp-tuned", 0.980, []),
        # The whole preset reaches more; two epochs are what a test can spend.
        ("mnist-cnn", 0.991, ["--set", "training.epochs=2"]),
    ],
)
def test_a_preset_keeps_its_promise(workbench: Workbench, preset: str, accuracy: float, fewer: list[str]) -> None:
    done = workbench.run(
        "--preset", preset, "--quiet", "--set", f'data.folder="{FOLDER}"', *fewer,
        timeout=480,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((Path(done.stdout.strip()) / "summary.json").read_text())
    assert summary["test"]["accuracy"] >= accuracy
