"""One run of the benchmark for machines with a GPU: its sizes, its figures as they come, and its parts in processes."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks import graphs
from tests.benchmarks.mnist_sized import TRAIN
from workbench.atomic_files import write_text_atomically
from workbench.errors import WorkbenchError

GRACE_SECONDS = 60
"""A part begins nothing more when time is up; if it has not ended so long after, it is ended."""
MOST_SECONDS = 240
"""Of one part, so that those after it have their turn."""
TAKEN = "auto takes"


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    samples: int = TRAIN
    batches: tuple[int, ...] = (64, 512, 8192)
    plain_epochs: int = 2
    epochs: int = 10
    pairs: int = 20
    images: int = 50_000
    image_batch: int = 512
    image_epochs: int = 4
    width: int = 64
    starts: int = 2


QUICK = Sizes(
    samples=512, batches=(64,), plain_epochs=1, epochs=1, pairs=2,
    images=64, image_batch=32, image_epochs=1, width=4, starts=1,
)  # fmt: skip


@dataclass
class Bench:
    """What is measured, with what, and what was found."""

    device: str
    engines: tuple[str, ...]
    sizes: Sizes
    scratch: Path
    folder: Path
    deadline: float
    kept: Path
    """Where the figures stand as they come: whatever ends the process, they are there."""
    found: dict[str, Any] = field(default_factory=dict)

    def note(self, name: str, figure: Any) -> None:
        """Keeps a figure."""
        self.found[name] = figure
        write_text_atomically(self.kept, json.dumps(self.found))

    def distinct_engines(self) -> Iterator[str]:
        """Those to be measured, without the one that has been under the name of auto; none once time is up."""
        for engine in self.engines:
            if not self.time_is_up and engine != self.found.get(TAKEN):
                yield engine

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device.startswith("cuda")

    @property
    def time_is_up(self) -> bool:
        """Whether nothing more is to be begun."""
        return time.monotonic() > self.deadline

    def attempt(self, name: str, measure: Callable[..., None], *arguments: object) -> None:
        """Measures one thing. Whatever goes wrong becomes its figure, and the next measurement follows."""
        try:
            measure(*arguments)
        except Exception as error:
            if not isinstance(error, WorkbenchError):
                traceback.print_exc()
            what = "not available" if isinstance(error, WorkbenchError) else f"failed: {type(error).__name__}"
            print(f"  {name}: {what}: {first_line(error)}", flush=True)
            self.note(name, f"{what}: {first_line(error)}")
        graphs.captured.clear()
        gc.collect()  # a trainer's parts refer to one another
        if self.on_gpu:
            torch.cuda.empty_cache()

    def settings(self, engine: str) -> list[str]:
        """Of every trainer."""
        return [f'data.folder="{self.folder}"', f"runtime.device={self.device}", f"runtime.engine={engine}"]


def run_apart(bench: Bench, part: str, engines: Sequence[str], options: Sequence[str]) -> None:
    """Measures a part in a process of its own: an error of CUDA, after which nothing works there, ends only that."""
    left = bench.deadline - time.monotonic()
    command = [
        sys.executable, "-m", "tests.benchmarks.gpu", "--part", part, "--engines", ",".join(engines),
        "--device", bench.device, "--data", str(bench.folder), "--found", str(bench.kept), "--seconds", str(left),
        *options,
    ]  # fmt: skip
    name = f"{part} ({', '.join(engines)})"
    with subprocess.Popen(command, start_new_session=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process:
        most = min(left + GRACE_SECONDS, MOST_SECONDS)
        try:
            code = process.wait(most)
            why = f"ended with {code}" if code else None
        except subprocess.TimeoutExpired:
            why = f"was ended after {most:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and with it the scripts that it may have started
    bench.found |= json.loads(bench.kept.read_text())
    if why is not None:
        print(f"  {name}: {why}", flush=True)
        bench.note(name, why)


def first_line(error: BaseException) -> str:
    """What went wrong, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
