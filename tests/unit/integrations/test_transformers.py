from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from tests.unit.own_loop.reading import events, rates, summary_of
from workbench.integrations.transformers import WorkbenchCallback
from workbench.own_loop.loop import POLL_SECONDS
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Logged, Prepared, Started, Steps
from workbench.runs.measurements import Timing
from workbench.runs.own_loop import read_own_loop
from workbench.runs.status import status


class Line(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        answer = self.layer(x)
        return {"loss": ((answer - labels) ** 2).mean(), "logits": answer}


class Rows(Dataset[dict[str, torch.Tensor]]):
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        x = torch.randn(4, generator=torch.Generator().manual_seed(index))
        return {"x": x, "labels": x.sum().reshape(1)}


def trainer(callback: WorkbenchCallback, folder: Path, *others: Any, **options: Any) -> Trainer:
    shown: dict[str, Any] = {"num_train_epochs": 2, "eval_strategy": "epoch", "save_strategy": "no"} | options
    arguments = TrainingArguments(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=8,
        logging_steps=2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        learning_rate=0.05,
        hub_token="secret",
        **shown,
    )
    return Trainer(
        model=Line(), args=arguments, train_dataset=Rows(), eval_dataset=Rows(), callbacks=[callback, *others]
    )


def test_a_training_is_a_run_with_the_losses_that_the_trainer_logs(tmp_path: Path) -> None:
    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")
    trains = trainer(callback, tmp_path)
    trains.train()
    assert callback.directory is not None
    summary = summary_of(callback.directory)
    assert (summary.status, summary.epoch, summary.step, summary.monitor) == ("completed", 2, 16, "loss")
    logged = {entry["step"]: entry["loss"] for entry in trains.state.log_history if "loss" in entry}
    found = {
        event.first_step + place: loss
        for event in events(callback.directory, Steps)
        for place, loss in enumerate(event.losses)
    }
    assert found == pytest.approx(logged, rel=1e-6)
    assert len(found) == 8
    [prepared] = events(callback.directory, Prepared)
    assert (prepared.steps_per_epoch, prepared.epochs, prepared.batch_size, prepared.parameters) == (8, 2, 8, 5)
    evaluated = [entry["eval_loss"] for entry in trains.state.log_history if "eval_loss" in entry]
    epochs = events(callback.directory, EpochEnd)
    assert [epoch.validation for epoch in epochs] == [{"loss": pytest.approx(loss)} for loss in evaluated]
    assert all("grad_norm" in event.metrics for event in events(callback.directory, Logged))
    timings = events(callback.directory, Timing)
    assert timings
    assert all({"data", "step", "optimizer"} <= set(timing.phase_ms) for timing in timings)
    own = read_own_loop(RunDirectory(callback.directory).preset)
    assert own is not None
    assert own.loop == "transformers"
    assert dict(own.settings) == {
        "learning_rate": 0.05, "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1,
        "num_train_epochs": 2, "weight_decay": 0.0, "lr_scheduler_type": "linear", "optim": "adamw_torch_fused",
        "seed": 42, "use_cpu": True,
    }  # fmt: skip
    assert "secret" not in RunDirectory(callback.directory).preset.read_text()


def test_a_request_stops_it(tmp_path: Path) -> None:
    from transformers import TrainerCallback

    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")

    class Asks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            assert callback.directory is not None
            if state.global_step == 3:
                ask(RunDirectory(callback.directory), "stop")

    trainer(callback, tmp_path, Asks(), num_train_epochs=10_000, eval_strategy="no").train()
    assert callback.directory is not None
    assert status(RunDirectory(callback.directory)) == "stopped"


@pytest.mark.parametrize("saved_at", [pytest.param(16, marks=pytest.mark.slow), 12])
def test_a_training_that_continues_from_a_checkpoint_continues_its_steps_and_epochs(
    tmp_path: Path, saved_at: int
) -> None:
    """saved_at: the end of the second epoch, or the middle of it."""
    from transformers import TrainerCallback

    saves = {"save_strategy": "steps", "save_steps": saved_at, "max_steps": saved_at}
    trainer(WorkbenchCallback("first", runs_dir=tmp_path / "runs"), tmp_path, **saves).train()
    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")

    class Asks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            time.sleep(0.15)  # the time between two looks at requests
            if state.global_step == 17:
                assert callback.directory is not None
                ask(RunDirectory(callback.directory), "stop_after_epoch", 3)

    again = trainer(callback, tmp_path, Asks(), num_train_epochs=5)
    again.train(resume_from_checkpoint=str(tmp_path / "out" / f"checkpoint-{saved_at}"))
    [started] = events(callback.directory, Started)
    assert (started.step, started.epoch) == (saved_at, saved_at // 8)
    epochs = events(callback.directory, EpochEnd)
    assert [(epoch.epoch, epoch.step) for epoch in epochs] == ([(3, 24)] if saved_at == 16 else [(2, 16), (3, 24)])
    summary = summary_of(callback.directory)
    assert (summary.status, summary.epoch, summary.step) == ("stopped", 3, 24)
    positions = [event.epoch for event in events(callback.directory, Steps)]
    assert positions[-1] == 3.0
    assert positions == sorted(positions)
    assert positions[0] > saved_at / 8


def test_the_learning_rate_of_a_step_is_that_of_before_the_scheduler(tmp_path: Path) -> None:
    from transformers import TrainerCallback

    used: list[float] = []

    class Slow(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            used.append(others["optimizer"].param_groups[0]["lr"])
            time.sleep(POLL_SECONDS * 1.1)

    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")
    trainer(callback, tmp_path, Slow(), num_train_epochs=1, eval_strategy="no").train()
    assert used[:2] == [0.05, 0.05 * 7 / 8]  # linear, to nothing
    shown = {step: rate for step, rate in rates(callback.directory).items() if step % 2 == 0}
    assert shown == {step: used[step - 1] for step in (2, 4, 6, 8)}
