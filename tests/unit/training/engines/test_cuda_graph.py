"""The bookkeeping of the CUDA graph engine, without a GPU: captured work is a function that a replay calls again.

What a CUDA graph itself does is proved by tests/gpu.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.engines.making import Replayed, StubCapture
from tests.unit.training.engines.test_capture import Event, Events
from workbench.errors import PresetError
from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate
from workbench.training.batches import OnDeviceBatches
from workbench.training.engines import choose as engines
from workbench.training.engines import cuda_graph, device_rates
from workbench.training.engines.choose import COMPILED_CUDA_GRAPH, ENGINES, make_direct
from workbench.training.engines.cuda_graph import (
    MOST_STEPS_PER_LAUNCH,
    WARM_UP_STEPS,
    CudaGraphEngine,
    why_not_capturable,
)
from workbench.training.engines.engine import Engine, EngineHooks
from workbench.training.graphs.agreement import agree
from workbench.training.job import Job, build_job
from workbench.training.timing import cuda_clock
from workbench.training.timing.clock import PhaseClock
from workbench.training.timing.cuda_clock import CudaClock
from workbench.training.timing.step_times import Measured
from workbench.training.trainer import Trainer

DIGITS = ["runtime.device=cpu", "data.name=digits", "model.hidden=[16]", "data.batch_size=64"]

RECIPES = ENGINES | {"compiled cuda_graph": COMPILED_CUDA_GRAPH}


@pytest.fixture(autouse=True)
def _steps_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that as many steps as can be make a launch."""
    monkeypatch.setattr(cuda_graph, "seconds_of", lambda work, device: work() or 1e-4)


@dataclass
class Run:
    """Some epochs by an engine."""

    losses: list[float] = field(default_factory=list)
    correct: int = 0
    steps: list[int] = field(default_factory=list)
    """Of each call of `run_steps`."""
    weights: list[torch.Tensor] = field(default_factory=list)
    replays: int = 0
    warnings: list[str] = field(default_factory=list)


OWN = "model.function=own:network"
"""A custom model."""


def job_of(*assignments: str) -> Job:
    settings = [*DIGITS, *assignments]
    if OWN in assignments:
        settings = ["model.name=module", *(setting for setting in settings if "hidden" not in setting)]
    return build_job(Preset().override(settings), lambda _: None)


def engine_of(
    name: str,
    job: Job,
    rate: Callable[[int], float],
    capture: StubCapture | None = None,
    hooks: EngineHooks | None = None,
    clock: PhaseClock | None = None,
) -> Engine:
    """The engine of a job on the CPU; `cuda_graph` with captures that need no GPU."""
    recipe, hooks = RECIPES[name], hooks or EngineHooks()
    direct = make_direct(name, recipe, job, clock or PhaseClock(), rate, hooks)
    if not recipe.replayed:
        return direct
    assert isinstance(job.train, OnDeviceBatches)
    return CudaGraphEngine(direct, job.model, job.train, hooks, capture or StubCapture())


def run(
    name: str,
    *assignments: str,
    epochs: int = 2,
    rate: Callable[[int], float] = lambda step: 0.01 / step,
    after: Callable[[int], None] = lambda step: None,
    capture: StubCapture | None = None,
    model: nn.Module | None = None,
) -> Run:
    """Trains some epochs, each in another order, the last one entered in its middle.

    after: called with the number of steps done after each call of `run_steps`. model: in place of the preset's.
    """
    job, found, capture = job_of(*assignments), Run(), capture or StubCapture()
    if model is not None:
        job = replace(job, model=model, optimizer=job.preset.optimizer.build(list(model.parameters())))
    training = job.preset.training
    engine = engine_of(name, job, rate, capture, EngineHooks(warn=found.warnings.append))
    job.model.train()
    step = 0
    for epoch in range(epochs):
        order = torch.randperm(len(job.train), generator=torch.Generator().manual_seed(epoch))
        if epoch == epochs - 1:
            order = order[128 * training.gradient_accumulation :]
        engine.start_epoch(order)
        left = len(order)
        while left > 0:
            ran = engine.run_steps(step + 1)
            step, left = step + ran.steps, left - ran.samples
            found.steps.append(ran.steps)
            after(step)
        found.losses += [loss.loss for loss in engine.losses.read(wait=True)]
    found.correct, found.replays = int(engine.correct), len(capture.replays)
    found.weights = [parameter.detach().clone() for parameter in job.model.parameters()]
    return found


@pytest.mark.parametrize(
    "choice",
    [
        [],
        ["training.gradient_accumulation=3"],
        ["data.batch_size=200", "training.gradient_clip_norm=0.1"],
        ["model.batch_norm=true", "model.dropout=0.3"],
        ["optimizer.name=sgd", "optimizer.momentum=0.9"],
        ["data.batch_size=1000"],
    ],
    ids=" ".join,
)
def test_replayed_steps_give_the_losses_correct_samples_and_weights_of_the_eager_engine(choice: list[str]) -> None:
    """With short last steps, accumulation, a rate that changes at each step, and an epoch entered in its middle."""
    expected, found = run("eager", *choice), run("cuda_graph", *choice)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.correct == pytest.approx(expected.correct, abs=3)
    assert sum(found.steps) == len(found.losses) == len(expected.losses)
    for one, other in zip(found.weights, expected.weights, strict=True):
        # In the mean: where a gradient is nearly zero, Adam's step goes one way or the other by rounding alone.
        assert float((one - other).abs().mean()) < 1e-3
    assert found.warnings == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs a C++ compiler")
def test_compiled_steps_are_replayed_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With RMSprop, whose step can be compiled on the CPU too."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    choice = ["model.dropout=0.3", "optimizer.name=rmsprop"]
    expected, found = run("eager", *choice), run("compiled cuda_graph", *choice)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.replays > 0
    assert found.warnings == []


def built_on_a_gpu(monkeypatch: pytest.MonkeyPatch, *assignments: str) -> tuple[list[str], str]:
    """Names and kinds of the engines that are built for a job on a GPU, and the reason of the choice."""
    job = replace(job_of(*assignments), device=torch.device("cuda"))
    built: list[str] = []

    def build(self: object, name: str, recipe: engines._Recipe | None = None) -> str:
        built.append(name + (" replayed" if (recipe or ENGINES[name]).replayed else ""))
        return name

    monkeypatch.setattr(engines._Builder, "__call__", build)
    return built, engines.make_engine(job, PhaseClock(), lambda _: 0.01, EngineHooks()).reason


@pytest.mark.parametrize(
    ("assignment", "name", "reason"),
    [
        ("data.batch_size=64", "compiled replayed", "asked for, and replayed as CUDA graphs"),
        ("optimizer.name=adagrad", "compiled", "asked for; not as CUDA graphs: adagrad cannot be captured"),
    ],
)
def test_on_a_gpu_compiled_means_inside_cuda_graphs_where_that_can_be(
    assignment: str, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert built_on_a_gpu(monkeypatch, assignment, "runtime.engine=compiled") == ([name], reason)


@pytest.mark.parametrize(
    ("assignments", "name", "reason"),
    [
        ((), "cuda_graph replayed", "the fastest here that fits"),
        (("optimizer.name=adagrad",), "traced", "adagrad cannot be captured"),
        ((OWN,), "cuda_graph replayed", "the fastest here that fits"),
        ((OWN, "optimizer.name=adagrad"), "eager", "adagrad cannot be captured"),
    ],
)
def test_on_a_gpu_auto_replays_also_custom_models(
    assignments: tuple[str, ...],
    name: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    user_functions: dict[str, Callable[..., object]],
) -> None:
    user_functions["own:network"] = lambda *_: nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    assert built_on_a_gpu(monkeypatch, *assignments) == ([name], reason)


def test_after_the_warm_up_several_steps_make_a_launch() -> None:
    found = run("cuda_graph", epochs=3)
    assert found.steps[: WARM_UP_STEPS + 1] == [1] * (WARM_UP_STEPS + 1)
    assert max(found.steps) == MOST_STEPS_PER_LAUNCH
    assert found.replays < sum(found.steps) / 2


def test_a_learning_rate_that_is_set_while_steps_are_replayed_is_used_from_the_next_launch_on() -> None:
    asked = {"rate": 0.01}
    job = job_of()
    engine = engine_of("cuda_graph", job, lambda step: asked["rate"])
    job.model.train()
    step = 0
    for epoch in range(3):
        engine.start_epoch(torch.arange(640))
        left = 640
        while left > 0:
            ran = engine.run_steps(step + 1)
            step, left = step + ran.steps, left - ran.samples
            if epoch == 1:
                asked["rate"] = 0.0
        if epoch == 1:
            frozen = [parameter.detach().clone() for parameter in job.model.parameters()]
    assert all(torch.equal(*pair) for pair in zip(frozen, job.model.parameters(), strict=True))


@pytest.mark.parametrize("at", [13, 14, 21, 22, 23, 35])
def test_a_change_that_the_preset_holds_is_made_at_its_very_step_within_a_launch(at: int) -> None:
    """screen #13: several steps make a launch, and each must have its own rate."""
    rate = BaseRate(0.01, (Change(step=at, learning_rate=0.05),))
    together, one_by_one = (run(kind, epochs=3, rate=rate.at) for kind in ("cuda_graph", "eager"))
    assert max(together.steps) == MOST_STEPS_PER_LAUNCH
    assert together.losses == pytest.approx(one_by_one.losses, rel=1e-5)
    earlier = run("cuda_graph", epochs=3, rate=BaseRate(0.01, (Change(step=at - 1, learning_rate=0.05),)).at)
    assert together.losses[: at + 1] == earlier.losses[:at] + together.losses[at : at + 1]
    assert together.losses[at] != earlier.losses[at], "one step earlier is seen"


def test_changes_to_come_that_are_dropped_are_not_made() -> None:
    """The rate of the next step stays as it is, and only those that lie ahead on the device are wrong."""
    rate = BaseRate(0.01, (Change(step=16, learning_rate=0.5), Change(step=18, learning_rate=0.01)))

    def drop(step: int) -> None:
        if step >= 11:
            rate.changes = ()

    found = run("cuda_graph", epochs=3, rate=rate.at, after=drop)
    assert found.losses == run("cuda_graph", epochs=3, rate=lambda _: 0.01).losses


class RefusingCapture(StubCapture):
    """Refuses some captures, counted from 0; then what was captured before is outdated, as on a GPU."""

    def __init__(self, *refused: int) -> None:
        super().__init__()
        self.captures = 0
        self.refused = refused

    def __call__(self, work: Callable[[], None]) -> Replayed:
        number, self.captures = self.captures, self.captures + 1
        if number in self.refused:
            self.outdate()
            raise RuntimeError(f"no room for graph {number}\nmore")
        return super().__call__(work)


def test_a_capture_that_is_refused_costs_a_warning_and_training_continues() -> None:
    expected, found = run("eager"), run("cuda_graph", capture=RefusingCapture(0))
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.correct == expected.correct
    assert found.replays == 0
    assert found.warnings == ["steps cannot be captured in a CUDA graph: no room for graph 0"]


def test_after_a_refused_capture_of_several_steps_the_single_one_is_captured_again_and_replayed() -> None:
    """A refused capture repairs the random generator, and graphs that were captured before drew from the old one."""
    capture = RefusingCapture(1)
    expected, found = run("eager", "model.dropout=0.3"), run("cuda_graph", "model.dropout=0.3", capture=capture)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert set(found.steps) == {1}
    assert found.replays > 10
    assert capture.captures == 3
    assert found.warnings == ["several steps are not launched together: no room for graph 1"]


def test_a_step_that_cannot_be_captured_again_is_run_directly_to_the_end_of_its_epoch() -> None:
    expected, found = run("eager"), run("cuda_graph", capture=RefusingCapture(1, 2))
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.correct == pytest.approx(expected.correct, abs=3)
    assert found.warnings[1:] == ["steps cannot be captured in a CUDA graph again: no room for graph 2"]


@pytest.mark.parametrize(
    ("refused", "warning"),
    [((3, 4), "steps cannot be captured"), ((5,), "the phases of a step are not timed inside CUDA graphs")],
)
def test_steps_are_still_timed_when_what_timed_them_cannot_be_captured_again(
    refused: tuple[int, ...], warning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that graph steps are timed from outside, as where it never was captured."""
    warnings, measured = timed_by_events(RefusingCapture(*refused), monkeypatch)
    assert [warning in each for each in warnings] == [True]
    assert measured.timed_steps > 0


def test_a_graph_captured_after_a_refused_one_does_not_make_earlier_ones_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several steps are refused, then a timed one is captured: the single one drew from a generator that is gone."""
    capture = RefusingCapture(1)
    warnings, _ = timed_by_events(capture, monkeypatch)
    assert warnings == ["several steps are not launched together: no room for graph 1"]
    assert len(capture.replays) > 10


def timed_by_events(capture: RefusingCapture, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Measured]:
    """Trains three epochs, timed as on a GPU; the warnings, and what was measured in the last epoch."""
    events = Events()
    monkeypatch.setattr(torch.cuda, "Event", lambda **_: Event(events))
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    clock, warnings = CudaClock(), list[str]()
    job = job_of()
    engine = engine_of("cuda_graph", job, lambda _: 0.01, capture, EngineHooks(warn=warnings.append), clock)
    job.model.train()
    step = 0
    for _ in range(3):
        engine.start_epoch(torch.arange(640))
        clock.begin()
        left = 640
        while left > 0:
            ran = engine.run_steps(step + 1)
            clock.end_step(ran.steps, ran.samples)
            step, left = step + ran.steps, left - ran.samples
            if step == 10:
                capture.outdate()  # another engine repaired the generator
        clock.pause()
        events.passed = len(events.recorded)
        measured = clock.take()
    return warnings, measured


def test_when_another_engine_repairs_the_generator_all_is_captured_again() -> None:
    capture = StubCapture()

    def outdate(step: int) -> None:
        if step == 12:
            capture.outdate()

    expected, found = run("eager"), run("cuda_graph", capture=capture, after=outdate)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert max(found.steps) == MOST_STEPS_PER_LAUNCH
    assert len(capture.captured) == 4  # twice a single step and several
    assert found.warnings == []


def test_a_step_that_breaks_off_while_it_is_captured_leaves_no_gradients_and_no_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks_off(self: CudaGraphEngine) -> None:
        for parameter in self._model.parameters():
            parameter.grad = torch.full_like(parameter, torch.nan)
            parameter.detach().mul_(2)
        self.correct.add_(1000)
        torch.rand(7)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(CudaGraphEngine, "_one_step", breaks_off)
    expected, found = run("eager", "model.dropout=0.3"), run("cuda_graph", "model.dropout=0.3")
    assert found.warnings == ["steps cannot be captured in a CUDA graph: CUDA out of memory"]
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.correct == expected.correct


def test_epochs_longer_than_the_rates_that_are_copied_together_are_trained_at_the_right_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_rates, "RATES_AHEAD", 10)
    expected, found = run("eager", "data.batch_size=20"), run("cuda_graph", "data.batch_size=20")
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)


def test_a_captured_step_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    step = CudaGraphEngine._one_step

    def wrong(self: CudaGraphEngine) -> None:
        step(self)
        next(self._model.parameters()).detach().mul_(1.5)

    monkeypatch.setattr(CudaGraphEngine, "_one_step", wrong)
    expected, found = run("eager"), run("cuda_graph")
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert len(found.warnings) == 1
    assert "gives other weights" in found.warnings[0]
    assert found.replays == 1


class Own(nn.Module):
    """A custom network that does something on the host at each step."""

    def __init__(self, at_each_step: Callable[[Own], object]) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
        self.at_each_step = at_each_step
        self.temperature, self.seen, self.last = 1.0, [0], torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        self.at_each_step(self)
        scores: Tensor = self.layers(x)
        return scores / self.temperature


CHANGING: dict[str, tuple[Callable[[Own], object], str]] = {
    "a number": (lambda own: setattr(own, "temperature", 0.99 * own.temperature), "its attribute temperature"),
    "a list": (lambda own: own.seen.append(1), "its attribute seen"),
    "a tensor": (lambda own: setattr(own, "last", torch.ones(())), "its attribute last"),
    "random": (lambda own: random.random(), "draws random numbers of random"),
}


@pytest.mark.parametrize("name", CHANGING)
def test_a_model_that_changes_on_the_host_is_not_captured(name: str) -> None:
    """A replay would leave it as it was when it was captured."""
    change, reason = CHANGING[name]
    expected, found = run("eager", model=fixed(Own(change))), run("cuda_graph", model=fixed(Own(change)))
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.replays == 0
    assert len(found.warnings) == 1
    assert reason in found.warnings[0]


def test_a_custom_model_that_changes_nothing_on_the_host_is_replayed() -> None:
    expected = run("eager", model=fixed(Own(lambda _: None)))
    found = run("cuda_graph", model=fixed(Own(lambda _: None)))
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.replays > 0
    assert found.warnings == []


def fixed(model: nn.Module) -> nn.Module:
    """The same weights every time."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.uniform_(-0.1, 0.1, generator=generator)
    return model


def test_agreement_is_about_the_change_and_not_the_weights() -> None:
    before, after = torch.ones(100), torch.ones(100) + 1e-3
    assert agree([after + 1e-6], [after], [before])
    assert not agree([after + 2e-4], [after], [before])
    assert not agree([torch.full((100,), float("nan"))], [after], [before])


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("optimizer.name=adagrad", "adagrad cannot be captured"),
        ("optimizer.name=lion", "lion cannot be captured"),
        ("runtime.data_loading=dataloader", "samples that a DataLoader reads"),
        ("runtime.deterministic=true", "a deterministic run"),
        ("optimizer.name=adam", None),
        ("optimizer.name=sgd", None),
    ],
)
def test_what_stands_in_the_way_of_a_cuda_graph_is_named(assignment: str, reason: str | None) -> None:
    job = job_of(assignment)
    assert why_not_capturable(job) == "CUDA graphs need an NVIDIA GPU"
    on_gpu = Job(**{**job.__dict__, "device": torch.device("cuda", 0)})
    found = why_not_capturable(on_gpu)
    assert found is None if reason is None else reason in str(found)


def test_without_a_gpu_the_cuda_graph_says_what_to_use_instead(make_trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(PresetError, match='engine = "cuda_graph", but CUDA graphs need an NVIDIA GPU; use "auto"'):
        make_trainer("runtime.engine=cuda_graph")


@pytest.mark.parametrize(("milliseconds", "together"), [(0.1, 8), (2.0, 5), (6.0, 1), (50.0, 1)])
def test_a_launch_takes_a_hundredth_of_a_second_at_most(
    milliseconds: float, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But a single step, however long: a stop waits for what is launched."""
    monkeypatch.setattr(cuda_graph, "seconds_of", lambda work, device: work() or milliseconds / 1000)
    assert max(run("cuda_graph").steps) == together
