"""Everything that is to be known of a machine with a GPU, by one command, in at most eight minutes.

    python -m tests.benchmarks.gpu

The plain script against workbench at three batch sizes, engine by engine; how close the captured step comes to the
floor that replaying empty nodes sets; ResNet-9 against a tight loop of its own; from start to first step; what
observing costs. What fails says why, and the rest goes on. The last line holds all figures as JSON.

`--device cpu --quick` goes the same way on small data, to see that the way is clear.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch

from tests.benchmarks import cifar_loop, graphs
from tests.benchmarks.figures import percent_more
from tests.benchmarks.in_process import close, epoch_seconds, new_trainer
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import TRAIN, first_samples, mnist_folder
from tests.benchmarks.observing import observing_ratios
from tests.benchmarks.programs import run_script
from tests.benchmarks.start import seconds_to_first_step
from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import WorkbenchError


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
    """One run of the benchmark: what it is run with, and what it has found."""

    device: str
    engines: tuple[str, ...]
    sizes: Sizes
    scratch: Path
    folder: Path
    deadline: float
    found: dict[str, Any] = field(default_factory=dict)
    auto_takes: str = ""
    """The engine that auto has turned out to be; empty before that."""

    def distinct_engines(self) -> Iterator[str]:
        """Those to be measured, without the one that has been under the name of auto."""
        for engine in self.engines:
            if "auto" not in self.engines or engine != self.auto_takes:
                yield engine

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device.startswith("cuda")

    @property
    def time_is_up(self) -> bool:
        """Whether nothing more is to be begun."""
        return time.monotonic() > self.deadline

    def section(self, title: str, measure: Callable[[Bench], None]) -> None:
        """Measures, unless time is up. Whatever goes wrong, the next section has its turn."""
        if self.time_is_up:
            self.found[title] = "left out: time is up"
            print(f"\n{title}: left out: time is up", flush=True)
            return
        print(f"\n{title}", flush=True)
        began = time.monotonic()
        try:
            measure(self)
        except Exception as error:
            traceback.print_exc()
            self.found[f"{title}: failed"] = first_line(error)
            print(f"  failed: {first_line(error)}")
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)

    def settings(self, engine: str) -> list[str]:
        """Of every trainer."""
        return [f'data.folder="{self.folder}"', f"runtime.device={self.device}", f"runtime.engine={engine}"]


def main() -> None:
    """Measures section by section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--engines", help=f"if left out: auto,{','.join(ENGINES)}; with --quick: eager")
    parser.add_argument("--quick", action="store_true", help="small data, few epochs: figures mean nothing")
    parser.add_argument("--seconds", type=float, default=450, help="nothing more is begun after this")
    options = parser.parse_args()
    engines = ("eager",) if options.quick else ("auto", *ENGINES)
    if options.engines:
        engines = tuple(options.engines.split(","))
    sizes = QUICK if options.quick else Sizes()
    machine = describe("torch", "triton")
    print(f"{machine}; CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    with tempfile.TemporaryDirectory() as name, graphs.watch():
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        if sizes.samples != TRAIN:
            folder = first_samples(folder, scratch, sizes.samples)
        print(f"device {options.device}; {sizes.samples} samples: {what}")
        deadline = time.monotonic() + options.seconds
        bench = Bench(options.device, engines, sizes, scratch, folder, deadline, {"machine": machine, "data": what})
        bench.section("seconds an epoch", epochs)
        bench.section("images a second, ResNet-9 on made images of CIFAR-10's size", images)
        bench.section("start to first step, process warm", starts)
        bench.section("observing on against off", observing)
    print(json.dumps(bench.found))


def epochs(bench: Bench) -> None:
    """The plain script against workbench at each batch size; then the floor of each captured step."""
    hidden = {} if bench.on_gpu else {"CUDA_VISIBLE_DEVICES": ""}
    for batch in bench.sizes.batches:
        plain = median(
            run_script("plain_script", bench.folder, bench.sizes.plain_epochs + 1, 0, batch, environment=hidden).epochs
        )
        bench.found[f"plain, batch {batch}: s an epoch"] = plain
        print(f"  batch {batch:<5} plain script  {plain:9.4f} s")
        for engine in bench.distinct_engines():
            if bench.time_is_up:
                return
            try:
                workbench_epochs(bench, batch, engine, plain)
            except WorkbenchError as error:
                bench.found[f"{engine}, batch {batch}"] = first_line(error)
                print(f"  batch {batch:<5} {engine:<12}  not available: {first_line(error)}")


def workbench_epochs(bench: Bench, batch: int, engine: str, plain: float) -> None:
    """One engine at one batch size. Raises WorkbenchError where it does not fit."""
    trainer = new_trainer(bench.scratch, "mnist-mlp", *bench.settings(engine), f"data.batch_size={batch}")
    made, first, _ = trainer.engine_choice.seconds, epoch_seconds(trainer), epoch_seconds(trainer)
    if engine == "auto":
        bench.auto_takes = trainer.engine.name
    for graph in graphs.captured:
        graph.replays = 0
    seconds = [epoch_seconds(trainer) for _ in range(bench.sizes.epochs)]
    epoch, steps = median(seconds), trainer.job.steps_per_epoch
    name = f"{engine}: {trainer.engine.name}" if engine == "auto" else engine
    print(
        f"  batch {batch:<5} {name:<12}  {epoch:9.4f} s ({min(seconds):.4f} to {max(seconds):.4f})  "
        f"{1e6 * epoch / steps:7.1f} µs a step  {plain / epoch:6.1f} × the plain script  "
        f"(made in {made:.1f} s, first epoch {first:.2f} s)"
    )
    bench.found[f"{engine}, batch {batch}"] = {
        "engine": trainer.engine.name,
        "s an epoch": epoch,
        "us a step": 1e6 * epoch / steps,
        "x plain": plain / epoch,
        "s to make the engine": made,
        "s of the first epoch": first,
    }
    if bench.on_gpu:
        bench.found[f"{engine}, batch {batch}"] |= replay_floor(epoch, steps, len(seconds))
    close(trainer)
    graphs.captured.clear()


def replay_floor(epoch: float, steps: int, counted: int) -> dict[str, Any]:
    """How the time of a step compares with replaying as many empty nodes."""
    if not graphs.captured:
        return {"replay floor": "no graph was captured"}
    try:
        replays, nodes = graphs.replayed_nodes()
        long, alike = graphs.node_seconds(1000), graphs.node_seconds(max(round(nodes / replays), 1))
    except Exception as error:
        print(f"    replay floor: not available ({first_line(error)})")
        return {"replay floor": f"not available: {first_line(error)}"}
    a_step, floor = nodes / (counted * steps), nodes / counted * long
    print(
        f"    {a_step:.1f} nodes a step, {nodes / replays:.1f} a replay; an empty one costs {1e6 * long:.2f} µs among "
        f"1000, {1e6 * alike:.2f} µs in a graph of that size; a step takes {epoch / floor:.2f} × its nodes"
    )
    return {
        "nodes a step": a_step,
        "nodes a replay": nodes / replays,
        "us an empty node among 1000": 1e6 * long,
        "us an empty node in such a graph": 1e6 * alike,
        "x replay floor": epoch / floor,
        "x replay floor of such graphs": epoch / (nodes / counted * alike),
    }


def images(bench: Bench) -> None:
    """ResNet-9 by workbench, and by a loop of its own."""
    from workbench.models.resnet9 import ResNet9

    sizes = bench.sizes
    made = made_images(sizes.images)
    counted = sizes.images // sizes.image_batch * sizes.image_batch
    network = ResNet9((3, 32, 32), 10, sizes.width, torch.nn.ReLU)
    assert isinstance(made.train, InMemory)
    held = made.train.inputs.to(bench.device), made.train.targets.to(bench.device)
    loop = cifar_loop.epoch_seconds(
        network, *held, sizes.image_batch, sizes.image_epochs + 1, compiled=bench.on_gpu
    )  # fmt: skip
    reached = counted / median(loop[1:])
    del held
    bench.found["resnet9, own loop: images/s"] = reached
    print(f"  own loop      {reached:9.0f} (first epoch {loop[0]:.1f} s)")
    precision = "bf16" if bench.on_gpu else "float32"
    for engine in bench.distinct_engines():
        if bench.time_is_up:
            return
        with mock.patch("workbench.data.torchvision_sets.torchvision_set", return_value=made):
            settings = [f"data.batch_size={sizes.image_batch}", f"model.width={sizes.width}"]
            try:
                trainer = new_trainer(
                    bench.scratch, "cifar10-resnet9", *bench.settings(engine), *settings,
                    f"runtime.precision={precision}", "optimizer.learning_rate=0.05", "schedule.name=constant",
                )  # fmt: skip
            except WorkbenchError as error:
                print(f"  {engine:<12}  not available: {first_line(error)}")
                continue
        first, _ = trainer.engine_choice.seconds + epoch_seconds(trainer), epoch_seconds(trainer)
        rate = counted / median(epoch_seconds(trainer) for _ in range(sizes.image_epochs))
        name = f"{engine}: {trainer.engine.name}" if engine == "auto" else engine
        print(
            f"  {name:<12}  {rate:9.0f} (first epoch {first:.1f} s); the own loop does {reached / rate:.2f} × as many"
        )
        bench.found[f"resnet9, {engine}: images/s"] = rate
        bench.found[f"resnet9, {engine}: own loop over it"] = reached / rate
        close(trainer)
        graphs.captured.clear()


def made_images(count: int) -> Samples:
    """Noise with a label that can be learned: the brightest of ten stripes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 10, (count,), generator=generator)
    pixels = torch.randint(0, 200, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    stripes = torch.arange(32).div(3, rounding_mode="floor") == labels[:, None]
    pixels += 55 * stripes[:, None, :, None].to(torch.uint8)
    names = tuple(str(number) for number in range(10))
    return Samples(InMemory(pixels, labels), Task("classification", 10, classes=names), kind="image")


def starts(bench: Bench) -> None:
    """From the word to a process that has imported everything, to the first losses written."""
    for engine in bench.distinct_engines():
        if bench.time_is_up:
            return
        try:
            seconds = [
                seconds_to_first_step(bench.scratch, "mnist-mlp", bench.settings(engine))
                for _ in range(bench.sizes.starts)
            ]
        except WorkbenchError as error:
            print(f"  {engine:<12}  not available: {first_line(error)}")
            continue
        bench.found[f"{engine}: s from start to first step"] = seconds
        print(f"  {engine:<12}  {', '.join(f'{value:.2f}' for value in seconds)} s")


def observing(bench: Bench) -> None:
    """The step time with all that is measured by default against none of it."""
    for engine in bench.distinct_engines():
        if bench.time_is_up:
            return
        try:
            ratios = observing_ratios(bench.scratch, bench.sizes.pairs, bench.settings(engine))
        except WorkbenchError as error:
            print(f"  {engine:<12}  not available: {first_line(error)}")
            continue
        bench.found[f"{engine}: observing on over off"] = median(ratios)
        print(f"  {engine:<12}  {percent_more(ratios)}")


def first_line(error: BaseException) -> str:
    """What went wrong, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    main()
