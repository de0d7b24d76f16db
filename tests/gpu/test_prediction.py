"""A model predicts on a GPU what it predicts on the CPU, and with less at a time where the GPU's memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.gpu.conftest import GPU_ONLY
from tests.unit.prediction.conftest import Trained, predict, train
from workbench.training.memory.out_of_memory import is_out_of_memory

pytestmark = GPU_ONLY

CNN = ("data.name=digits", "data.batch_size=100", "model.name=cnn", "model.channels=[8, 16]")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("digits"), *CNN, "runtime.device=cuda")


def images(folder: Path, count: int) -> Path:
    x = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    np.savez(folder / "x.npz", x=x)
    return folder / "x.npz"


def probabilities(lines: list[dict[str, Any]]) -> torch.Tensor:
    return torch.tensor([list(line["probabilities"].values()) for line in lines])


def test_new_inputs_have_the_answers_of_the_cpu(digits: Trained, tmp_path: Path) -> None:
    file = images(tmp_path, 500)
    on_cpu, _ = predict(digits.run.path, file, device="cpu")
    on_gpu, _ = predict(digits.run.path, file, device="cuda")
    torch.testing.assert_close(probabilities(on_gpu), probabilities(on_cpu), rtol=0, atol=1e-4)


def test_the_test_split_has_the_metrics_of_the_run(digits: Trained) -> None:
    _, predicted = predict(digits.run.path, split="test", device="cuda")
    for name, value in predicted.metrics.items():
        assert value == pytest.approx(digits.test[name], rel=1e-5), name


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_run_in_less_precision_has_the_metrics_of_the_run(tmp_path: Path, precision: str) -> None:
    trained = train(tmp_path, *CNN, "runtime.device=cuda", f"runtime.precision={precision}")
    _, predicted = predict(trained.run.path, split="test", device="cuda")
    for name, value in predicted.metrics.items():
        assert value == pytest.approx(trained.test[name], rel=1e-3), name


@pytest.fixture
def _little_memory() -> Iterator[None]:
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**28 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.usefixtures("_little_memory")
def test_memory_that_runs_out_halves_the_batch(digits: Trained, tmp_path: Path) -> None:
    """All images at once would need 307 MB for the first layer alone, 8 x 8 x 8 numbers each, and there are 268."""
    count = 150_000
    with pytest.raises(torch.OutOfMemoryError) as raised:
        torch.empty(count, 8, 8, 8, device="cuda")
    assert is_out_of_memory(raised.value)
    file = images(tmp_path, count)
    lines, predicted = predict(digits.run.path, file, device="cuda", batch_size=count)
    assert predicted.samples == count
    few, _ = predict(digits.run.path, images(tmp_path, 100), device="cuda")
    assert len(few) == 100
    assert lines[-1]["row"] == count
