"""Compiled gradients and optimizer steps compute what autograd and the optimizer do.

One network has all activations, for each program that is compiled takes seconds. Replayed, with dropout:
`test_cuda_graph`; on a GPU: tests/gpu.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.engines.making import direct_engine
from tests.unit.training.graphs.test_traced_optimizer import (
    RATES,
    by_the_optimizer,
    give_gradients,
    new_parameters,
)
from workbench.errors import PresetError
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import LOSSES, losses_for
from workbench.settings.preset import Preset
from workbench.training.batches import Batch
from workbench.training.device import Precision
from workbench.training.engines import choose as engines
from workbench.training.engines import compiled
from workbench.training.engines.compiled import CompiledGradients, CompiledOptimizer
from workbench.training.engines.direct import DirectEngine
from workbench.training.engines.engine import EngineHooks
from workbench.training.engines.train_step import Autograd, set_learning_rate
from workbench.training.graphs.trace_check import difference, most_error
from workbench.training.graphs.tracing import CannotTraceError, with_random_numbers
from workbench.training.job import Job, build_job
from workbench.training.objective import Objective
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs a C++ compiler")

DATA = {
    "classification": ["data.name=digits", "data.batch_size=128"],
    "regression": ["data.name=diabetes", "data.batch_size=32"],
}
STEPS = 6

Make = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1, momentum=0.5, centered=True, foreach=True),
    "adadelta": lambda parameters: torch.optim.Adadelta(parameters, lr=0.1, foreach=True),
    "adamax": lambda parameters: torch.optim.Adamax(parameters, lr=0.1, foreach=True),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiles everything here, with a compiler that has not given up recompiling."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.compiler.reset()


def job_of(task: str, loss: str) -> Job:
    preset = Preset().override([*DATA[task], f"loss.name={loss}", "runtime.device=cpu", "model.hidden=[8]"])
    return build_job(preset, lambda _: None)


def trained(kind: type[Autograd], job: Job, model: nn.Module) -> tuple[list[float], list[Tensor], int]:
    """Losses, weights and correct samples of some steps with a copy of `model`."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    classes = job.task.kind == "classification"
    engine = direct_engine(
        model, job.loss, optimizer, job.train, lambda _: 0.05, counts_correct=classes, gradients=kind
    )
    batch = next(job.train.batches(torch.arange(job.preset.data.batch_size), PhaseClock()))
    engine.step.gradients.prepare(batch, 1.0)
    engine.start_epoch(torch.arange(STEPS * job.preset.data.batch_size))
    for step in range(1, STEPS + 1):
        engine.run_steps(step)
    losses = [loss.loss for loss in engine.losses.read(wait=True)]
    return losses, [parameter.detach() for parameter in model.parameters()], int(engine.correct)


def assert_same(job: Job, model: nn.Module) -> None:
    expected, weights, correct = trained(Autograd, job, model)
    found, compiled_weights, compiled_correct = trained(CompiledGradients, job, model)
    assert len(set(expected)) == STEPS, "it learns, or nothing would be compared"
    assert found == pytest.approx(expected, rel=1e-4)
    assert compiled_correct == correct
    for one, other in zip(compiled_weights, weights, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@needs_compiler
def test_every_activation_is_compiled_right() -> None:
    job = job_of("classification", "cross_entropy")
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten()]
    for label in ACTIVATIONS.labels:
        layers += [nn.LazyLinear(32), Preset().override([f"activation.name={label}"]).activation.build()]
    model = nn.Sequential(*layers, nn.LazyLinear(job.task.outputs))
    model(torch.zeros(1, *job.input_shape))
    assert_same(job, model)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_loss_is_compiled_right(task: str) -> None:
    """All of a task together, each with another weight."""
    jobs = [job_of(task, loss) for loss in losses_for(task)]
    losses = [job.loss for job in jobs]

    def weighted(scores: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([loss(scores, targets) / (number + 1) for number, loss in enumerate(losses)]).sum()

    torch.manual_seed(0)
    features = torch.Size(jobs[0].input_shape).numel()
    assert_same(replace(jobs[0], loss=weighted), nn.Sequential(nn.Flatten(), nn.Linear(features, jobs[0].task.outputs)))


def test_every_loss_is_among_them() -> None:
    assert {loss for task in DATA for loss in losses_for(task)} == set(LOSSES.labels)


def gradients_of(model: nn.Module, monkeypatch: pytest.MonkeyPatch, made: Callable[[Any], Any]) -> CompiledGradients:
    """Gradients whose compiled code is what `made` makes of the function that is to be compiled."""
    monkeypatch.setattr(compiled, "_compile", made)
    objective = Objective(
        model, nn.CrossEntropyLoss(), Precision("float32", torch.device("cpu")), list(model.parameters())
    )
    return CompiledGradients(objective, torch.zeros((), dtype=torch.int64), PhaseClock())


BATCH = Batch(torch.zeros(8, 4), torch.arange(8) % 3)


def test_to_prepare_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients, random_state = gradients_of(model, monkeypatch, lambda function: function), torch.get_rng_state()
    gradients.prepare(BATCH, 1.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert int(gradients._correct) == 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_compiled_code_that_computes_something_else_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(function: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, Tensor]]:
        return lambda *arguments: (1.01 * function(*arguments)[0], function(*arguments)[1])

    with pytest.raises(CannotTraceError, match="the compiled step does not give the numbers that PyTorch gives"):
        gradients_of(nn.Linear(4, 3), monkeypatch, wrong).prepare(BATCH, 1.0)


def normalized() -> nn.Module:
    """Layers behind which a rounding of bf16 changes gradients by tens of percent."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(6):
        layers += [nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 36, 3))


IMAGES = Batch(torch.zeros(8, 8, 6, 6), torch.arange(8) % 3)


def in_bf16(monkeypatch: pytest.MonkeyPatch, made: Callable[[Objective], Callable[..., Any]]) -> CompiledGradients:
    """Gradients in bf16, whose compiled code is made of the objective in float32."""
    model, cpu = normalized(), torch.device("cpu")
    exact, low = (
        Objective(model, nn.CrossEntropyLoss(), Precision(name, cpu), list(model.parameters()))
        for name in ("float32", "bf16")
    )
    monkeypatch.setattr(compiled, "_compile", lambda _: made(exact))
    return CompiledGradients(low, torch.zeros((), dtype=torch.int64), PhaseClock())


def test_compiled_code_that_rounds_less_than_bf16_does_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler keeps in float32 what it fuses: on an H200 that was called wrong for ResNet-9."""

    def unrounded(objective: Objective) -> Callable[..., Any]:
        def forward(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            loss, scores = objective.forward(inputs, targets)
            return loss, objective.correct(scores, targets)

        return forward

    gradients = in_bf16(monkeypatch, unrounded)
    inputs = with_random_numbers(IMAGES.tensor)
    rounded = gradients._results(lambda *batch: Autograd.__call__(gradients, *batch), inputs, IMAGES.targets, 1.0)
    exact = gradients._exact(inputs, IMAGES.targets, 1.0)
    assert difference(rounded, exact) > most_error("bf16"), "the two cannot be compared with each other"
    gradients.prepare(IMAGES, 1.0)


def test_compiled_code_in_bf16_that_computes_something_else_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_other_samples(objective: Objective) -> Callable[..., Any]:
        def forward(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            loss, scores = objective.forward(inputs.flip(0), targets)
            return loss, objective.correct(scores, targets)

        return forward

    with pytest.raises(CannotTraceError, match="the compiled step does not give the numbers that PyTorch gives"):
        in_bf16(monkeypatch, of_other_samples).prepare(IMAGES, 1.0)


def test_a_short_last_batch_is_not_compiled_for(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(inputs: Tensor, targets: Tensor) -> object:
            called.append(len(inputs))
            return function(inputs, targets)

        return call

    model = nn.Linear(4, 3)
    gradients = gradients_of(model, monkeypatch, counted)
    gradients.prepare(BATCH, 1.0)
    called.clear()
    gradients(BATCH, 1.0)
    gradients(Batch(BATCH.tensor[:3], BATCH.targets[:3]), 1.0)
    assert called == [8]
    assert model.bias.grad is not None


def train(optimizer: torch.optim.Optimizer, steps: Iterable[int]) -> list[str]:
    """Does these steps of all; the warnings."""
    warnings: list[str] = []
    update = CompiledOptimizer(optimizer, PhaseClock(), EngineHooks(warn=warnings.append))
    for step in steps:
        give_gradients(optimizer.param_groups[0]["params"], step)
        set_learning_rate(optimizer, RATES[step])
        update.step()
    return warnings


@needs_compiler
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.slow
def test_weights_are_those_of_the_optimizer(name: str) -> None:
    """Over steps of different learning rates, and to the last bit the same beyond a checkpoint."""
    make = OPTIMIZERS[name]
    parameters = new_parameters()
    assert train(make(parameters), range(len(RATES))) == []
    expected, _ = by_the_optimizer(make, RATES)
    for found, right in zip(parameters, expected, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)

    begun, resumed = new_parameters(), new_parameters()
    before = make(begun)
    train(before, range(3))
    for parameter, value in zip(resumed, begun, strict=True):
        parameter.data.copy_(value.data)
    after = make(resumed)
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    assert train(after, range(3, len(RATES))) == []
    assert all(torch.equal(one, other) for one, other in zip(resumed, parameters, strict=True))


def fails(_: object) -> Callable[[], None]:
    raise RuntimeError("no C++ compiler found\nmore")


def does_something_else(step: Callable[[], object]) -> Callable[[], object]:
    def twice() -> None:
        step()
        step()

    return twice


@pytest.mark.parametrize(
    ("made", "reason"), [(fails, "no C++ compiler found"), (does_something_else, "it does not give the weights")]
)
def test_a_step_that_cannot_be_compiled_is_done_by_the_optimizer(
    made: Callable[..., object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_compile", made)
    parameters = new_parameters()
    optimizer = torch.optim.Adamax(parameters, lr=0.1, foreach=False)
    [warning] = train(optimizer, range(len(RATES)))
    assert warning.startswith(f"the optimizer step is not compiled: {reason}")
    expected, _ = by_the_optimizer(lambda made: torch.optim.Adamax(made, lr=0.1, foreach=False), RATES)
    assert all(torch.equal(one, other) for one, other in zip(parameters, expected, strict=True))


def test_a_checkpoint_that_is_loaded_before_the_first_step_does_not_disturb_a_fallback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loading replaces the groups of an optimizer by others."""
    monkeypatch.setattr(compiled, "_compile", fails)
    parameters = new_parameters()
    optimizer = torch.optim.RMSprop(parameters, lr=0.1, foreach=False)
    update = CompiledOptimizer(optimizer, PhaseClock(), EngineHooks())
    assert optimizer.param_groups[0]["foreach"] is True
    optimizer.load_state_dict(optimizer.state_dict())
    give_gradients(parameters, 0)
    update.step()
    assert optimizer.param_groups[0]["foreach"] is False
    expected, _ = by_the_optimizer(lambda made: torch.optim.RMSprop(made, lr=0.1, foreach=False), RATES[:1])
    assert all(torch.equal(one, other) for one, other in zip(parameters, expected, strict=True))


@pytest.mark.parametrize(
    ("optimizer", "epochs", "is_compiled"),
    [("rmsprop", 100, False), ("rmsprop", 1_000_000, True), ("adam", 1_000_000, False)],
)
def test_auto_compiles_the_optimizer_step_of_long_runs(optimizer: str, epochs: int, is_compiled: bool) -> None:
    chosen = ["data.name=digits", f"optimizer.name={optimizer}", "model.hidden=[64]", f"training.epochs={epochs}"]
    job = build_job(Preset().override([*chosen, "runtime.device=cpu"]), lambda _: None)
    progress: list[str] = []
    hooks = EngineHooks(report_progress=progress.append)
    choice = engines.make_engine(job, PhaseClock(), lambda _: 0.01, hooks)
    assert isinstance(choice.engine, DirectEngine)
    assert choice.engine.name == "traced"
    assert isinstance(choice.engine.step.optimizer_step, CompiledOptimizer) == is_compiled
    assert ("the optimizer step of rmsprop is compiled" in choice.reason) == is_compiled
    assert bool(progress) == is_compiled


@pytest.mark.parametrize(("batch", "name"), [(512, "traced"), (1024, "eager")])
def test_auto_traces_steps_on_the_cpu_up_to_the_size_where_it_gains(batch: int, name: str) -> None:
    """Of the classic MNIST network, whose 535,818 weights it gained 7 % with at batch size 512."""
    chosen = ["data.name=digits", "model.hidden=[1000, 448]", f"data.batch_size={batch}", "runtime.device=cpu"]
    job = build_job(Preset().override(chosen), lambda _: None)
    assert 450_000 < job.parameters < 550_000
    choice = engines.make_engine(job, PhaseClock(), lambda _: 0.01, EngineHooks())
    assert choice.engine.name == name
    assert ("gain nothing by being traced" in choice.reason) == (name == "eager")


def test_compiled_is_refused_without_a_gpu(make_trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(
        PresetError, match=r'engine = "compiled", but .* on the CPU they gained 7 % at best, .*; use "auto" or "eager"'
    ):
        make_trainer("runtime.engine=compiled")
