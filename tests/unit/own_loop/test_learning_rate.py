"""The learning rate of a step is the one with which it updates the model, whatever a scheduler does after that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

import workbench
from tests.unit.own_loop.reading import rates
from workbench.own_loop.loop import POLL_SECONDS


@pytest.mark.parametrize("has_phases", [True, False])
def test_a_step_has_the_rate_of_before_its_scheduler(tmp_path: Path, has_phases: bool) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.8)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    with workbench.watch("mine", epochs=1, optimizer=optimizer, runs_dir=tmp_path, measure=False) as run:
        for _ in run.steps(range(4)):
            if has_phases:
                with run.optimizer_step():
                    optimizer.step()
                    scheduler.step()
            else:
                optimizer.step()
                scheduler.step()
            run.log(loss=1.0)
            time.sleep(POLL_SECONDS * 1.1)
    assert rates(run.directory) == {1: 0.8, 2: 0.8, 3: 0.4, 4: 0.4}


def test_a_rate_that_the_loop_sets_before_it_updates_the_model_is_that_of_the_step(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=9.0)
    with workbench.watch("mine", epochs=1, optimizer=optimizer, runs_dir=tmp_path, measure=False) as run:
        for step in run.steps(range(3)):
            optimizer.param_groups[0]["lr"] = 0.1 * (step + 1)  # a warm-up without a scheduler
            with run.optimizer_step():
                optimizer.step()
            run.log(loss=1.0)
            time.sleep(POLL_SECONDS * 1.1)
    assert rates(run.directory) == pytest.approx({1: 0.1, 2: 0.2, 3: 0.3})
