"""Everything that is to be known of a machine with a GPU, by one command, in less than nine minutes.

    python -m tests.benchmarks.gpu

The plain script against workbench at three batch sizes, engine by engine; how close the captured step comes to the
floor that replaying empty nodes sets; ResNet-9 against a tight loop of its own; what observing costs; from start to
first step. On a GPU each part has a process of its own. What fails says why, and the rest continues; what takes minutes
to compile comes last. The last line holds all figures as JSON, and `--found FILE` holds those that there are so far.

`--device cpu --quick` goes the same way on small data, to see that the way is clear.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch

from tests.benchmarks import cifar_loop, graphs
from tests.benchmarks.bench import QUICK, TAKEN, Bench, Sizes, first_line, run_apart
from tests.benchmarks.figures import percent_more
from tests.benchmarks.in_process import close, epoch_seconds, new_trainer
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import TRAIN, first_samples, mnist_folder
from tests.benchmarks.observing import observing_ratios
from tests.benchmarks.programs import FailedError, run_script
from tests.benchmarks.start import seconds_to_first_step
from workbench.data.samples import InMemory, Samples, Task
from workbench.devices.peaks import peak_flops

if TYPE_CHECKING:
    from workbench.training.trainer import Trainer

COMPILING = "compiled"
"""The engine that takes minutes to make, and so comes last."""


def main() -> None:
    """Measures part by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--engines", help=f"if left out: auto,{','.join(ENGINES)}; with --quick: eager")
    parser.add_argument("--quick", action="store_true", help="small data, few epochs: figures mean nothing")
    parser.add_argument("--seconds", type=float, default=450, help="nothing more is begun after this")
    parser.add_argument("--found", type=Path, help="a file for the figures, written as they come")
    parser.add_argument("--part", choices=PARTS, help="this one only, in this process")
    parser.add_argument("--data", type=Path, help="MNIST's files; if left out, they are looked for, or made")
    options = parser.parse_args()
    engines = ("eager",) if options.quick else ("auto", *ENGINES)
    if options.engines:
        engines = tuple(options.engines.split(","))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        bench = Bench(
            options.device, engines, QUICK if options.quick else Sizes(), scratch, options.data or scratch,
            time.monotonic() + options.seconds, options.found or scratch / "found.json",
        )  # fmt: skip
        if options.part:
            bench.found = json.loads(bench.kept.read_text())
            measure(bench, options.part)
        else:
            measure_all(bench, ["--quick"] if options.quick else [])


def measure_all(bench: Bench, options: list[str]) -> None:
    """All parts, each in a process of its own on a GPU; then all figures in a line."""
    machine = f"{describe('torch', 'triton')}; CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    bench.folder, what = mnist_folder(bench.scratch / "data")
    if bench.sizes.samples != TRAIN:
        bench.folder = first_samples(bench.folder, bench.scratch, bench.sizes.samples)
    print(f"{machine}\ndevice {bench.device}; {bench.sizes.samples} samples: {what}", flush=True)
    bench.note("machine", machine)
    bench.note("data", what)
    quick = tuple(engine for engine in bench.engines if engine != COMPILING)
    plan = [("epochs", quick), ("images", quick), ("observing", quick[:2]), ("starts", quick[:2])]
    if COMPILING in bench.engines:
        plan += [("epochs", (COMPILING,)), ("images", (COMPILING,))]
    for part, engines in plan:
        if not engines:
            continue
        print(f"\n{PARTS[part][0]}: {', '.join(engines)}", flush=True)
        began = time.monotonic()
        if bench.time_is_up:
            bench.note(f"{part} ({', '.join(engines)})", "left out: time is up")
            print("  left out: time is up", flush=True)
        elif bench.on_gpu:
            run_apart(bench, part, engines, options)
        else:
            bench.engines = engines
            measure(bench, part)
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    print(json.dumps(bench.found))


def measure(bench: Bench, part: str) -> None:
    """One part, in this process."""
    with graphs.watch():
        bench.attempt(part, PARTS[part][1], bench)


def epochs(bench: Bench) -> None:
    """The plain script against workbench at each batch size; then the floor of each captured step."""
    for batch in bench.sizes.batches:
        plain = plain_seconds(bench, batch)
        for engine in bench.distinct_engines():
            bench.attempt(f"{engine}, batch {batch}", workbench_epochs, bench, batch, engine, plain)


def plain_seconds(bench: Bench, batch: int) -> float | None:
    """An epoch of the plain script; None if it fails."""
    name, hidden = f"plain, batch {batch}: s an epoch", {} if bench.on_gpu else {"CUDA_VISIBLE_DEVICES": ""}
    if name not in bench.found:
        try:
            ran = run_script("plain_script", bench.folder, bench.sizes.plain_epochs + 1, 0, batch, environment=hidden)
            bench.note(name, median(ran.epochs))
            print(f"  batch {batch:<5} plain script  {median(ran.epochs):9.4f} s", flush=True)
        except FailedError as error:
            bench.note(name, None)
            print(f"  batch {batch:<5} plain script  failed: {first_line(error)}", flush=True)
    plain: float | None = bench.found[name]
    return plain


def workbench_epochs(bench: Bench, batch: int, engine: str, plain: float | None) -> None:
    """One engine at one batch size. Raises WorkbenchError where it does not fit."""
    trainer = new_trainer(bench.scratch, "mnist-mlp", *bench.settings(engine), f"data.batch_size={batch}")
    made, first, _ = trainer.engine_choice.seconds, epoch_seconds(trainer), epoch_seconds(trainer)
    if engine == "auto":
        bench.note(TAKEN, trainer.engine.name)
    for graph in graphs.captured:
        graph.replays = 0
    seconds: list[float] = []
    walls: list[float] = []
    for _ in range(bench.sizes.epochs):
        began = time.perf_counter()
        seconds.append(epoch_seconds(trainer))
        walls.append(time.perf_counter() - began)
    epoch, wall, steps = median(seconds), median(walls), trainer.job.steps_per_epoch
    times = "" if plain is None else f"{plain / wall:6.1f} × the plain script"
    name = f"{engine}: {trainer.engine.name}" if engine == "auto" else engine
    print(
        f"  batch {batch:<5} {name:<12}  {epoch:9.4f} s ({min(seconds):.4f} to {max(seconds):.4f}), "
        f"{wall:.4f} s with all between  {1e6 * epoch / steps:7.1f} µs a step  {times}  "
        f"(made in {made:.1f} s, first epoch {first:.2f} s)",
        flush=True,
    )
    figures = {
        "engine": trainer.engine.name,
        "s an epoch": epoch,
        "s an epoch with all between": wall,
        "us a step": 1e6 * epoch / steps,
        "x plain": None if plain is None else plain / wall,
        "s to make the engine": made,
        "s of the first epoch": first,
    } | arithmetic(trainer, epoch / steps)
    bench.note(f"{engine}, batch {batch}", figures)
    if bench.on_gpu:
        bench.note(f"{engine}, batch {batch}", figures | replay_floor(epoch, steps, len(seconds)))
    close(trainer)


def arithmetic(trainer: Trainer, step_seconds: float) -> dict[str, Any]:
    """What the step computes, beside what the card can; and how busy the driver says that the card was."""
    from workbench.training.device import device_name

    flops = None if trainer.footprint is None else trainer.footprint.flops_per_step
    busy, rate = trainer.reporter.gpu_busy_share, None if flops is None else flops / step_seconds
    peak = peak_flops(device_name(trainer.job.device), trainer.job.precision.name)
    share = None if rate is None or peak is None else rate / peak
    if rate is not None:
        of_peak = "" if share is None else f", {100 * share:.1f} % of the card's"
        print(f"    {rate / 1e12:.2f} TFLOP/s{of_peak}; busy share {busy}", flush=True)
    return {"flop/s": rate, "share of the card's": share, "busy share": busy}


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
    made = made_images(bench.sizes.images)
    bench.attempt("resnet9, own loop", own_loop, bench, made)
    for engine in bench.distinct_engines():
        bench.attempt(f"resnet9, {engine}", workbench_images, bench, engine, made)


OWN = "resnet9, own loop: images/s"


def own_loop(bench: Bench, made: Samples) -> None:
    """The loop that is to be reached, if it has not been measured yet."""
    from workbench.models.resnet9 import ResNet9

    if OWN in bench.found:
        return
    sizes = bench.sizes
    network = ResNet9((3, 32, 32), 10, sizes.width, torch.nn.ReLU)
    assert isinstance(made.train, InMemory)
    held = made.train.inputs.to(bench.device), made.train.targets.to(bench.device)
    torch.backends.cudnn.benchmark = True
    loop = cifar_loop.epoch_seconds(network, *held, sizes.image_batch, sizes.image_epochs + 1, compiled=bench.on_gpu)
    reached = sizes.images // sizes.image_batch * sizes.image_batch / median(loop[1:])
    bench.note(OWN, reached)
    print(f"  own loop      {reached:9.0f} (first epoch {loop[0]:.1f} s)", flush=True)


def workbench_images(bench: Bench, engine: str, made: Samples) -> None:
    """One engine. Raises WorkbenchError where it does not fit."""
    sizes = bench.sizes
    with mock.patch("workbench.data.torchvision_sets.torchvision_set", return_value=made):
        trainer = new_trainer(
            bench.scratch, "cifar10-resnet9", *bench.settings(engine), f"data.batch_size={sizes.image_batch}",
            f"model.width={sizes.width}", f"runtime.precision={'bf16' if bench.on_gpu else 'float32'}",
            "optimizer.learning_rate=0.05", "schedule.name=constant",
        )  # fmt: skip
    first, _ = trainer.engine_choice.seconds + epoch_seconds(trainer), epoch_seconds(trainer)
    epoch = median(epoch_seconds(trainer) for _ in range(sizes.image_epochs))
    rate = sizes.images // sizes.image_batch * sizes.image_batch / epoch
    over = bench.found[OWN] / rate if OWN in bench.found else None
    if engine == "auto":
        bench.note(TAKEN, trainer.engine.name)
    name = f"{engine}: {trainer.engine.name}" if engine == "auto" else engine
    compared = "" if over is None else f"; the own loop does {over:.2f} × as many"
    print(f"  {name:<12}  {rate:9.0f} (first epoch {first:.1f} s){compared}", flush=True)
    bench.note(f"resnet9, {engine}: images/s", rate)
    bench.note(f"resnet9, {engine}: own loop over it", over)
    bench.note(f"resnet9, {engine}: arithmetic", arithmetic(trainer, epoch / trainer.job.steps_per_epoch))
    close(trainer)


def made_images(count: int) -> Samples:
    """Noise with a label that can be learned: the brightest of ten stripes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 10, (count,), generator=generator)
    pixels = torch.randint(0, 200, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    stripes = torch.arange(32).div(3, rounding_mode="floor") == labels[:, None]
    pixels += 55 * stripes[:, None, :, None].to(torch.uint8)
    names = tuple(str(number) for number in range(10))
    return Samples(InMemory(pixels, labels), Task("classification", 10, classes=names))


def starts(bench: Bench) -> None:
    """From the word to a process that has imported everything, to the first losses written."""
    for engine in bench.distinct_engines():
        bench.attempt(f"{engine}: s from start to first step", workbench_starts, bench, engine)


def workbench_starts(bench: Bench, engine: str) -> None:
    """One engine. Raises WorkbenchError where it does not fit."""
    seconds = [
        seconds_to_first_step(bench.scratch, "mnist-mlp", bench.settings(engine)) for _ in range(bench.sizes.starts)
    ]
    bench.note(f"{engine}: s from start to first step", seconds)
    print(f"  {engine:<12}  {', '.join(f'{value:.2f}' for value in seconds)} s", flush=True)


def observing(bench: Bench) -> None:
    """The step time with all that is measured by default against none of it."""
    for engine in bench.distinct_engines():
        bench.attempt(f"{engine}: observing on over off", workbench_observed, bench, engine)


def workbench_observed(bench: Bench, engine: str) -> None:
    """One engine. Raises WorkbenchError where it does not fit."""
    ratios = observing_ratios(bench.scratch, bench.sizes.pairs, bench.settings(engine))
    bench.note(f"{engine}: observing on over off", median(ratios))
    print(f"  {engine:<12}  {percent_more(ratios)}", flush=True)


PARTS: dict[str, tuple[str, Callable[[Bench], None]]] = {
    "epochs": ("seconds an epoch", epochs),
    "images": ("images a second, ResNet-9 on made images of CIFAR-10's size", images),
    "observing": ("observing on against off", observing),
    "starts": ("start to first step, process warm", starts),
}

if __name__ == "__main__":
    main()
