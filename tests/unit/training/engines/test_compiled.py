"""The compiled engine computes what the eager one does: for every activation and every loss.

A network holds all activations at once, for each program that is compiled takes seconds. Optimizers and learning rates:
see `test_compiled_update`; dropout, batch norm and a whole training are compared in `test_traced_engine`.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from workbench.training.engines.eager import EagerEngine

from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import LOSSES, losses_for
from workbench.settings.preset import Preset
from workbench.training.engines.compiled import CompiledEngine
from workbench.training.job import Job, build_job
from workbench.training.timing.clock import PhaseClock

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs a C++ compiler")

DATA = {
    "classification": ["data.name=digits", "data.batch_size=128"],
    "regression": ["data.name=diabetes", "data.batch_size=32"],
}
STEPS = 6


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is compiled is compiled here."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


def job_of(task: str, loss: str) -> Job:
    preset = Preset().override([*DATA[task], f"loss.name={loss}", "runtime.device=cpu", "model.hidden=[8]"])
    return build_job(preset, lambda _: None)


def trained(kind: type[EagerEngine], job: Job, model: nn.Module) -> tuple[list[float], list[Tensor]]:
    """Losses and weights of some steps with a copy of `model`."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    engine = kind(
        model, job.loss, optimizer, job.train, job.precision, PhaseClock(), lambda _: 0.05, device=job.device,
        count_hits=job.task.kind == "classification",
    )  # fmt: skip
    engine.start_epoch(torch.arange(STEPS * job.preset.data.batch_size))
    for step in range(1, STEPS + 1):
        engine.run_steps(step)
    losses = [loss.loss for loss in engine.losses.read(wait=True)]
    return losses, [parameter.detach() for parameter in model.parameters()]


def assert_same(job: Job, model: nn.Module) -> None:
    (expected, weights), (found, compiled_weights) = (
        trained(EagerEngine, job, model),
        trained(CompiledEngine, job, model),
    )
    assert len(set(expected)) == STEPS, "it learns, or nothing would be compared"
    assert found == pytest.approx(expected, rel=1e-4)
    for one, other in zip(compiled_weights, weights, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_every_activation_is_compiled_right() -> None:
    job = job_of("classification", "cross_entropy")
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten()]
    for label in ACTIVATIONS.labels:
        layers += [nn.LazyLinear(32), Preset().override([f"activation.name={label}"]).activation.build()]
    model = nn.Sequential(*layers, nn.LazyLinear(job.task.outputs))
    model(torch.zeros(1, *job.input_shape))
    assert_same(job, model)


@pytest.mark.parametrize(
    ("task", "loss"), [(task, loss) for task in DATA for loss in losses_for(task)], ids="{}".format
)
def test_every_loss_is_compiled_right(task: str, loss: str) -> None:
    job = job_of(task, loss)
    torch.manual_seed(0)
    features = torch.Size(job.input_shape).numel()
    assert_same(job, nn.Sequential(nn.Flatten(), nn.Linear(features, job.task.outputs)))


def test_every_loss_is_among_them() -> None:
    assert {loss for task in DATA for loss in losses_for(task)} == set(LOSSES.labels)
