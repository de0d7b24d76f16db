"""Shows a training by Lightning's Trainer in the app, live.

```python
from workbench.integrations.lightning import WorkbenchCallback

Trainer(callbacks=[WorkbenchCallback("my-run")], ...)
```

Each batch is a step. Metrics that the module logs under `val_NAME` are those of the validation split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from workbench.foreign_logs.names import metrics_of
from workbench.integrations.watched_training import WatchedTraining
from workbench.own_loop.batches import is_torch_loader, samples_in


class WorkbenchCallback(WatchedTraining, Callback):
    """Writes a run directory, and obeys requests to stop, to pause, and for another learning rate.

    The phase data is the time until Lightning has a batch on its device. The run ends with `fit`.
    """

    made_by = "lightning"

    _updates = False
    """Whether the present batch updates the model: not each does where gradients are accumulated."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        epochs = trainer.max_epochs
        self._open(
            pl_module.hparams,
            epochs=epochs if epochs is not None and epochs > 0 else None,
            step=trainer.fit_loop.total_batch_idx + 1,
            epoch=trainer.current_epoch,
            model=pl_module,
            optimizer=trainer.optimizers[0] if trainer.optimizers else None,
            device=pl_module.device,
        )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is not None:
            self._run.loop.begin_epoch()
            self._begin_steps(trainer)

    def _begin_steps(self, trainer: Trainer) -> None:
        assert self._run is not None
        batches, loader = trainer.num_training_batches, trainer.train_dataloader
        known = int(batches) if batches != float("inf") else None
        loading = "dataloader" if is_torch_loader(loader) else ""
        self._run.loop.begin_steps(known, getattr(loader, "batch_size", None), loading)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._run is None:
            return
        if not self._run.loop.clock.running:  # after a validation in the middle of an epoch
            self._begin_steps(trainer)
        self._updates = False
        self._run.loop.mark("data")

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Any) -> None:
        if self._run is not None:
            self._run.loop.mark("forward")

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is not None:
            self._run.loop.mark("backward")

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        self._updates = True
        if self._run is not None:
            self._run.loop.read_rate()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._run is None:
            return
        loop = self._run.loop
        if self._updates:
            loop.mark("optimizer")
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:
            loop.log({"loss": loss})
        loop.end_step(samples_in(batch))
        if loop.should_stop:
            trainer.should_stop = True

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is not None and self._run.loop.clock.running:
            self._run.loop.end_steps(is_whole=self._is_last_batch(trainer))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is not None and not trainer.sanity_checking and not self._run.loop.is_finished:
            self._run.loop.validation(metrics_of(trainer.callback_metrics, "validation", "lightning"))

    def _is_last_batch(self, trainer: Trainer) -> bool:
        return bool(trainer.fit_loop.epoch_loop.batch_progress.is_last_batch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is None:
            return
        loop = self._run.loop
        if loop.clock.running:
            loop.end_steps(is_whole=self._is_last_batch(trainer))
        loop.log(metrics_of(trainer.callback_metrics, "train", "lightning"), of_last_step=True)
        loop.end_epoch()
        if loop.should_stop:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._run is not None:
            self._run.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self._run is not None:
            self._run.end(exception)
