"""`workbench.watch`: a training loop of the user's own becomes a run like any other.

```python
import workbench

with workbench.watch("my-run", epochs=10, model=model, optimizer=optimizer) as run:
    for epoch in run.epochs():
        for batch in run.steps(loader):
            with run.forward():
                loss = ...
            with run.backward():
                loss.backward()
            with run.optimizer_step():
                optimizer.step()
            run.log(loss=loss)
        run.validation(accuracy=...)
```

`watch` and `run.steps` are enough. `workbench --attach` follows the run while it trains.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from workbench.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, type_and_first_line
from workbench.own_loop.batches import is_torch_loader, length, samples_in
from workbench.own_loop.loop import Loop
from workbench.own_loop.open_run import Ending, open_loop

Batch = TypeVar("Batch")


class Phase:
    """A phase of a step: the time inside the `with`. One object serves all steps, so that it costs next to nothing."""

    __slots__ = ("_name", "loop")

    def __init__(self, loop: Loop, name: str) -> None:
        self.loop = loop
        self._name = name

    def __enter__(self) -> None:
        loop = self.loop
        loop.clock.mark(loop.unmarked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.mark(self._name)


class OptimizerPhase(Phase):
    """The phase that updates the model, with the learning rate at its begin."""

    __slots__ = ()

    def __enter__(self) -> None:
        super().__enter__()
        self.loop.read_rate()


class WatchedRun:
    """A run of a loop of the user's own. Use it as a context manager, or let it end with the program.

    Nothing here raises because of the disk: a problem is reported once on stderr, and training continues.
    """

    def __init__(self, loop: Loop, directory: Path | None) -> None:
        """directory: None where nothing is recorded: it cannot be written, or this is not the first of the ranks."""
        self.directory = directory
        """Where the run is recorded, as an absolute path."""
        self.loop = loop
        """Its record, for callbacks."""
        self._phases = {name: Phase(loop, name) for name in ("transfer", "forward", "backward", "metrics")}
        self._phases["optimizer"] = OptimizerPhase(loop, "optimizer")
        self._is_in_steps = False
        self._ending = Ending(self.end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.end(error)

    # The loop.

    def epochs(self, epochs: int | None = None) -> Iterator[int]:
        """Yields the numbers of the epochs, from 0 as `range` does, until the last one or a request to stop.

        epochs: how many, instead of the number given to `watch`; without either it ends only at a request to stop.
        """
        loop = self.loop
        if epochs is not None:
            loop.epochs = epochs
        number = 0
        while (loop.epochs is None or number < loop.epochs) and not loop.should_stop:
            loop.begin_epoch()
            yield number
            loop.end_epoch()
            number += 1

    def steps(self, data: Iterable[Batch], *, batch_size: int | None = None) -> Iterator[Batch]:
        """Yields the batches of the data, and times the steps between them; ends early at a request to stop.

        Waiting for a batch is the phase data. While the run is paused, the next batch waits. batch_size: how many
        samples each batch has, where that is not the first size of its first array. Inside a step of another pass,
        batches are only yielded: the steps that count are those of the outer one.
        """
        loop = self.loop
        if self._is_in_steps:
            loop.warn("run.steps was called inside a step of another run.steps: only the steps of the outer one count")
            yield from data
            return
        size = batch_size or getattr(data, "batch_size", None)
        loop.begin_steps(length(data), size, "dataloader" if is_torch_loader(data) else "")
        # Looked up once: this runs every step.
        mark, end_step, requests = loop.clock.mark, loop.end_step, loop.requests
        assert requests is not None
        is_whole, is_in_step = False, False
        self._is_in_steps = True
        try:
            for batch in data:
                mark("data")
                is_in_step = True
                yield batch
                is_in_step = False
                end_step(batch_size or samples_in(batch))
                if requests.stopping:
                    break
            else:
                is_whole = True
        finally:
            self._is_in_steps = False
            # A loop that breaks off in a step has made it if it has updated the model, or logged its loss.
            if is_in_step and loop.has_stepped:
                end_step(batch_size)
            loop.end_steps(is_whole=is_whole)

    def transfer(self) -> Phase:
        """Times moving a batch to the device."""
        return self._phases["transfer"]

    def forward(self) -> Phase:
        """Times the forward pass: model and loss."""
        return self._phases["forward"]

    def backward(self) -> Phase:
        """Times the backward pass."""
        return self._phases["backward"]

    def metrics(self) -> Phase:
        """Times counting what is right, and the like."""
        return self._phases["metrics"]

    def optimizer_step(self) -> Phase:
        """Times the update: clipping gradients, `optimizer.step()`, `zero_grad`."""
        return self._phases["optimizer"]

    # What it reports.

    def log(self, loss: Any = None, **metrics: Any) -> None:
        """Reports numbers of the present step: Python's, NumPy's, or tensors of one element.

        Never waits for a GPU: a tensor is copied in the background, and must not be changed in place for a moment.
        """
        if loss is not None:
            metrics["loss"] = loss
        self.loop.log(metrics)

    def validation(self, **metrics: Any) -> None:
        """Reports metrics of the validation split after an epoch: accuracy and other fractions from 0 to 1."""
        self.loop.validation(metrics)

    def test(self, **metrics: Any) -> None:
        """Reports metrics of the test split."""
        self.loop.test(metrics)

    @property
    def should_stop(self) -> bool:
        """Whether somebody has asked to stop; `steps` and `epochs` end by themselves."""
        return self.loop.should_stop

    @property
    def step(self) -> int:
        """Steps completed."""
        return self.loop.step

    # The end.

    def close(self) -> None:
        """Ends the run as completed, or as stopped if somebody has asked to stop."""
        self._ending.cancel()
        if self.loop.should_stop:
            self.loop.finish("stopped", exit_code=EXIT_INTERRUPTED)
        else:
            self.loop.finish("completed", exit_code=EXIT_DONE)

    def end(self, error: BaseException | None) -> None:
        """Ends the run after an exception, or with the program; error: None if there was none."""
        self._ending.cancel()
        loop = self.loop
        if error is None and not loop.should_stop and not loop.has_ended:
            loop.finish("stopped", "the program ended before the last epoch", EXIT_INTERRUPTED)
        elif error is None or (isinstance(error, SystemExit) and not error.code):
            self.close()
        elif isinstance(error, KeyboardInterrupt | GeneratorExit):
            loop.finish("stopped", "interrupted", EXIT_INTERRUPTED)
        elif isinstance(error, SystemExit):
            loop.finish("failed", f"the program ended with {error.code!r}", EXIT_FAILED, "internal")
        else:
            loop.finish("failed", type_and_first_line(error), EXIT_FAILED, "internal")


def watch(
    name: str,
    *,
    epochs: int | None = None,
    model: Any = None,
    optimizer: Any = None,
    settings: Mapping[str, Any] | None = None,
    monitor: str | None = None,
    device: Any = None,
    runs_dir: str | os.PathLike[str] | None = None,
    measure: bool = True,
    tensorboard: bool | str | os.PathLike[str] = False,
) -> WatchedRun:
    """Begins to watch a training loop: a new run in the runs folder, which the app shows live.

    name: what the run is called: letters, digits and _ . + -
    epochs: how many are planned; None if that is not known.
    model: its parameters are counted, and tell the device. optimizer: tells the learning rate, which others may set.
    settings: the hyper-parameters, for comparisons: numbers, texts, lists and nested tables.
    monitor: the metric that tells the best epoch, one of workbench's; by default the main one that the loop reports.
    device: where the steps are computed, where neither model nor optimizer tells.
    runs_dir: the runs folder; by default WORKBENCH_RUNS, or ./runs.
    measure: whether memory, processor and GPU are read once a second.
    tensorboard: whether another process writes the run for TensorBoard too: True for the folder `tensorboard` in the
    run's directory, or the log folder. Needs `pip install 'tuning-workbench[tensorboard]'`.

    In a program with several ranks (RANK is set) only the first is recorded. Raises UsageError for a name, a number of
    epochs or a monitor that cannot be.
    """
    loop, directory = open_loop(
        name,
        epochs=epochs,
        model=model,
        optimizer=optimizer,
        settings=settings or {},
        monitor=monitor,
        device=device,
        runs_folder=None if runs_dir is None else Path(runs_dir),
        measure=measure,
        tensorboard=tensorboard if isinstance(tensorboard, bool) else Path(tensorboard),
    )
    return WatchedRun(loop, directory)
