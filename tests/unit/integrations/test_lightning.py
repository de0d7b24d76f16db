from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from tests.unit.own_loop.reading import events, rates, summary_of
from workbench.integrations.lightning import WorkbenchCallback
from workbench.own_loop.loop import POLL_SECONDS
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Logged, Prepared, RequestHandled, Started, Steps
from workbench.runs.history import read_history
from workbench.runs.measurements import Timing
from workbench.runs.own_loop import read_own_loop
from workbench.runs.status import status


class Line(pl.LightningModule):
    def __init__(self, learning_rate: float = 0.1, fails_at: int = -1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)
        self.losses: list[float] = []

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        if self.global_step == self.hparams["fails_at"]:
            raise RuntimeError("no such sample\nand more")
        loss: torch.Tensor = ((self.layer(batch[0]) - batch[1]) ** 2).mean()
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", ((self.layer(batch[0]) - batch[1]) ** 2).mean())
        self.log("val_mine", torch.tensor(3.0))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["learning_rate"])


def loader() -> DataLoader[tuple[torch.Tensor, ...]]:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=16)


def fit(callbacks: list[Any], module: Line, folder: Path, ckpt_path: Path | None = None, **options: Any) -> None:
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        callbacks=callbacks,
        default_root_dir=folder,
        **{**quiet, "max_epochs": 3} | options,
    )
    trainer.fit(module, loader(), loader(), ckpt_path=ckpt_path)


def test_a_training_is_a_run_with_all_its_losses(tmp_path: Path) -> None:
    callback, module = WorkbenchCallback("line", runs_dir=tmp_path / "runs", settings={"note": "x"}), Line()
    fit([callback], module, tmp_path)
    assert callback.directory is not None
    summary = summary_of(callback.directory)
    assert (summary.status, summary.epoch, summary.step, summary.monitor) == ("completed", 3, 12, "loss")
    losses = [loss for event in events(callback.directory, Steps) for loss in event.losses]
    assert losses == pytest.approx(module.losses, rel=1e-6)
    [prepared] = events(callback.directory, Prepared)
    assert (prepared.steps_per_epoch, prepared.epochs, prepared.batch_size, prepared.parameters) == (4, 3, 16, 5)
    assert prepared.data_loading == "dataloader"
    epochs = events(callback.directory, EpochEnd)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert all(epoch.validation and epoch.validation["mine"] == 3.0 for epoch in epochs)
    assert epochs[-1].train["loss"] == pytest.approx(sum(module.losses[8:]) / 4, rel=1e-6)
    own = read_own_loop(RunDirectory(callback.directory).preset)
    assert own is not None
    assert own.loop == "lightning"
    assert dict(own.settings) == {"learning_rate": 0.1, "fails_at": -1, "note": "x"}
    [timing, *_] = events(callback.directory, Timing)
    assert set(timing.phase_ms) >= {"data", "forward", "backward", "optimizer"}
    assert "mine/validation" in read_history(RunDirectory(callback.directory)).curves


def test_an_error_ends_the_run_as_failed_with_its_first_line(tmp_path: Path) -> None:
    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")
    with pytest.raises(RuntimeError, match="no such sample"):
        fit([callback], Line(fails_at=5), tmp_path)
    summary = summary_of(callback.directory)
    assert (summary.status, summary.reason) == ("failed", "RuntimeError: no such sample")


def test_a_request_stops_it_and_sets_the_learning_rate(tmp_path: Path) -> None:
    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")

    class Asks(pl.Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            assert callback.directory is not None
            run = RunDirectory(callback.directory)
            if trainer.global_step == 2:
                ask(run, "set_learning_rate", 0.05)
            if trainer.optimizers[0].param_groups[0]["lr"] == 0.05 and not stopped:
                stopped.append(trainer.global_step)
                ask(run, "stop")

    stopped: list[int] = []
    fit([callback, Asks()], Line(), tmp_path, max_epochs=1000)
    assert callback.directory is not None
    assert status(RunDirectory(callback.directory)) == "stopped"
    answers = [(event.command, event.accepted) for event in events(callback.directory, RequestHandled)]
    assert answers == [("set_learning_rate", True), ("stop", True)]


@pytest.mark.parametrize("saved_at", [12, 10])
def test_a_training_that_continues_from_a_checkpoint_continues_its_steps_and_epochs(
    tmp_path: Path, saved_at: int
) -> None:
    """saved_at: the end of the third epoch, or the middle of it."""
    saves = ModelCheckpoint(tmp_path, every_n_train_steps=saved_at)
    fit([saves], Line(), tmp_path, enable_checkpointing=True)
    [checkpoint] = tmp_path.rglob("*.ckpt")
    callback, module = WorkbenchCallback("line", runs_dir=tmp_path / "runs"), Line()

    class Asks(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            time.sleep(0.15)  # the time between two looks at requests
            if trainer.global_step == 13:
                assert callback.directory is not None
                ask(RunDirectory(callback.directory), "stop_after_epoch", 4)

    fit([callback, Asks()], module, tmp_path, max_epochs=5, ckpt_path=checkpoint)
    [started] = events(callback.directory, Started)
    assert (started.step, started.epoch) == (saved_at, saved_at // 4)
    losses = {
        event.first_step + place: loss
        for event in events(callback.directory, Steps)
        for place, loss in enumerate(event.losses)
    }
    assert losses == pytest.approx(dict(enumerate(module.losses, saved_at + 1)), rel=1e-6)
    epochs = events(callback.directory, EpochEnd)
    assert [(epoch.epoch, epoch.step) for epoch in epochs] == ([(4, 16)] if saved_at == 12 else [(3, 12), (4, 16)])
    summary = summary_of(callback.directory)
    assert (summary.status, summary.epoch, summary.step) == ("stopped", 4, 16)
    positions = [event.epoch for event in events(callback.directory, Steps)]
    assert positions[-1] == 4.0
    assert positions == sorted(positions)
    assert positions[0] > saved_at / 4


def test_the_learning_rate_of_a_step_is_that_of_before_the_scheduler(tmp_path: Path) -> None:
    class Scheduled(Line):
        def configure_optimizers(self) -> Any:
            optimizer = super().configure_optimizers()
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
            return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    class Slow(pl.Callback):
        def on_train_batch_start(self, *_: Any) -> None:
            time.sleep(POLL_SECONDS * 1.1)

    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")
    fit([Slow(), callback], Scheduled(0.8), tmp_path, max_epochs=1)
    assert rates(callback.directory) == {1: 0.8, 2: 0.8, 3: 0.4, 4: 0.4}


def test_metrics_have_the_names_that_they_have_in_a_log(tmp_path: Path) -> None:
    class Telling(Line):
        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            loss = super().training_step(batch, index)
            self.log("train_loss", loss)
            self.log("train/score", 2.0)
            self.log("other", 3.0)
            return loss

    callback = WorkbenchCallback("line", runs_dir=tmp_path / "runs")
    fit([callback], Telling(), tmp_path, max_epochs=1)
    logged = [event.metrics for event in events(callback.directory, Logged)]
    assert logged == [{"score": 2.0, "other": 3.0}]
    [epoch] = events(callback.directory, EpochEnd)
    assert epoch.validation is not None
    assert set(epoch.validation) == {"loss", "mine"}
