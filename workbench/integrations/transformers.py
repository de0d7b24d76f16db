"""Shows a training by the Trainer of Hugging Face's transformers in the app, live.

```python
from workbench.integrations.transformers import WorkbenchCallback

Trainer(model, args, callbacks=[WorkbenchCallback("my-run")], ...)
```

The Trainer tells the loss as often as `logging_steps` says, as the mean since the last time: the curve has a point
there. A step's phases are data, the optimizer, and the rest of the step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workbench.foreign_logs.names import metrics_of
from workbench.integrations.watched_training import WatchedTraining

ALWAYS = (
    "learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "weight_decay",
    "lr_scheduler_type", "optim", "seed",
)  # fmt: skip
"""Settings that are recorded even where they are the defaults."""
NO_SETTINGS = re.compile(
    r"output_dir|overwrite_.*|run_name|project|report_to|disable_tqdm|debug|do_.*|hub_.*|push_to_hub.*|.*token.*"
    r"|log_.*|logging_.*|save_.*|eval_(?!accumulation).*|fsdp_config|trackio_.*|remove_unused_columns|dataloader_pin_memory"
)
"""Settings that change no training, or are no user's to read."""


class WorkbenchCallback(WatchedTraining, TrainerCallback):
    """Writes a run directory, and obeys requests to stop, to pause, and for another learning rate.

    The run ends with `train`, or with the program where `train` raises.
    """

    made_by = "transformers"

    _samples = 0
    """Of a step, on this rank."""
    _steps_per_epoch: int | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        epochs = int(state.num_train_epochs) or None
        self._samples = args.train_batch_size * args.gradient_accumulation_steps
        self._steps_per_epoch = round(state.max_steps / epochs) if epochs and state.max_steps > 0 else None
        self._open(
            _settings(args),
            epochs=epochs,
            step=state.global_step,
            epoch=int(state.epoch or 0),
            model=kwargs.get("model"),
            optimizer=kwargs.get("optimizer"),
            device=args.device,
        )

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
    """The training arguments that are plain values and not the defaults, and the most important ones."""
    found = {}
    for each in fields(args):
        value = getattr(args, each.name)
        value = getattr(value, "value", value)  # of an enumeration
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        is_default = value == getattr(default, "value", default) or (default is None and not value)
        if each.init and not NO_SETTINGS.fullmatch(each.name) and (each.name in ALWAYS or not is_default):
            found[each.name] = value
    return {name: value for name, value in found.items() if isinstance(value, bool | int | float | str | list | dict)}
