"""A loop of the user's own on a card: phases by CUDA events, losses without waiting, and memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import workbench
from tests.gpu.conftest import GPU_ONLY
from tests.unit.own_loop.reading import events, summary_of
from workbench.runs.events import Prepared, Steps
from workbench.runs.measurements import Memory

pytestmark = GPU_ONLY


def test_a_loop_on_the_card_is_timed_and_read_without_waiting(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 1)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.randn(256, 512, device="cuda")
    y = x.sum(1, keepdim=True) / 30
    kept = []
    with workbench.watch("card", epochs=2, model=model, optimizer=optimizer, runs_dir=tmp_path) as run:
        for _ in run.epochs():
            for number in run.steps(range(1500)):
                if number == 5:  # from here on nothing may synchronise with the device
                    torch.cuda.set_sync_debug_mode("error")
                with run.forward():
                    loss = ((model(x) - y) ** 2).mean()
                with run.backward():
                    loss.backward()
                with run.optimizer_step():
                    optimizer.step()
                    optimizer.zero_grad()
                run.log(loss=loss, twice=2 * loss.detach())
                kept.append(loss.detach())
                if number == 1490:
                    torch.cuda.set_sync_debug_mode("default")
    assert [loss for event in events(run.directory, Steps) for loss in event.losses] == pytest.approx(
        torch.stack(kept).tolist(), rel=1e-6
    )
    [prepared] = events(run.directory, Prepared)
    assert prepared.device.startswith("cuda")
    assert prepared.device_uuid
    summary = summary_of(run.directory)
    assert {"forward", "backward", "optimizer"} <= set(summary.phase_ms)
    assert summary.torch_peak_bytes is not None
    assert summary.torch_peak_bytes > 2**20
    assert any(event.torch_allocated_bytes for event in events(run.directory, Memory))


def test_without_a_model_the_card_is_found_where_cuda_has_been_started(tmp_path: Path) -> None:
    x = torch.ones(8, device="cuda")
    with workbench.watch("card", runs_dir=tmp_path) as run:
        for _ in run.steps(range(10)):
            run.log(loss=x.sum())
    [prepared] = events(run.directory, Prepared)
    assert prepared.device.startswith("cuda")
    assert [loss for event in events(run.directory, Steps) for loss in event.losses] == [8.0] * 10
