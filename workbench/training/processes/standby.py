"""The standby worker's process; `workbench.processes.standby` says what it is sent and what it answers.

It imports what a run needs, trains a throw-away network on the CPU unless a run is waiting already, says that it is
ready, and then trains one run after another, each exactly as the worker beside it does. End of input means that the
launcher needs it no more or has died: then it ends, after the run that it trains. A signal that stops a run ends it
too.

Where a run may have changed the process beyond repair, the process starts itself anew under the same id: after code of
the user's, after a fault of the GPU, and where cuBLAS, which decides once how deterministic it is, decided otherwise.

Before its first run it never touches a GPU: a context there costs hundreds of MiB, and that run may be meant for
another card.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.files import is_file, open_to_append
from workbench.processes.messages import decode, encode
from workbench.processes.modules import Module, command_line
from workbench.processes.standby import READY, Order, RunEnded
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.kept_data import KeptData
from workbench.training.processes.imports import import_pytorch, without_collector
from workbench.training.processes.leave import leave

if TYPE_CHECKING:
    from workbench.training.processes.process_state import ProcessState


def main(arguments: list[str]) -> int:
    """Trains runs until its input ends; returns the exit code of the last one, 0 if there was none.

    arguments: an order, as it comes on standard input, where the process has started itself anew for it.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    pipes, state = _Pipes(), None
    # What goes wrong here (a full disk, a broken installation) goes wrong in the run too, which reports it.
    with contextlib.suppress(Exception):
        with without_collector():
            from workbench.training.processes.process_state import ProcessState

            state = ProcessState.now()  # first: what is imported later sets variables
            _import_all()
        if not arguments and not pipes.has_order:
            warm_up()
    if not arguments:
        pipes.send(READY)
    return _Standby(pipes, state).train_all(arguments[0].encode() if arguments else pipes.read_line())


class _Standby:
    """Trains what comes down the pipe."""

    def __init__(self, pipes: _Pipes, state: ProcessState | None) -> None:
        """state: how the process is between two runs; None where that is not known, for want of PyTorch."""
        self._pipes = pipes
        self._state = state
        self._is_frozen = False
        """Whether the collector leaves out what the first run had imported."""
        self._kept = KeptData()
        """What the trials of a study share."""
        self._is_deterministic: bool | None = None
        """Whether the first run on a GPU was; None where no GPU has been used."""

    def train_all(self, line: bytes | None) -> int:
        """Trains this order and those that follow; returns the exit code of the last run."""
        exit_code = 0
        while line is not None:
            order = decode(Order, json.loads(line))
            preset = _preset_of(order)
            if self._is_deterministic not in (None, preset.runtime.deterministic):
                self._pipes.start_anew(line.decode())
            exit_code, was_signalled = self._train(order)
            if was_signalled or self._pipes.is_closed:
                return exit_code
            is_clean = self._state is not None and self._state.restore() and not preset.code_references()
            if not self._is_frozen:
                # PyTorch is half a million objects. To look at them after each run takes 0.3 s, as long as a short run;
                # to ask the collector whether they are frozen counts them, which takes 0.05 s.
                gc.freeze()
                self._is_frozen = True
            self._note_gpu(preset)
            self._pipes.send(encode(RunEnded(order.run, exit_code, is_ready=is_clean)).encode())
            if not is_clean:
                self._pipes.start_anew()
            line = self._pipes.read_line()
        return exit_code

    def _train(self, order: Order) -> tuple[int, bool]:
        """Exit code, and whether a signal asked the process to stop."""
        run = RunDirectory(Path(order.run))
        os.environ.update(order.environment)
        os.chdir(order.folder)
        self._pipes.print_into(run.worker_log)
        from workbench.training.processes import worker

        life = worker.live(run, self._kept if is_file(run.study) else None)
        self._pipes.print_into(Path(os.devnull))
        return life.exit_code, life.was_signalled

    def _note_gpu(self, preset: Preset) -> None:
        import torch

        if self._is_deterministic is None and torch.cuda.is_initialized():
            self._is_deterministic = preset.runtime.deterministic


def _preset_of(order: Order) -> Preset:
    """The preset of a run; the default one where it cannot be read, which the run itself reports."""
    try:
        return Preset.of_run(RunDirectory(Path(order.run)).preset)
    except WorkbenchError:
        return Preset()


class _Pipes:
    """Orders and answers, which are taken away from standard input and output: libraries print there."""

    def __init__(self) -> None:
        self._orders = os.fdopen(
            os.dup(0), "rb", buffering=0
        )  # nothing is read ahead: it would be lost by starting anew
        self._answers = os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)

    def read_line(self) -> bytes | None:
        """Waits for an order; None at the end of input."""
        line = self._orders.readline()
        return line if line.endswith(b"\n") else None

    @property
    def has_order(self) -> bool:
        """Whether an order is waiting."""
        return bool(self._poll() & select.POLLIN)

    @property
    def is_closed(self) -> bool:
        """Whether no order can come any more."""
        events = self._poll()
        return bool(events & select.POLLHUP) and not events & select.POLLIN

    def _poll(self) -> int:
        poll = select.poll()
        poll.register(self._orders, select.POLLIN)
        [(_, events)] = poll.poll(0) or [(0, 0)]
        return events

    def send(self, line: bytes) -> None:
        """Sends an answer. The launcher may have ended meanwhile."""
        with contextlib.suppress(OSError):
            os.write(self._answers, line + b"\n")

    def print_into(self, log: Path) -> None:
        """Appends what the process prints to a file from now on; if that fails, a run's first write will say why."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        with contextlib.suppress(OSError):
            descriptor = open_to_append(log)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            os.close(descriptor)

    def start_anew(self, *order: str) -> None:
        """Replaces the program of this process by the same one, which holds nothing but these pipes."""
        os.dup2(self._orders.fileno(), 0)
        os.dup2(self._answers, 1)
        command = command_line(Module.STANDBY, *order)
        os.execv(command[0], command)


def _import_all() -> None:
    """What nearly every run needs."""
    import sklearn.datasets
    import sklearn.model_selection  # noqa: F401

    import workbench.training.trainer  # noqa: F401

    import_pytorch()


def warm_up() -> None:
    """Trains an epoch of a throw-away network on the CPU: whatever is imported or built on first use is there then."""
    import workbench.training.processes.environment
    import workbench.training.processes.summary  # noqa: F401
    from workbench.training.inbox import Inbox
    from workbench.training.job import build_job
    from workbench.training.processes.without_gpus import without_gpus
    from workbench.training.trainer import Trainer

    preset = Preset().override(["runtime.device=cpu", "data.name=digits", "model.hidden=[16]", "training.epochs=1"])
    with without_gpus(), _tidy_when_terminated(), tempfile.TemporaryDirectory(prefix="workbench-standby-") as folder:
        run = create_run(Path(folder), "warm-up", preset.to_toml())
        events = EventWriter(run.events)
        trainer = Trainer(build_job(preset, lambda _: None), run, events, Inbox(run))
        trainer.train()
        trainer.reporter.close()
        events.close()
    # Half a second for the choices that need them.
    import pytorch_optimizer  # noqa: F401
    import torchvision.datasets  # noqa: F401


@contextlib.contextmanager
def _tidy_when_terminated() -> Iterator[None]:
    """SIGTERM unwinds the stack, so that temporary files go with the process."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit()

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
