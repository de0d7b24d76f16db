"""Runs made up to the last digit, for tests and snapshots: the same events, readings and clock on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.devices.gpu import GpuReading
from workbench.devices.gpu_details import GpuDetails, GpuProcess
from workbench.devices.processes import ProcessReading
from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import encode
from workbench.runs.events import (
    Checkpointed,
    EpochEnd,
    Event,
    Finished,
    Prepared,
    RequestHandled,
    Started,
    State,
    Steps,
    TestResult,
    WarningRaised,
)
from workbench.runs.lock import Claim, claim
from workbench.runs.measurements import Footprint, Health, Memory, MemorySnapshot, Profiled, Timing
from workbench.runs.status import Summary
from workbench.settings.preset import Preset
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import CloserReading, Readings

NOON = 1_795_521_600.0
"""2026-11-24 12:00 UTC."""
HELD: dict[Path, Claim] = {}
"""Of the made runs that this very process counts as the trainer of: closing it is the trainer's end."""
EPOCHS, STEPS_PER_EPOCH, BATCH = 10, 200, 64
GIB = 2**30


@dataclass
class MadeReadings:
    """Readings that never change."""

    gpus: int = 0

    def read(self, owners: Owners | None = None) -> Readings:
        return Readings(
            gpus=tuple(gpu(index) for index in range(self.gpus)),
            host_total_bytes=64 * GIB,
            host_available_bytes=41 * GIB,
            cpu_percent=97.0,
            load=1.9,
            core_percents=(99.0, 95.0),
            closer=None if owners is None else closer(Owners(100, 4711), self.gpus),
        )

    def close(self) -> None:
        pass


def closer(owners: Owners, gpus: int) -> CloserReading:
    """The app, its trainer, which has four GiB of each card, and a program of another user, which has the rest."""
    on_gpu = tuple(GpuProcess(process, used * GIB) for process, used in ((4711, 4), (900, 9)))
    details = GpuDetails(700.0, 1755, 1980, None, "", on_gpu)
    rows = (
        (4711, (100, 50), "ana", "python -m workbench.training.processes.worker", 180.0, 812 * 2**20),
        (900, (1,), "ben", "python train.py --model large", 12.0, 3 * GIB),
        (100, (50,), "ana", "workbench", 0.4, 70 * 2**20),
    )
    cards, driver = dict.fromkeys(range(gpus), details), "580.65.06" if gpus else ""
    return CloserReading(owners, cards, [ProcessReading(*row) for row in rows], driver, "a processor")


def gpu(index: int) -> GpuReading:
    return GpuReading(
        index=index,
        uuid=f"GPU-{index}",
        name="NVIDIA H100 80GB HBM3",
        used_bytes=(4 + 9 * index) * GIB,
        total_bytes=80 * GIB,
        utilization_percent=max(0, 87 - 12 * index),
        power_watts=412.0 - 40 * index,
        temperature_celsius=61 - index,
    )


def preset(name: str = "fast") -> Preset:
    return Preset.from_mapping(
        {
            "name": name,
            "description": "MNIST-shaped MLP on the bundled digits",
            "data": {"name": "digits", "batch_size": BATCH},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "training": {"epochs": EPOCHS},
        },
        name,
    )


def loss_at(step: int, slope: float = 1.0) -> float:
    """A curve that falls, with a tremble that repeats."""
    return 2.3 * math.exp(-slope * step / 420) + 0.05 + 0.04 * math.sin(step * 0.7) * math.exp(-step / 900)


def events(steps: int, *, device: str = "cpu", diverges: bool = False, slope: float = 1.0) -> Iterator[Event]:
    """The events of a run up to a step."""
    yield State(state="preparing", step=0, detail="importing PyTorch", time=NOON)
    yield Started(process_id=4711, learning_rate=0.01, time=NOON + 1)
    yield Prepared(
        device=device, device_name="a processor" if device == "cpu" else "NVIDIA H100 80GB HBM3", engine="eager",
        engine_reason="the only engine so far", data_loading="on_device", parameters=535_818, task="classification",
        classes=[str(digit) for digit in range(10)], train_samples=12_800, validation_samples=2_250,
        test_samples=2_650, batch_size=BATCH, steps_per_epoch=STEPS_PER_EPOCH, epochs=EPOCHS, monitor="accuracy",
        seconds=1.0, device_uuid=None if device == "cpu" else device.partition(":")[2], precision="float32",
        time=NOON + 1,
    )  # fmt: skip
    yield WarningRaised(step=0, message="a class has 3 samples only", time=NOON + 1)
    yield State(state="training", step=0, time=NOON + 1)
    for first in range(1, steps + 1, 50):
        last = min(first + 49, steps)
        seconds = last * 0.0021
        now = NOON + 1 + seconds
        losses = [loss_at(step, slope) for step in range(first, last + 1)]
        if diverges and last == steps:
            losses[-1] = math.nan
        yield Steps(
            first_step=first, epoch=last / STEPS_PER_EPOCH, losses=losses,
            learning_rate=0.01 if last <= 600 else 0.005, seconds=seconds, time=now,
        )  # fmt: skip
        yield timing(last, now, device)
        yield memory(last, device, now)
        if first == 1:
            yield footprint(last, device, now)
        if last == 600:
            yield RequestHandled(command="set_learning_rate", step=600, detail="0.005", value=0.005, time=now)
            yield Checkpointed(step=600, file="checkpoints/last.pt", bytes=6_400_000, seconds=0.02, time=now)
        if last % STEPS_PER_EPOCH == 0 and not (diverges and last == steps):
            yield epoch_end(last // STEPS_PER_EPOCH, now, slope)


def timing(step: int, now: float, device: str = "cpu") -> Timing:
    wobble = 1 + 0.1 * math.sin(step / 90)
    phases = {"data": 0.06, "transfer": 0.0, "forward": 0.55, "backward": 0.9, "optimizer": 0.38, "rest": 0.12}
    return Timing(
        step=step, steps=50, timed_steps=50, phase_ms=phases,
        step_ms={"p50": 2.0 * wobble, "p95": 2.3 * wobble, "p99": 3.1, "max": 6.2},
        steps_per_second=487.0, samples_per_second=31_200.0, gpu_busy_share=None if device == "cpu" else 0.41, time=now,
    )  # fmt: skip


def footprint(step: int, device: str, now: float = NOON) -> Footprint:
    """Of the classic network; the peak is measured on a GPU and expected on the CPU."""
    mib = 2**20
    kinds = {"parameters": 2.04, "gradients": 2.04, "optimizer": 4.09, "activations": 0.2, "data": 44.9, "rest": 5.0}
    measured = device != "cpu"
    return Footprint(
        step=step, kinds={kind: int(value * mib) for kind, value in kinds.items()},
        expected=["activations", "rest"] if measured else ["activations", "rest", "peak"],
        peak_bytes=(61 if measured else 58) * mib, peak_at=f"up to step {step}" if measured else "a training step",
        expected_peak_bytes=58 * mib, flops_per_step=154_075_136, time=now,
    )  # fmt: skip


def memory(step: int, device: str, now: float) -> Memory:
    torch_bytes: dict[str, Any] = {} if device == "cpu" else {
        "torch_allocated_bytes": 58 * 2**20, "torch_reserved_bytes": 90 * 2**20, "torch_peak_bytes": 61 * 2**20,
    }  # fmt: skip
    return Memory(
        step=step, host_rss_bytes=812 * 2**20 + 1000 * step, host_available_bytes=41 * GIB, time=now, **torch_bytes
    )


def epoch_end(epoch: int, now: float, slope: float = 1.0) -> EpochEnd:
    share = 1 - 0.5 * math.exp(-slope * epoch / 1.7)
    step = epoch * STEPS_PER_EPOCH
    return EpochEnd(
        epoch=epoch, step=step, learning_rate=0.01, train={"loss": loss_at(step - 100, slope), "accuracy": share},
        validation=metrics(share - 0.012, loss_at(step, slope) + 0.03), best=True, train_seconds=0.42,
        validation_seconds=0.03, time=now,
    )  # fmt: skip


def metrics(accuracy: float, loss: float) -> dict[str, object]:
    """Of ten classes; class 4 is often taken for 9."""
    confusion = [[220 if row == column else 0 for column in range(10)] for row in range(10)]
    confusion[4][9], confusion[3][5], confusion[7][1] = 12, 5, 3
    return {
        "loss": loss, "accuracy": accuracy, "precision_macro": accuracy - 0.001, "recall_macro": accuracy - 0.002,
        "f1_macro": accuracy - 0.002, "precision_weighted": accuracy, "recall_weighted": accuracy,
        "f1_weighted": accuracy, "roc_auc": 0.9987, "precision": [accuracy - 0.002 * digit for digit in range(10)],
        "recall": [accuracy - 0.003 * digit for digit in range(10)],
        "f1": [accuracy - 0.0025 * digit for digit in range(10)], "support": [sum(row) for row in confusion],
        "confusion": confusion,
    }  # fmt: skip


def looks(count: int, every: int = 100) -> Iterator[Health]:
    """Looks at a network of five matrices: the first one's gradient vanishes, and its units die."""
    for number in range(count):
        fade = 10 ** (-6 * number / max(count - 1, 1))
        norms = [0.5 * fade, 0.4, 0.3, 1.2, 2.5]
        tensors = [
            {
                "name": f"layers.{3 * place}.weight", "place": 2 * place, "gradient_mean": norm / 10**3,
                "gradient_norm": norm, "weight_norm": 4.0 + place + 0.01 * number, "zero_share": 0.0,
                "non_finite_share": 0.0,
            }
            for place, norm in enumerate(norms)
        ]  # fmt: skip
        dead = [min(0.9 * number / max(count - 1, 1), 0.9), 0.1, 0.05, 0.0]
        layers = [
            {"name": f"layers.{3 * place + 1}", "kind": "relu", "place": place, "units": 512, "dead_share": share}
            for place, share in enumerate(dead)
        ]
        yield Health(
            step=every * (number + 1), epoch=number + 1, samples=256, seconds=0.02,
            layers=sorted(layers, key=lambda layer: -layer["dead_share"]),
            tensors=sorted(tensors, key=lambda tensor: tensor["gradient_mean"]), gradient_norm=2.8, weight_norm=14.0,
        )  # fmt: skip


def profiled(step: int, now: float = NOON) -> Profiled:
    """A profile of the twenty steps up to one, on a GPU."""
    names = (
        "aten::addmm", "aten::mm", "aten::_fused_adam_", "aten::_log_softmax", "aten::native_dropout",
        "void at::native::vectorized_elementwise_kernel<4, at::native::threshold_kernel_impl<float>(...)>(int, float)",
        *(f"aten::operator_{number}" for number in range(14)),
    )  # fmt: skip
    shares = [0.382, 0.214, 0.141] + [0.263 / 17] * 17
    operators = [
        {"name": name, "calls": 60 - place, "self_ms": 40 * share, "total_ms": 44 * share, "share": share}
        for place, (name, share) in enumerate(zip(names, shares, strict=True))
    ]
    return Profiled(
        step=step, first_step=step - 19, steps=20, device="cuda", file=f"profiles/step-{step - 19}-{step}.json.gz",
        bytes=84_000, seconds=0.5, operators=operators, time=now,
    )  # fmt: skip


def write_memory_snapshot(run: RunDirectory, step: int, now: float = NOON) -> MemorySnapshot:
    """The event of a snapshot whose summary has been written."""
    run.profiles.mkdir(exist_ok=True)
    name = f"memory-{step}.txt"
    rows = "\n".join(f"{40 - number:>6} MiB  models/net.py:{number} forward" for number in range(30))
    (run.profiles / name).write_text(f"GPU memory after step {step:,}\n\nreserved       1.2 GiB\n\n{rows}\n")
    return MemorySnapshot(step=step, steps=3, file=f"profiles/{name}", pickle="profiles/memory.pickle", time=now)


def append(run: RunDirectory, *written: Event) -> None:
    """Appends the events that the trainer writes next."""
    with run.events.open("a") as file:
        file.writelines(f"{encode(event)}\n" for event in written)


def write_run(
    runs: Path,
    name: str = "20261124T120000Z-fast-0a1b",
    *,
    steps: int = 1300,
    device: str = "cpu",
    diverges: bool = False,
    paused: bool = False,
    ending: str = "",
    alive: bool = False,
    slope: float = 1.0,
) -> RunDirectory:
    """A run directory with all that a trainer would have written; `alive`: this very process counts as its trainer."""
    run = RunDirectory(runs / name)
    run.path.mkdir(parents=True)
    chosen = preset(name.split("-")[1])
    run.preset.write_text(chosen.to_toml())
    lines = list(events(steps, device=device, diverges=diverges, slope=slope))
    last = lines[-1].time
    if paused:
        lines.append(State(state="paused", step=steps, time=last + 0.1))
    if ending == "completed":
        tested = metrics(0.9641, 0.121)
        lines.append(TestResult(step=steps, weights="best epoch 10", metrics=tested, time=last + 0.1))
    reason = f"the loss at step {steps} is not a finite number: training has diverged" if diverges else ""
    if ending:
        finished = Finished(status=ending, step=steps, reason=reason, time=last + 0.2)
        lines.append(replace(finished, kind="diverged", what="loss", at_step=steps) if diverges else finished)
        write_summary(run, ending, steps, reason)
    run.events.write_text("".join(f"{encode(event)}\n" for event in lines))
    run.worker_log.write_text("a line that the data set printed\n")
    if any(isinstance(event, Checkpointed) for event in lines):
        run.checkpoints.mkdir()
        run.last_checkpoint.touch()
    if alive:
        HELD[run.path] = claim(run)
    return run


def write_summary(run: RunDirectory, status: str, steps: int, reason: str) -> None:
    completed = status == "completed"
    Summary(
        status=status, reason=reason, exit_code=0 if completed else 3, step=steps, epoch=steps // STEPS_PER_EPOCH,
        best_epoch=steps // STEPS_PER_EPOCH, monitor="accuracy", train={"loss": 0.07, "accuracy": 0.98},
        validation=dict(metrics(0.957, 0.13)), test=dict(metrics(0.9641, 0.121)) if completed else None,
        seconds={"train": steps * 0.0021, "total": steps * 0.0021 + 1.4},
    ).save(run)  # fmt: skip
