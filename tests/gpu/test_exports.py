"""What was trained on a GPU leaves it: every format is written and checked on the CPU, and runs on either."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.export.passes import move_to_device_pass

from tests.gpu.conftest import DIGITS, GPU_ONLY
from tests.unit.training.scripted import new_trainer
from workbench.export.onnx_file import PACKAGES
from workbench.export.safetensors_file import load_safetensors
from workbench.export.write import write_checked
from workbench.processes.export import Request
from workbench.runs.checkpoints import best_checkpoint
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY

CNN = ["model.name=cnn", "model.channels=[8, 16]"]
MODELS = {
    "mlp": [],
    "cnn in bf16": [*CNN, "runtime.precision=bf16"],
    "cnn in a graph": [*CNN, "runtime.engine=cuda_graph"],
}
KINDS = ["safetensors", "torch_export", "onnx"]


@pytest.fixture(scope="module", params=list(MODELS.values()), ids=list(MODELS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    own = [each for each in DIGITS if not (request.param and each.startswith("model."))]
    trainer = new_trainer(tmp_path_factory.mktemp("runs"), [*own, *request.param, "training.epochs=2"])
    trainer.train()
    return trainer


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_written_and_agrees_with_the_checkpoint(trained: Trainer, kind: str, tmp_path: Path) -> None:
    if kind == "onnx" and any(find_spec(name) is None for name in PACKAGES):
        pytest.skip("needs the extra onnx")
    made = write_checked(Request(str(trained.run.path), kind, str(tmp_path / "model")), lambda doing: None)
    assert (made.checkpoint, made.origin, made.samples) == ("best.pt", "validation", 32)
    assert made.difference < 1e-5
    assert made.same_classes == 1


def test_the_files_run_on_the_gpu_too(trained: Trainer, tmp_path: Path) -> None:
    """In float32, of which a GPU may round products to TF32."""
    for kind in ("safetensors", "torch_export"):
        write_checked(Request(str(trained.run.path), kind, str(tmp_path / kind)), lambda doing: None)
    gpu = torch.device("cuda")
    pixels = torch.randint(0, 256, (9, 1, 8, 8), dtype=torch.uint8)
    expected = TrainedModel.load(best_checkpoint(trained.run))(pixels)
    loaded = load_safetensors(tmp_path / "safetensors", gpu)(pixels.to(gpu))
    with (tmp_path / "torch_export").open("rb") as file:
        program = move_to_device_pass(torch.export.load(file), "cuda").module()
    for found in (loaded, program(pixels.to(gpu))):
        assert found.is_cuda
        torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=5e-3)
