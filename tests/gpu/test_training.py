"""Every precision and every optimizer trains on a GPU, deterministically where asked, and resumes to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.gpu.conftest import DIGITS, GPU_ONLY, ampere
from tests.unit.training.checkpointing.test_resume import assert_same, check_resume, uninterrupted
from tests.unit.training.engines.making import direct_engine
from tests.unit.training.engines.test_against_plain_pytorch import plain_optimizer, table
from tests.unit.training.plain import plain_losses
from tests.unit.training.scripted import new_trainer, of_type, poll_after_every_step
from workbench.data.samples import InMemory
from workbench.errors import DeviceError
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd, Prepared
from workbench.runs.tail import EventTail
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.optimizer_choice import OptimizerChoice
from workbench.settings.preset import Preset
from workbench.training.batches import OnDeviceBatches
from workbench.training.device import configure_torch, resolve_device

pytestmark = GPU_ONLY

PRECISIONS = [
    "float32",
    pytest.param("tf32", marks=pytest.mark.skipif(not ampere(), reason="needs Ampere or later")),
    pytest.param("bf16", marks=pytest.mark.skipif(not ampere(), reason="needs Ampere or later")),
    "fp16",
]
CNN = ["model.name=cnn", "model.channels=[8, 16]", "model.hidden=0"]
"""In place of the hidden layers of DIGITS."""


def digits(*others: str) -> list[str]:
    return [*(part for part in DIGITS if not part.startswith("model.")), *others]


def test_auto_is_the_gpu_and_a_gpu_beyond_the_last_is_an_error() -> None:
    assert resolve_device("auto") == torch.device("cuda", 0)
    count = torch.cuda.device_count()
    with pytest.raises(DeviceError, match=torch.cuda.get_device_name(0)):
        resolve_device(f"cuda:{count}")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", [["model.hidden=[64]"], CNN], ids=["mlp", "cnn"])
def test_every_precision_trains_and_the_loss_falls(tmp_path: Path, precision: str, model: list[str]) -> None:
    chosen = ["training.epochs=8", "optimizer.learning_rate=0.005", f"runtime.precision={precision}"]
    trainer = new_trainer(tmp_path, digits(*model, *chosen))
    trainer.train()
    ends = of_type(trainer, EpochEnd)
    assert ends[-1].train["loss"] < 0.5 * ends[0].train["loss"]
    assert ends[-1].validation is not None
    assert ends[-1].validation["accuracy"] > 0.9
    assert all(parameter.is_cuda and parameter.dtype == torch.float32 for parameter in trainer.job.model.parameters())


def test_float32_is_exact_and_tf32_is_not_where_the_gpu_has_it() -> None:
    generator = torch.Generator().manual_seed(1)
    one, other = (torch.randn(512, 512, generator=generator).cuda() for _ in range(2))
    exact = one.double() @ other.double()
    errors = {}
    for name in ("float32", "tf32") if ampere() else ("float32",):
        configure_torch(Preset().override([f"runtime.precision={name}"]).runtime, torch.device("cuda", 0))
        errors[name] = float(((one @ other).double() - exact).abs().max())
    assert errors["float32"] < 1e-3
    assert errors.get("tf32", 1.0) > 10 * errors["float32"]


STEPS = 4


def engine_losses(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, order: Tensor
) -> list[float]:
    """The losses that our engine logs on the GPU."""
    device = torch.device("cuda", 0)
    source = OnDeviceBatches(InMemory(inputs, targets), nn.Identity(), 8, device, None)  # type: ignore[arg-type]
    rate = float(optimizer.param_groups[0]["lr"])
    engine = direct_engine(
        model.train(), nn.functional.cross_entropy, optimizer, source, lambda step: rate, device=device
    )
    engine.start_epoch(order)
    for step in range(1, STEPS + 1):
        engine.run_steps(step)
    return [step.loss for step in engine.losses.read(wait=True)]


@pytest.mark.parametrize("label", OPTIMIZERS.labels)
def test_every_optimizer_trains_as_a_hand_written_loop_does(label: str) -> None:
    """Ours in its fastest implementation against the plain one, both on the GPU, from the same weights."""
    configure_torch(Preset().runtime, torch.device("cuda", 0))
    inputs, targets, order = table(classes=True)
    choice = OPTIMIZERS.choice(label)
    assert choice is not None
    chosen = choice()
    assert isinstance(chosen, OptimizerChoice)
    models = []
    for _ in range(2):
        torch.manual_seed(5)
        models.append(nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).cuda())
    expected = plain_losses(
        models[0],
        plain_optimizer(label, models[0].parameters()),
        nn.CrossEntropyLoss(),
        inputs.cuda(),
        targets.cuda(),
        [indices.cuda() for indices in order.split(8)],
    )
    found = engine_losses(models[1], chosen.build(list(models[1].parameters())), inputs, targets, order)
    assert len(found) == STEPS
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)


DETERMINISTIC = ["runtime.deterministic=true", "training.epochs=2"]
AUGMENTED = ["data.flip=true", "data.shift=1", "data.cutout=2", "model.dropout=0.2"]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", [["model.hidden=[64]"], CNN], ids=["mlp", "cnn"])
def test_deterministic_runs_are_the_same_to_the_bit(tmp_path: Path, precision: str, model: list[str]) -> None:
    chosen = digits(*model, *AUGMENTED, *DETERMINISTIC, f"runtime.precision={precision}")
    first, second = uninterrupted(tmp_path, *chosen), uninterrupted(tmp_path, *chosen)
    assert len(first["losses"]) == 26
    assert_same(second, first)


@pytest.mark.parametrize(
    "settings",
    [
        ["model.hidden=[64]", *AUGMENTED],
        [*CNN, *AUGMENTED],
        ["model.hidden=[64]", "runtime.precision=fp16", "schedule.name=one_cycle"],
        ["model.hidden=[64]", "runtime.data_loading=dataloader"],
        ["model.hidden=[64]", "optimizer.name=lion", "training.gradient_accumulation=2", "data.batch_size=50"],
    ],
    ids=["mlp", "cnn", "fp16", "loader", "lion"],
)
def test_a_deterministic_run_resumes_in_mid_epoch_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str]
) -> None:
    poll_after_every_step(monkeypatch)
    check_resume(tmp_path, *digits(*settings, "runtime.deterministic=true"))


def test_the_trainers_process_trains_on_the_gpu(tmp_path: Path) -> None:
    preset = Preset().override([*DIGITS, "training.epochs=3", "optimizer.learning_rate=0.005"])
    run = create_run(tmp_path, preset.name, preset.to_toml())
    command = [sys.executable, "-m", "workbench.training.processes.worker", str(run.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [prepared] = [event for _, event in EventTail(run.events).read() if isinstance(event, Prepared)]
    assert (prepared.device, prepared.data_loading) == ("cuda:0", "on_device")
    assert prepared.device_name == torch.cuda.get_device_name(0)
    summary: dict[str, Any] = json.loads(run.summary.read_text())
    assert summary["status"] == "completed"
    assert summary["torch_peak_bytes"] > 0
    assert summary["test"]["accuracy"] > 0.8
    environment = json.loads(run.environment.read_text())
    assert environment["gpus"]
    assert environment["driver"]
