"""What the tests on a GPU share. They are skipped where PyTorch finds none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from tests.unit.training.scripted import new_trainer

# cuBLAS reads this when its handle is made, which may be in the first test of the process.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

GPU_ONLY = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

DIGITS = [
    "data.name=digits",
    "data.batch_size=100",
    "model.hidden=[64]",
    "runtime.device=cuda",
    "runtime.num_workers=0",
]
"""1,298 training samples: 13 steps an epoch."""


@pytest.fixture(scope="session", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the first training of a process imports draws random numbers of its own."""
    if torch.cuda.is_available():
        new_trainer(tmp_path_factory.mktemp("imported"), ["training.epochs=1"]).train()


@pytest.fixture(autouse=True)
def _settings_of_torch() -> Iterator[None]:
    """Puts back what PyTorch keeps globally, and hands back what memory it holds."""
    precision, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    benchmark, tf32 = cudnn.benchmark, cudnn.allow_tf32
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision(precision)
    cudnn.benchmark, cudnn.allow_tf32 = benchmark, tf32
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode("default")
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def ampere() -> bool:
    """Whether the GPU knows tf32 and bf16."""
    return torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)
