"""A training loop of one's own, without the Trainer, that writes a run: it is listed and drawn like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from workbench.runs.catalogue import Catalogue
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import EpochEnd, Finished, Prepared, Started, State
from workbench.runs.history import read_history
from workbench.runs.lock import claim
from workbench.runs.writer import EventWriter
from workbench.training.loss_log import LossLog
from workbench.training.reporter import Reporter
from workbench.training.timing.choose import make_clock
from workbench.ui.live.watch import Watch

CPU = torch.device("cpu")
EPOCHS, STEPS, BATCH = 3, 20, 8


def samples() -> tuple[Tensor, Tensor]:
    inputs = torch.randn(STEPS * BATCH, 4, generator=torch.Generator().manual_seed(0))
    return inputs, inputs @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])


def train(run: RunDirectory) -> list[float]:
    """A plain PyTorch loop, and what it takes to watch it; returns the losses."""
    events, clock, losses = EventWriter(run.events), make_clock(CPU, measure=True), LossLog(CPU)
    reporter = Reporter(events, clock, CPU, measure=True)
    events.write(Started(process_id=1, learning_rate=0.05))
    events.write(Prepared(device="cpu", device_name="CPU", batch_size=BATCH, steps_per_epoch=STEPS, epochs=EPOCHS))
    events.write(State(state="training", step=0))
    model, (inputs, targets), logged = nn.Linear(4, 1), samples(), list[float]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(1, EPOCHS + 1):
        clock.begin()
        for x, y in zip(inputs.split(BATCH), targets.split(BATCH), strict=True):
            clock.mark("data")
            loss = nn.functional.mse_loss(model(x), y)
            clock.mark("forward")
            loss.backward()
            clock.mark("backward")
            optimizer.step()
            optimizer.zero_grad()
            clock.mark("optimizer")
            losses.append(loss.detach(), BATCH)
            clock.end_step(1, BATCH)
        clock.pause()
        read = losses.read(wait=True)
        reporter.losses(len(logged) + 1, read, epoch, learning_rate=0.05)
        logged += [step.loss for step in read]
        reporter.report(len(logged))
        mean = sum(step.loss for step in read) / STEPS
        events.write(EpochEnd(epoch=epoch, step=len(logged), learning_rate=0.05, train={"loss": mean}, best=True))
    events.write(Finished(status="completed", step=len(logged)))
    reporter.close()
    events.close()
    return logged


def test_a_loop_of_ones_own_is_listed_and_drawn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = create_run(tmp_path, "own", 'name = "own"\n')
    with claim(run):
        [listed] = Catalogue(tmp_path).rows()
        assert listed.status == "running"
        logged = train(run)
        [listed] = Catalogue(tmp_path).rows()
    assert (listed.preset_name, listed.epoch, listed.broken, listed.monitor) == ("own", EPOCHS, False, "loss")
    assert listed.best == pytest.approx(sum(logged[-STEPS:]) / STEPS)

    history = read_history(run)
    view = history.view
    assert (view.state, view.step, view.epoch, view.fraction_done) == ("completed", EPOCHS * STEPS, EPOCHS, 1.0)
    assert view.loss == pytest.approx(logged[-1])
    assert (view.learning_rate, view.base_learning_rate) == (0.05, 0.05)
    assert view.seconds > 0
    drawn = history.curves["loss/train"].buckets
    assert [bucket.mean for bucket in drawn] == pytest.approx(logged)
    assert logged[-1] < 0.1 * logged[0]

    assert view.timing is not None
    assert set(view.timing.phase_ms) == {"data", "forward", "backward", "optimizer", "rest"}
    assert view.timing.steps == STEPS
    assert view.memory is not None
    assert view.memory.host_rss_bytes is not None

    watch = Watch(run)
    watch.read_all()
    assert (watch.state, watch.learning_rate) == ("completed", 0.05)
