"""The standby trainer's process: `python -m workbench.training.processes.standby`.

It imports what a run needs, trains a throw-away network on the CPU, says that it is ready, and waits for
one line on its standard input: the run. Then it is that run's trainer, exactly as the worker beside it is. End
of input without a line means that whoever launched it has ended; so does it.

It never touches a GPU: a context there costs hundreds of MiB, and the next run may be meant for another card.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from workbench.files import open_to_append
from workbench.processes.standby import READY
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset


def main() -> int:
    """Waits for a run and trains it; returns the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Whatever a library prints while it is imported must not be taken for the word that this process is ready.
    answers = os.dup(1)
    os.dup2(2, 1)
    # What goes wrong here (a full disk, a broken installation) goes wrong in the run too, which can tell of it.
    with contextlib.suppress(Exception):
        warm_up()
    # Whoever launched it may have ended meanwhile, or may not care.
    with contextlib.suppress(OSError):
        os.write(answers, READY)
    os.close(answers)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return 0
    order = json.loads(line)
    run = RunDirectory(Path(order["run"]))
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    _print_into(run.worker_log)
    from workbench.training.processes import worker

    return worker.main([str(run.path)])


def warm_up() -> None:
    """Trains an epoch of a throw-away network on the CPU: whatever is imported or built on first use is there then."""
    import workbench.training.processes.environment
    import workbench.training.processes.summary  # noqa: F401
    from workbench.training.inbox import Inbox
    from workbench.training.job import build_job
    from workbench.training.trainer import Trainer

    preset = Preset().override(["runtime.device=cpu", "data.name=digits", "model.hidden=[16]", "training.epochs=1"])
    with _without_gpus(), _tidy_when_terminated(), tempfile.TemporaryDirectory(prefix="workbench-standby-") as folder:
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
def _without_gpus() -> Iterator[None]:
    """PyTorch believes that there is no GPU.

    Adam looks at the GPU's stream even where its parameters are on the CPU, which makes a context there. Whether there
    is a GPU cannot be told by CUDA_VISIBLE_DEVICES: the driver reads it once for the whole life of a process.
    """
    import torch

    is_available = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available = is_available


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


def _print_into(log: Path) -> None:
    """From now on what the process prints goes to the run's log; without one, the run's first write will say why."""
    with contextlib.suppress(OSError):
        descriptor = open_to_append(log)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


if __name__ == "__main__":
    sys.exit(main())
