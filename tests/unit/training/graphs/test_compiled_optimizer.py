"""A compiled update changes the weights as the optimizer's own step does, whatever it is compiled for."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import fx, nn

from tests.unit.training.graphs.test_traced_optimizer import RATES, by_the_optimizer, give_gradients, new_parameters
from workbench.settings.preset import Preset
from workbench.training.engines import choose as engines
from workbench.training.engines import compiled as compiled_engine
from workbench.training.engines.eager import EagerEngine
from workbench.training.engines.traced import TracedEngine
from workbench.training.graphs.compiled_optimizer import (
    MOST_PARAMETERS,
    _as_if_compiling,
    compile_update,
    seconds_saved,
    split_numbers,
)
from workbench.training.graphs.traced_optimizer import RecordedUpdate, Update, record_update
from workbench.training.graphs.tracing import CannotTraceError
from workbench.training.job import build_job
from workbench.training.timing.clock import PhaseClock

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs a C++ compiler")

Make = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1, momentum=0.5, centered=True, foreach=True),
    "adadelta": lambda parameters: torch.optim.Adadelta(parameters, lr=0.1, foreach=True),
    "adamax": lambda parameters: torch.optim.Adamax(parameters, lr=0.1, foreach=True),
    "nadam": lambda parameters: torch.optim.NAdam(parameters, lr=0.1, foreach=True),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is compiled is compiled here."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


@needs_compiler
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_are_those_of_the_optimizer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over steps of different learning rates, and to the last bit the same beyond a checkpoint."""
    make = OPTIMIZERS[name]
    parameters = new_parameters()
    made = compile_update(make(parameters))
    assert all(torch.equal(one, other) for one, other in zip(parameters, new_parameters(), strict=True))
    optimizer = make(parameters)
    train(optimizer, made, range(len(RATES)))
    expected, _ = by_the_optimizer(make, RATES)
    for found, right in zip(parameters, expected, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)

    begun, resumed = new_parameters(), new_parameters()
    before = make(begun)
    train(before, made, range(3))
    for parameter, value in zip(resumed, begun, strict=True):
        parameter.data.copy_(value.data)
    after = make(resumed)
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    monkeypatch.setattr(after, "step", None)  # not a single step is torch's
    train(after, made, range(3, len(RATES)))
    assert all(torch.equal(one, other) for one, other in zip(resumed, parameters, strict=True))


def train(optimizer: torch.optim.Optimizer, made: Update, steps: Iterable[int]) -> None:
    """Does these steps of all."""
    update = RecordedUpdate(optimizer, made)
    for step in steps:
        give_gradients(optimizer.param_groups[0]["params"], step)
        update.set_learning_rate(RATES[step])
        update.step()


def test_what_is_computed_for_each_weight_are_not_powers() -> None:
    """Adam's corrections are numbers of a step; together with the weights they would be computed for each of them."""
    optimizer = torch.optim.Adam(new_parameters(), lr=torch.tensor(0.1), foreach=True, capturable=True)
    parameters = optimizer.param_groups[0]["params"]
    with _as_if_compiling():
        give_gradients(parameters, 0)
        optimizer.step()
        whole = split_numbers(record_update(optimizer, optimizer.param_groups[0]["lr"]))
    numbers, weights = (list(piece.graph.nodes) for piece in whole.children() if isinstance(piece, fx.GraphModule))
    named = [[str(node.target) for node in nodes] for nodes in (numbers, weights)]
    assert any("_foreach_pow" in name for name in named[0])
    assert not any("_foreach_pow" in name for name in named[1])
    assert any("_foreach_addcdiv" in name for name in named[1])


def test_what_gains_nothing_is_not_compiled() -> None:
    """Those that torch has a fused operator of, and large ones, of which memory is wanted twice."""
    large = nn.Parameter(torch.zeros(1).expand(MOST_PARAMETERS + 1))
    for optimizer in (torch.optim.RMSprop([large]), torch.optim.Adam(new_parameters(), fused=True)):
        assert seconds_saved(optimizer, 10**9) == 0
        with pytest.raises(CannotTraceError, match="gains nothing"):
            compile_update(optimizer)


def test_an_optimizer_that_does_not_fit_a_compiler_is_recorded_or_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: torch.optim.Optimizer) -> None:
        raise TypeError("no such function")

    monkeypatch.setattr(compiled_engine, "compile_update", refuse)
    kinds = engines.KINDS
    for label, recorded in (("adam", True), ("adabound", False)):
        job = build_job(Preset().override(["data.name=digits", f"optimizer.name={label}"]), lambda _: None)
        kind: type[EagerEngine] = kinds["traced with a compiled update"]
        engine = kind(
            job.model, job.loss, job.optimizer, job.train, job.precision, PhaseClock(), lambda _: 0.1, device=job.device
        )  # fmt: skip
        assert isinstance(engine, TracedEngine)
        assert not engine.update_is_compiled
        assert (engine._update_recorded is not None) == recorded


@pytest.mark.parametrize(("epochs", "compiled"), [(100, False), (1_000_000, True)])
def test_auto_compiles_the_update_of_long_runs(epochs: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what that saves."""
    used: list[int] = []

    def made(_: torch.optim.Optimizer) -> Callable[..., None]:
        return lambda *tensors: used.append(len(tensors))

    monkeypatch.setattr(compiled_engine, "compile_update", made)
    chosen = ["data.name=digits", "optimizer.name=rmsprop", "model.hidden=[64]", f"training.epochs={epochs}"]
    job = build_job(Preset().override([*chosen, "runtime.device=cpu"]), lambda _: None)
    told: list[str] = []
    choice = engines.make_engine(job, PhaseClock(), lambda _: 0.01, lambda _: None, told.append)
    assert choice.engine.name == "traced"
    assert ("the update of rmsprop compiled, which saves about" in choice.reason) == compiled
    assert bool(told) == compiled
    choice.engine.start_epoch(torch.arange(len(job.train)))
    for step in range(1, 4):
        choice.engine.run_steps(step)
    # Gradients, weights, the learning rate, and of each weight its step and mean square; the first step is torch's.
    assert used == ([4 + 4 + 1 + 8] * 2 if compiled else [])
