"""Shows what lives at the peak of a training's memory: `python -m tests.gpu.on_card.memory_peaks [CASE ...]`.

For each case, in a process of its own and all at once: the expected and the measured peak, the peak during each part of
the trainer, the largest blocks alive at the peak with the lines that allocated them, and cuDNN's workspaces.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from tests.gpu.test_memory import CASES, DEVICE
from tests.unit.training.scripted import build_trainer
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.training.job import build_job
from workbench.training.memory.estimate import MemoryEstimate

MIB = 2**20
MNIST = ["mnist-mlp eager", "mnist-mlp auto"]
TIME_LIMIT_SECONDS = 55
LISTED = 14


def preset_of(case: str, folder: Path) -> Preset:
    if case in MNIST:
        engine = case.split()[1]
        return Preset.load(Path("presets/mnist-mlp.toml")).override(
            ["runtime.device=cuda", f"runtime.engine={engine}", "training.epochs=2"]
        )
    random = np.random.default_rng(0)
    labels = np.arange(4096) % 4
    pixels = random.integers(0, 40, (len(labels), 3, 32, 32)) + 50 * labels[:, None, None, None]
    np.savez(folder / "images.npz", x=pixels.astype(np.uint8), y=labels)
    file = f"data.file={json.dumps(str(folder / 'images.npz'))}"
    return Preset().override(["data.name=npz", file, "runtime.device=cuda", "training.epochs=3", *CASES[case]])


def in_words(frames: list[dict[str, Any]]) -> list[str]:
    """The project's own frames, innermost first."""
    own = [frame for frame in frames if "/workbench/" in frame["filename"] and "/site" not in frame["filename"]]
    return [f"{Path(frame['filename']).name}:{frame['line']}:{frame['name']}" for frame in own]


def moments(trace: list[dict[str, Any]]) -> Iterator[tuple[int, int, dict[int, int]]]:
    """After each allocation: its index, the bytes alive, and what is alive: the index of its allocation by address."""
    alive: dict[int, int] = {}
    held = 0
    for index, entry in enumerate(trace):
        if entry["action"] == "alloc":
            alive[entry["addr"]] = index
            held += entry["size"]
            yield index, held, alive
        elif entry["action"] == "free_completed":
            allocated = alive.pop(entry["addr"], None)
            held -= 0 if allocated is None else trace[allocated]["size"]


def show(case: str) -> None:
    started = time.perf_counter()
    record = torch.cuda.memory._record_memory_history
    folder = Path(tempfile.mkdtemp())
    preset = preset_of(case, folder)
    before = torch.cuda.memory_allocated(DEVICE)
    estimate = MemoryEstimate(build_job(preset, lambda _: None))
    expected = estimate.run(measure_convolutions=True)
    calls = {call: stage.peak_bytes for stage in estimate._fake_run.stages for call in stage.convolutions}
    del estimate
    gc.collect()
    torch.cuda.empty_cache()
    kinds = {kind: bytes // MIB for kind, bytes in expected.kinds.items()}
    print(
        f"expected {(expected.peak_bytes or 0) / MIB:.1f} MiB during {expected.peak_during}: {kinds} {expected.reason}"
        f"; left by the estimate {(torch.cuda.memory_allocated(DEVICE) - before) / MIB:.1f}"
    )
    torch.cuda.reset_peak_memory_stats(DEVICE)
    record("all", stacks="python", max_entries=3_000_000)
    with mock.patch.object(torch.cuda.memory, "_record_memory_history"):
        trainer = build_trainer(create_run(folder, preset.name, preset.to_toml()))
        parameters = list(trainer.job.model.parameters())
        print("weights", sum(p.nbytes for p in parameters) / MIB, "largest", max(p.nbytes for p in parameters) / MIB)
        trainer.train()
    peak = torch.cuda.max_memory_allocated(DEVICE) - before
    reserved = torch.cuda.max_memory_reserved(DEVICE)
    trace = torch.cuda.memory._snapshot()["device_traces"][DEVICE.index]
    record(None)
    print(
        f"measured {peak / MIB:.1f} MiB ({(expected.peak_bytes or 0) / peak - 1:+.1%} expected), reserved "
        f"{reserved / MIB:.0f}; {len(trace)} entries; engine {trainer.engine_choice.engine.name}; "
        f"{time.perf_counter() - started:.1f} s"
    )
    actions = Counter(entry["action"] for entry in trace)
    print(f"actions {dict(actions)}")
    most, at = 0, -1
    by_part: dict[str, tuple[int, int]] = {}
    part = "start"
    for index, held, _ in moments(trace):
        if held > most:
            most, at = held, index
        words = in_words(trace[index].get("frames", []))
        trainer_frame = next((word for word in words if word.startswith("trainer.py")), None)
        if trainer_frame is not None:
            part = trainer_frame
        elif words:
            part = words[-1]
        if held > by_part.get(part, (0, 0))[0]:
            by_part[part] = held, index
    print(f"by the trace {most / MIB:.1f} MiB at entry {at}; peak during each part of the trainer:")
    for name, (held, index) in sorted(by_part.items(), key=lambda item: -item[1][0])[:LISTED]:
        print(f"   {held / MIB:9.1f} MiB  {name}   entry {index} {in_words(trace[index].get('frames', []))[:2]}")
    for index, _, alive in moments(trace):
        if index == at:
            counts: Counter[tuple[int, str]] = Counter(
                (trace[entry]["size"], " < ".join(in_words(trace[entry].get("frames", []))[:5]))
                for entry in alive.values()
            )
            print("alive at the peak, the last allocation:", trace[at]["size"] / MIB)
            for (size, where), count in sorted(counts.items(), key=lambda item: -item[0][0] * item[1])[:LISTED]:
                print(f"   {count * size / MIB:9.1f} MiB = {count} x {size / MIB:.2f}  {where or '(no Python frame)'}")
            break
    del trainer, trace
    gc.collect()
    torch.cuda.empty_cache()
    for benchmark in (False, True) if calls else ():
        torch.backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(not benchmark)
        began, found = time.perf_counter(), []
        for call, bytes_alive in calls.items():
            began_call = time.perf_counter()
            try:
                workspace = call.run_once(DEVICE)
            except Exception as error:
                print(f"   {call.operator}: {type(error).__name__}: {str(error)[:200]}")
                continue
            torch.cuda.empty_cache()
            shapes = [getattr(argument, "size", None) for argument in call.arguments[:3]]
            name = "backward" if "backward" in str(call.operator) else "forward"
            found.append((bytes_alive + workspace, workspace, name, shapes, time.perf_counter() - began_call))
        found.sort(key=lambda item: -item[0])
        print(f"convolutions, benchmark {benchmark}: {time.perf_counter() - began:.1f} s for {len(found)}")
        for total, workspace, name, shapes, seconds in found[:5]:
            print(f"   {total / MIB:.0f} MiB with {workspace / MIB:.1f} of workspace, {name} {shapes}, {seconds:.2f} s")
    print(f"{time.perf_counter() - started:.1f} s in all")


def main() -> None:
    """Shows one case in this process, or some or all at once in processes of their own."""
    if sys.argv[1:2] == ["--one"]:
        show(sys.argv[2])
        return
    cases = sys.argv[1:] or [*CASES, *MNIST]
    processes = {}
    for case in cases:
        log = Path(tempfile.mkstemp(suffix=".log")[1])
        command = [sys.executable, "-m", "tests.gpu.on_card.memory_peaks", "--one", case]
        with log.open("wb") as file:
            processes[case] = log, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ)
    end = time.monotonic() + TIME_LIMIT_SECONDS
    for case, (log, process) in processes.items():
        try:
            process.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
        print(f"=== {case} (exit {process.wait()})\n{log.read_text()}", flush=True)


if __name__ == "__main__":
    main()
