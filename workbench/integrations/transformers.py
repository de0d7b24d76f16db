"""Shows a training by the Trainer of Hugging Face's transformers in the app, live.

```python
from workbench.integrations.transformers import WorkbenchCallback

Trainer(model, args, callbacks=[WorkbenchCallback("my-run")], ...)
```

The Trainer tells the loss as often as `logging_steps` says, as the mean since the last time: the curve has a point
there. A step's phases are data, the optimizer, and the rest of the step.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workbench.foreign_logs.names import metrics_of
from workbench.own_loop.open_run import open_loop
from workbench.own_loop.watch import WatchedRun

ALWAYS = (
    "learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "weight_decay",
    "lr_scheduler_type", "optim", "seed",
)  # fmt: skip
"""Settings that are recorded even where they are the defaults."""
NO_SETTINGS = ("output_dir", "logging_dir", "report_to", "run_name", "push_to_hub")
"""Settings that change no training."""


class WorkbenchCallback(TrainerCallback):
    """Writes a run directory, and obeys requests to stop, to pause, and for another learning rate.

    The run ends with `train`, or with the program where `train` raises.
    """

    def __init__(
        self,
        name: str = "transformers",
        *,
        settings: Mapping[str, Any] | None = None,
        monitor: str | None = None,
        runs_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        """settings: beside the training arguments. The others are as for `workbench.watch`."""
        self._name = name
        self._settings = settings
        self._monitor = monitor
        self._runs_dir = runs_dir
        self._run: WatchedRun | None = None
        self._samples = 0
        """Of a step, on this rank."""
        self._steps_per_epoch: int | None = None

    @property
    def directory(self) -> Path | None:
        """The run's directory; None before training, and on all ranks but the first."""
        return None if self._run is None else self._run.directory

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        epochs = int(state.num_train_epochs) or None
        self._samples = args.train_batch_size * args.gradient_accumulation_steps
        self._steps_per_epoch = round(state.max_steps / epochs) if epochs and state.max_steps > 0 else None
        loop, directory = open_loop(
            self._name,
            epochs=epochs,
            settings=_settings(args) | dict(self._settings or {}),
            monitor=self._monitor,
            runs_folder=None if self._runs_dir is None else Path(self._runs_dir),
            measure=True,
            made_by="transformers",
            model=kwargs.get("model"),
            optimizer=kwargs.get("optimizer"),
            device=args.device,
            step=state.global_step,
            epoch=int(state.epoch or 0),
        )
        self._run = WatchedRun(loop, directory)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None:
            self._run.loop.end_epoch()  # only now: the evaluation comes after the Trainer's own end of an epoch
            self._run.loop.begin_epoch()
            self._begin_steps(args)

    def _begin_steps(self, args: TrainingArguments) -> None:
        assert self._run is not None
        self._run.loop.begin_steps(self._steps_per_epoch, args.train_batch_size, "dataloader")

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None:
            self._run.loop.end_steps(is_whole=True)
            if self._run.loop.should_stop_after_pass:  # the evaluation still comes
                control.should_training_stop = True

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is None:
            return
        if not self._run.loop.clock.running:  # after an evaluation in the middle of an epoch
            self._begin_steps(args)
        self._run.loop.mark("data")

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None:
            self._run.loop.mark("step")
            self._run.loop.read_rate()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None:
            self._run.loop.mark("optimizer")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._run is None:
            return
        self._run.loop.end_step(self._samples)
        if self._run.loop.should_stop:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if self._run is None or self._run.loop.is_finished or not logs or "loss" not in logs:
            return  # an evaluation, or the summary at the end
        own = metrics_of(logs, "train", "transformers")
        self._run.loop.log({"loss": logs["loss"], **own}, of_last_step=True)

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None and self._run.loop.clock.running:
            self._run.loop.end_steps(is_whole=False)  # an evaluation is no training time

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if self._run is not None and not self._run.loop.is_finished:
            self._run.loop.validation(metrics_of(metrics or {}, "validation", "transformers"))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._run is not None:
            self._run.loop.end_epoch()
            self._run.close()


def _settings(args: TrainingArguments) -> dict[str, Any]:
    """The training arguments that are not the defaults, and the most important ones; never a token."""
    found = {}
    for each in fields(args):
        value = getattr(args, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        is_secret = "token" in each.name or each.name.startswith("hub_")
        if each.init and not is_secret and each.name not in NO_SETTINGS and (each.name in ALWAYS or value != default):
            found[each.name] = getattr(value, "value", value)
    return {name: value for name, value in found.items() if value is not None}
