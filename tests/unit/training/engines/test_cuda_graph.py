"""The bookkeeping of the graph engine, without a GPU: steps are recorded as functions that a replay calls again.

What a CUDA graph itself does is proved by tests/gpu.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from workbench.training.engines.eager import EagerEngine

from workbench.errors import PresetError
from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate
from workbench.training.engines import choose as engines
from workbench.training.engines import cuda_graph as graph_engine
from workbench.training.engines.choose import KINDS
from workbench.training.engines.cuda_graph import MOST_STEPS_A_LAUNCH, WARM_UP_STEPS, CudaGraphEngine, obstacle
from workbench.training.graphs.agreement import agree
from workbench.training.job import Job, build_job
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

DIGITS = ["runtime.device=cpu", "data.name=digits", "model.hidden=[16]", "data.batch_size=64"]


@dataclass
class Replayed:
    """Work that is called again at each replay, as a CUDA graph launches it again."""

    work: Callable[[], None]
    log: list[str]

    def replay(self) -> None:
        self.log.append("replay")
        with torch.no_grad():
            self.work()


@dataclass
class Run:
    """Some epochs by an engine."""

    losses: list[float] = field(default_factory=list)
    hits: int = 0
    steps: list[int] = field(default_factory=list)
    """Of each advance."""
    weights: list[torch.Tensor] = field(default_factory=list)
    replays: int = 0
    warnings: list[str] = field(default_factory=list)


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override([*DIGITS, *assignments]), lambda _: None)


def run(
    name: str,
    *assignments: str,
    epochs: int = 2,
    rate: Callable[[int], float] = lambda step: 0.01 / step,
    after: Callable[[int], None] = lambda step: None,
) -> Run:
    """Trains some epochs, each in another order, the last one gone into in its middle.

    after: called with the number of steps done after each advance.
    """
    job, found = job_of(*assignments), Run()
    log: list[str] = []
    training = job.preset.training
    own = {"record": lambda work: Replayed(work, log)} if name.endswith("graph") else {}
    engine: EagerEngine = KINDS[name](
        job.model, job.loss, job.optimizer, job.train, job.precision, PhaseClock(), rate, device=job.device,
        gradient_accumulation=training.gradient_accumulation, gradient_clip_norm=training.gradient_clip_norm,
        count_hits=True, **own,
    )  # fmt: skip
    if isinstance(engine, CudaGraphEngine):
        engine.warn = found.warnings.append
    job.model.train()
    step = 0
    for epoch in range(epochs):
        order = torch.randperm(len(job.train), generator=torch.Generator().manual_seed(epoch))
        if epoch == epochs - 1:
            order = order[128 * training.gradient_accumulation :]
        engine.start_epoch(order)
        left = len(order)
        while left > 0:
            advance = engine.run_steps(step + 1)
            step, left = step + advance.steps, left - advance.samples
            found.steps.append(advance.steps)
            after(step)
        found.losses += [loss.loss for loss in engine.losses.read(wait=True)]
    found.hits, found.replays = int(engine.hits), log.count("replay")
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
def test_replayed_steps_give_the_losses_hits_and_weights_of_the_eager_engine(choice: list[str]) -> None:
    """With short last steps, accumulation, a rate that changes at each step, and an epoch gone into in its middle."""
    expected, found = run("eager", *choice), run("cuda_graph", *choice)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.hits == pytest.approx(expected.hits, abs=3)
    assert sum(found.steps) == len(found.losses) == len(expected.losses)
    for one, other in zip(found.weights, expected.weights, strict=True):
        # In the mean: where a gradient is nearly zero, Adam's step goes one way or the other by rounding alone.
        assert float((one - other).abs().mean()) < 1e-3
    assert found.warnings == []


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs a C++ compiler")
def test_compiled_steps_are_replayed_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    expected, found = run("eager", "model.dropout=0.3"), run("compiled graph", "model.dropout=0.3")
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert found.replays > 0
    assert found.warnings == []


@pytest.mark.parametrize(
    ("assignment", "name", "reason"),
    [
        ("data.batch_size=64", "compiled graph", "asked for, and replayed as CUDA graphs"),
        ("optimizer.name=adagrad", "compiled", "asked for; not as CUDA graphs: adagrad cannot be captured"),
    ],
)
def test_on_a_gpu_compiled_means_inside_cuda_graphs_where_that_can_be(assignment: str, name: str, reason: str) -> None:
    job = replace(job_of(assignment, "runtime.engine=compiled"), device=torch.device("cuda"))
    built: list[str] = []

    class Builder:
        def __init__(self, job: Job, *_: object) -> None:
            self.job = job

        def __call__(self, name: str) -> str:
            built.append(name)
            return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_Builder", Builder)
        choice = engines.make_engine(job, PhaseClock(), lambda _: 0.01, lambda _: None)
    assert built == [name]
    assert choice.reason == reason


def test_after_the_warm_up_several_steps_make_a_launch() -> None:
    found = run("cuda_graph", epochs=3)
    assert found.steps[: WARM_UP_STEPS + 1] == [1] * (WARM_UP_STEPS + 1)
    assert max(found.steps) == MOST_STEPS_A_LAUNCH
    assert found.replays < sum(found.steps) / 2


def test_a_learning_rate_that_is_set_while_steps_are_replayed_is_used_from_the_next_launch_on() -> None:
    asked = {"rate": 0.01}
    job = job_of()
    engine = CudaGraphEngine(
        job.model, job.loss, job.optimizer, job.train, job.precision, PhaseClock(), lambda step: asked["rate"],
        device=job.device, record=lambda work: Replayed(work, []),
    )  # fmt: skip
    job.model.train()
    step = 0
    for epoch in range(3):
        engine.start_epoch(torch.arange(640))
        left = 640
        while left > 0:
            advance = engine.run_steps(step + 1)
            step, left = step + advance.steps, left - advance.samples
            if epoch == 1:
                asked["rate"] = 0.0
        if epoch == 1:
            frozen = [parameter.detach().clone() for parameter in job.model.parameters()]
    assert all(torch.equal(*pair) for pair in zip(frozen, job.model.parameters(), strict=True))


@pytest.mark.parametrize("at", [13, 14, 21, 22, 23, 35])
def test_a_change_that_the_preset_holds_is_made_at_its_very_step_within_a_launch(at: int) -> None:
    """screen #13: several steps make a launch, and each must have its own rate."""
    rate = BaseRate(0.01, (Change(step=at, learning_rate=0.05),))
    together, one_by_one = (run(kind, epochs=3, rate=rate.at) for kind in ("cuda_graph", "traced"))
    assert max(together.steps) == MOST_STEPS_A_LAUNCH
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


def run_recorded_by(record: Callable[[Callable[[], None]], Replayed]) -> Run:
    """The graph engine, whose recordings are made by a function of the test's."""
    KINDS["failing"] = lambda *arguments, **named: CudaGraphEngine(*arguments, record=record, **named)  # type: ignore[assignment]
    try:
        return run("failing")
    finally:
        del KINDS["failing"]


def test_a_recording_that_fails_goes_on_without_and_says_so() -> None:
    def fails(_: Callable[[], None]) -> Replayed:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    expected, found = run("traced"), run_recorded_by(fails)
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.warnings == [
        "steps cannot be captured in a CUDA graph: operation not permitted when stream is capturing"
    ]


def test_when_only_several_steps_cannot_be_recorded_single_ones_are_replayed() -> None:
    """And that is what is said: the phases of a step are another recording."""
    works: list[Callable[[], None]] = []

    def record(work: Callable[[], None]) -> Replayed:
        works.append(work)
        if len(works) == 2:
            raise RuntimeError("no room for so large a graph")
        return Replayed(work, [])

    expected, found = run("traced"), run_recorded_by(record)
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)
    assert set(found.steps) == {1}
    assert found.warnings == ["several steps are not launched together: no room for so large a graph"]


def test_a_step_that_breaks_off_while_it_is_recorded_leaves_no_gradients_and_no_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks_off(self: CudaGraphEngine) -> None:
        for parameter in self._parameters:
            parameter.grad = torch.full_like(parameter, torch.nan)
            parameter.detach().mul_(2)
        self.hits.add_(1000)
        torch.rand(7)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(CudaGraphEngine, "_one_step", breaks_off)
    expected, found = run("traced", "model.dropout=0.3"), run("cuda_graph", "model.dropout=0.3")
    assert found.warnings == ["steps cannot be captured in a CUDA graph: CUDA out of memory"]
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.hits == expected.hits


def test_epochs_longer_than_the_rates_that_are_told_together_are_trained_at_the_right_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_engine, "TOLD_STEPS", 10)
    expected, found = run("eager", "data.batch_size=20"), run("cuda_graph", "data.batch_size=20")
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)


def test_a_recording_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    step = CudaGraphEngine._one_step

    def wrong(self: CudaGraphEngine) -> None:
        step(self)
        self._function.parameters[0].mul_(1.5)

    monkeypatch.setattr(CudaGraphEngine, "_one_step", wrong)
    expected, found = run("traced"), run("cuda_graph")
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert len(found.warnings) == 1
    assert "gives other weights" in found.warnings[0]
    assert found.replays == 1


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
        ("runtime.data_loading=dataloader", "samples that a loader reads"),
        ("runtime.deterministic=true", "a deterministic run"),
        ("optimizer.name=adam", None),
        ("optimizer.name=sgd", None),
    ],
)
def test_what_stands_in_the_way_of_a_cuda_graph_is_named(assignment: str, reason: str | None) -> None:
    job = job_of(assignment)
    assert obstacle(job) == "CUDA graphs need an NVIDIA GPU"
    on_gpu = Job(**{**job.__dict__, "device": torch.device("cuda", 0)})
    found = obstacle(on_gpu)
    assert found is None if reason is None else reason in str(found)


def test_without_a_gpu_the_graph_engine_says_what_to_use_instead(make_trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(PresetError, match='engine = "cuda_graph", but CUDA graphs need an NVIDIA GPU; use "auto"'):
        make_trainer("runtime.engine=cuda_graph")


def test_large_steps_are_launched_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_engine, "MOST_NODES_A_LAUNCH", 10)
    assert set(run("cuda_graph").steps) == {1}
