"""CUDA graphs on a real GPU: the same training as without, phases that add up, and what must not be baked in."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.gpu.conftest import GPU_ONLY
from tests.unit.training.conftest import events_of
from tests.unit.training.scripted import (
    STOP,
    asked_at,
    build_trainer,
    logged_losses,
    new_trainer,
    of_type,
    poll_after_every_step,
)
from workbench.runs.control import Request
from workbench.runs.directory import create_run
from workbench.runs.events import Steps, WarningRaised
from workbench.runs.measurements import MemorySnapshot, Profiled, Timing
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import losses_for
from workbench.settings.preset import Preset
from workbench.settings.schedule import SCHEDULES
from workbench.training import reporter
from workbench.training.engines.compiled import CompiledGradients, CompiledOptimizer
from workbench.training.engines.cuda_graph import CudaGraphEngine
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY

DIGITS = ["runtime.device=cuda", "data.name=digits", "model.hidden=[64]", "data.batch_size=50", "training.epochs=4"]

CAPTURED = ["sgd", "adam", "amsgrad", "adamw", "nadam", "radam", "adamax", "adadelta", "rmsprop", "rprop", "asgd"]


def trained(tmp_path_factory: pytest.TempPathFactory, *assignments: str) -> Trainer:
    trainer = new_trainer(tmp_path_factory.mktemp("run"), [*DIGITS, *assignments])
    trainer.train()
    return trainer


def losses(trainer: Trainer) -> list[float]:
    return [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]


def warnings(trainer: Trainer) -> list[str]:
    return [event.message for event in events_of(trainer) if isinstance(event, WarningRaised)]


@pytest.mark.parametrize(
    "choice",
    [
        *(["optimizer.name=" + name] for name in CAPTURED),
        *(["activation.name=" + name] for name in ACTIVATIONS.labels),
        *(["loss.name=" + name] for name in losses_for("classification")),
        *(["schedule.name=" + name] for name in SCHEDULES.labels),
        *(["data.name=diabetes", "data.batch_size=32", "loss.name=" + name] for name in losses_for("regression")),
        ["training.gradient_accumulation=3"],
        ["training.gradient_clip_norm=0.1"],
        ["model.dropout=0.3", "model.batch_norm=true"],
        ["model.name=cnn", "model.hidden=32"],
        ["runtime.precision=bf16"],
    ],
    ids=" ".join,
)
def test_losses_are_those_of_the_eager_engine(choice: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    eager = trained(tmp_path_factory, *choice, "runtime.engine=eager")
    graph = trained(tmp_path_factory, *choice, "runtime.engine=cuda_graph")
    assert isinstance(graph.engine, CudaGraphEngine)
    assert warnings(graph) == []
    assert graph.engine._replays
    few = 40  # later, rounding has grown
    rel = 5e-2 if "runtime.precision=bf16" in choice else 1e-2
    assert losses(graph)[:few] == pytest.approx(losses(eager)[:few], rel=rel)
    assert len(losses(graph)) == len(losses(eager))


@pytest.mark.parametrize(
    "choice",
    [[], ["model.dropout=0.3", "model.batch_norm=true"], ["optimizer.name=sgd"], ["optimizer.name=rmsprop"]],
    ids=" ".join,
)
def test_compiled_steps_are_replayed_and_give_the_same(
    choice: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Forward, loss, backward and the optimizer step; the random numbers of dropout are PyTorch's."""
    eager = trained(tmp_path_factory, *choice, "runtime.engine=eager")
    compiled = trained(tmp_path_factory, *choice, "runtime.engine=compiled")
    engine = compiled.engine
    assert isinstance(engine, CudaGraphEngine)
    assert isinstance(engine._step.gradients, CompiledGradients)
    assert isinstance(engine._step.optimizer_step, CompiledOptimizer)
    assert warnings(compiled) == []
    assert engine._replays
    assert losses(compiled)[:40] == pytest.approx(losses(eager)[:40], rel=1e-2)
    assert len(losses(compiled)) == len(losses(eager))


def test_auto_takes_graphs_and_says_so_where_an_optimizer_cannot_be_captured(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert trained(tmp_path_factory).engine_choice.engine.name == "cuda_graph"
    other = trained(tmp_path_factory, "optimizer.name=adagrad").engine_choice
    assert (other.engine.name, other.reason) == ("traced", "adagrad cannot be captured")


class Own(nn.Module):
    """A custom model: a branch that no list of layers has, and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(64, 32), nn.Linear(64, 32), nn.Linear(32, 10)
        self.scale, self.calls = 1.0, 0

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1)
        hidden = nn.functional.dropout(self.first(x).relu() * self.second(x).sigmoid(), 0.2, self.training)
        scores: Tensor = self.scale * self.last(hidden)
        return scores


class Annealed(Own):
    """Another number at each step, which a replay would not see."""

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.scale *= 0.999
        return super().forward(images)


class Looking(Own):
    """Its course depends on its numbers."""

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = super().forward(images)
        return scores if float(scores.detach().sum()) < 1e9 else -scores


OWN = [setting for setting in DIGITS if "hidden" not in setting] + ["model.name=module", "model.function=own:network"]


@pytest.mark.parametrize(
    ("kind", "reason"), [(Own, ""), (Annealed, "changes its attribute scale"), (Looking, "cannot be captured")]
)
def test_a_custom_model_is_replayed_unless_the_host_has_a_part_in_its_steps(
    kind: type[Own],
    reason: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workbench.settings.code.call", lambda *_, **__: kind())
    runs = []
    for engine in ("eager", "auto"):
        preset = Preset().override([*OWN, f"runtime.engine={engine}", "training.epochs=4"])
        trainer = build_trainer(create_run(tmp_path_factory.mktemp("run"), preset.name, preset.to_toml()))
        trainer.train()
        runs.append(trainer)
    eager, found = runs
    assert found.engine.name == "cuda_graph"
    assert found.engine._replays == (not reason)  # type: ignore[attr-defined]
    assert [reason in warning for warning in warnings(found)] == [True] * bool(reason)
    assert losses(found)[:40] == pytest.approx(losses(eager)[:40], rel=1e-2)
    assert len(losses(found)) == len(losses(eager))


def test_phases_of_replayed_steps_are_timed_and_add_up(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "REPORT_SECONDS", 0.0)
    trainer = trained(tmp_path_factory, "training.epochs=400")
    timings = [event for event in events_of(trainer) if isinstance(event, Timing) and event.timed_steps]
    assert timings
    for timing in timings[-3:]:
        assert {"data", "forward", "backward", "metrics", "optimizer"} <= set(timing.phase_ms)
        assert sum(timing.phase_ms.values()) == pytest.approx(timing.step_ms["p50"], rel=0.5)


def test_a_replay_costs_the_host_less_than_a_step(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The host is free while the GPU works: whole epochs are queued before the first is done."""
    trainer = trained(tmp_path_factory, "training.epochs=2")
    engine = trainer.engine
    engine.start_epoch(torch.arange(1000))
    done = torch.cuda.Event()
    torch.cuda._sleep(2_000_000_000)  # about a second
    step, left = trainer.state.step, 1000
    while left:
        ran = engine.run_steps(step + 1)
        step, left = step + ran.steps, left - ran.samples
    done.record()
    assert not done.query(), "queueing waited for the device"
    torch.cuda.synchronize()


def test_a_capture_that_cuda_refuses_costs_a_warning_and_leaves_the_device_usable(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To wait for the device is forbidden there. Dropout and running out of memory must work as before afterwards."""
    step = CudaGraphEngine._one_step

    def waits(self: CudaGraphEngine) -> None:
        step(self)
        self.correct.item()

    monkeypatch.setattr(CudaGraphEngine, "_one_step", waits)
    expected = trained(tmp_path_factory, "model.dropout=0.3", "runtime.engine=eager")
    found = trained(tmp_path_factory, "model.dropout=0.3", "runtime.engine=cuda_graph")
    [warning] = warnings(found)
    assert "cannot be captured in a CUDA graph" in warning
    assert "previous error" not in warning, "the end of the capture hides what it failed of"
    assert losses(found) == pytest.approx(losses(expected), rel=1e-2)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    torch.cuda.empty_cache()
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(2**50, dtype=torch.uint8, device="cuda")


def test_a_second_graph_can_be_captured_after_one_that_was_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = CudaGraphEngine._one_step

    def waits(self: CudaGraphEngine) -> None:
        step(self)
        torch.cuda.synchronize()

    with monkeypatch.context() as patch:
        patch.setattr(CudaGraphEngine, "_one_step", waits)
        assert warnings(trained(tmp_path_factory, "model.dropout=0.3")) != []
    again = trained(tmp_path_factory, "model.dropout=0.3")
    assert warnings(again) == []
    assert isinstance(again.engine, CudaGraphEngine)
    assert again.engine._replays


def test_after_a_refused_graph_of_several_steps_single_ones_are_replayed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator that the first graph drew from is replaced then: with dropout its replays would raise."""
    capture_several = CudaGraphEngine._capture_several

    def waits(self: CudaGraphEngine) -> None:
        step = self._one_step

        def synchronizing() -> None:
            step()
            torch.cuda.synchronize()

        with monkeypatch.context() as patch:
            patch.setattr(self, "_one_step", synchronizing)
            capture_several(self)

    monkeypatch.setattr(CudaGraphEngine, "_capture_several", waits)
    eager = trained(tmp_path_factory, "model.dropout=0.3", "runtime.engine=eager")
    found = trained(tmp_path_factory, "model.dropout=0.3", "runtime.engine=cuda_graph")
    [warning] = warnings(found)
    assert "several steps are not launched together" in warning
    assert found.engine._replays  # type: ignore[attr-defined]
    assert losses(found)[:40] == pytest.approx(losses(eager)[:40], rel=1e-2)


def test_a_refused_capture_keeps_no_memory(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, held = CudaGraphEngine._one_step, []

    def runs_out(self: CudaGraphEngine) -> None:
        step(self)
        if torch.cuda.is_current_stream_capturing():
            activations = torch.empty(2**28, dtype=torch.uint8, device="cuda")
            held.append(activations.data_ptr())
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(CudaGraphEngine, "_one_step", runs_out)
    gc.collect()  # what earlier tests left, and cuBLAS keeps workspaces for each stream that was ever used
    before = torch.cuda.memory_allocated()
    gc.disable()
    try:
        trainer = trained(tmp_path_factory, "training.epochs=1", "runtime.engine=cuda_graph")
        kept = torch.cuda.memory_allocated() - before
    finally:
        gc.enable()
    assert held
    assert "cannot be captured in a CUDA graph: CUDA out of memory" in warnings(trainer)[0]
    assert kept < 2**28


def test_replaying_takes_no_more_memory_than_the_eager_engine_but_what_cublas_keeps(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """That is up to 32 MiB for each thread and stream: forward and backward have a thread each."""
    peaks = {}
    for name in ("eager", "cuda_graph"):
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        trained(tmp_path_factory, "model.hidden=[4096,4096]", "training.epochs=2", f"runtime.engine={name}")
        peaks[name] = torch.cuda.max_memory_allocated() - before
    print({name: f"{value / 2**20:.0f} MiB" for name, value in peaks.items()})
    assert peaks["cuda_graph"] < 1.1 * peaks["eager"] + 80 * 2**20


class Launches:
    """Runs the steps of an epoch, and counts the calls whose work the device has not finished."""

    def __init__(self, trainer: Trainer, samples: int) -> None:
        self._engine, self._step, self._left = trainer.engine, trainer.state.step, samples
        self._events: list[torch.cuda.Event] = []
        self._engine.start_epoch(torch.arange(samples))

    def __len__(self) -> int:
        return len(self._events)

    def run_all(self, before_each: Callable[[], None] = lambda: None) -> None:
        while self._left:
            before_each()
            ran = self._engine.run_steps(self._step + 1)
            self._step, self._left = self._step + ran.steps, self._left - ran.samples
            event = torch.cuda.Event()
            event.record()
            self._events.append(event)

    @property
    def unfinished(self) -> int:
        return sum(not event.query() for event in self._events)


def test_the_host_is_not_far_ahead_of_the_device(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Or a stop would wait for all steps that are queued."""
    launches = Launches(trained(tmp_path_factory, "data.batch_size=10", "training.epochs=2"), 1000)
    launches.run_all(lambda: torch.cuda._sleep(100_000_000))  # about 0.05 s, with each of the launches
    assert launches.unfinished <= 4, "0.2 s"
    assert len(launches) > 8, "more than may be unfinished at first"


def test_heavy_steps_are_launched_one_by_one_and_a_stop_waits_for_few(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number of operators says nothing about their time."""
    genuine = CudaGraphEngine._one_step

    def heavy(self: CudaGraphEngine) -> None:
        torch.cuda._sleep(80_000_000)  # about 0.04 s
        genuine(self)

    monkeypatch.setattr(CudaGraphEngine, "_one_step", heavy)
    trainer = trained(tmp_path_factory, "training.epochs=2", "runtime.engine=cuda_graph")
    engine = trainer.engine
    assert isinstance(engine, CudaGraphEngine)
    assert engine._replays
    assert engine._several is None
    launches = Launches(trainer, 1000)
    launches.run_all()
    assert 1 <= launches.unfinished <= 4, "of 0.04 s each"


def test_a_run_of_graphs_continues_from_its_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*DIGITS, "model.dropout=0.2", "schedule.name=one_cycle", "runtime.engine=cuda_graph"]
    whole = trained(tmp_path_factory, *settings[len(DIGITS) :])
    poll_after_every_step(monkeypatch)
    first = new_trainer(tmp_path_factory.mktemp("run"), settings, asked_at(40, [STOP]))
    first.train()
    second = build_trainer(first.run)
    second.restore()
    second.train()
    assert 40 <= first.state.step < second.state.step == whole.state.step
    assert warnings(second) == []
    found, expected = logged_losses(second), logged_losses(whole)
    assert list(found) == list(expected)
    assert sum(found.values()) == pytest.approx(sum(expected.values()), rel=5e-2)


def test_replayed_steps_can_be_profiled_and_a_memory_snapshot_names_their_pools(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_after_every_step(monkeypatch)
    requests = [[Request("profile", 20)], *[[] for _ in range(8)], [Request("memory_snapshot")]]
    settings = [*DIGITS, "training.epochs=8", "runtime.engine=cuda_graph"]
    trainer = new_trainer(tmp_path_factory.mktemp("run"), settings, asked_at(30, *requests))
    trainer.train()
    assert warnings(trainer) == []
    [profiled] = of_type(trainer, Profiled)
    assert profiled.device == "cuda"
    assert profiled.operators
    [snapshot] = of_type(trainer, MemorySnapshot)
    assert "in pools of CUDA graphs" in (trainer.run.path / snapshot.file).read_text()
    assert trainer.engine._replays  # type: ignore[attr-defined]
