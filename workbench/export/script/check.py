"""Runs a script in a process of its own, and compares what it does with what the run has recorded."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.atomic_files import scratch_folder
from workbench.errors import WorkbenchError
from workbench.export.script.recorded import Recorded
from workbench.runs.event_lines import float32_text_value

ALONE = Path(__file__).with_name("alone.py")
METRICS = ("loss", "accuracy", "token_accuracy", "mae")
"""What is compared of an epoch, where both measure it."""
EARLY_STEPS = 5


@dataclass(frozen=True)
class TrainingAgreement:
    """How well a script agrees with the run."""

    steps: int
    """That were compared."""
    of_steps: int
    """That the run has recorded."""
    epochs: int
    """Whose losses and metrics were compared."""
    first_different: str
    """The first place where they differ, in words; empty where they nowhere do."""
    largest: float
    """The largest difference of a loss or metric, relative to the larger of the two."""
    largest_early: float
    """The same over the first steps, before rounding errors have grown."""
    weights: float | None
    """The largest difference of a weight; None where they were not compared."""

    has_gpu: bool
    """Whether there is a GPU here."""
    torch: str
    """The version of PyTorch that ran the script."""

    @property
    def is_exact(self) -> bool:
        """Whether all that was compared is the same to the bit."""
        return not self.first_different and not self.weights

    def in_words(self) -> str:
        """What was compared, and how it turned out."""
        whole = self.steps == self.of_steps
        compared = [f"all {self.steps:,} steps" if whole else f"the first {self.steps:,} of {self.of_steps:,} steps"]
        if self.epochs:
            compared.append(f"the results of {self.epochs:,} {'epoch' if self.epochs == 1 else 'epochs'}")
        if self.weights is not None:
            compared.append("the weights of the checkpoint")
        listed = " and ".join([", ".join(compared[:-1]), compared[-1]] if len(compared) > 1 else compared)
        if self.is_exact:
            return f"{listed} are the same to the bit"
        return (
            f"{listed} differ by at most {self.largest:.2g} of a loss or metric"
            f"{'' if self.weights is None else f' and {self.weights:.2g} in a weight'}"
        )


async def compare(text: str, recorded: Recorded, steps: int, checkpoint: Path | None) -> TrainingAgreement:
    """Runs the script for that many steps, or to the end where they are 0. Raises WorkbenchError.

    checkpoint: whose weights those at the end are compared with.
    """
    with scratch_folder("workbench-script-") as folder:
        script = folder / "script.py"
        script.write_text(text, encoding="utf-8")
        arguments = [str(script), str(steps), *([str(checkpoint)] if checkpoint is not None else [])]
        output, errors, exit_code = await _run_alone(arguments, folder)
    lines = output.strip().splitlines()
    if exit_code or not lines:
        said = (errors.strip().splitlines() or [f"exit code {exit_code}"])[-1]
        raise WorkbenchError(f"the script was not written, because it does not run here: {said}")
    result = json.loads(lines[-1])
    if result["workbench"]:
        raise WorkbenchError("the script was not written, because it imports workbench")
    return _agreement(result, recorded)


async def _run_alone(arguments: list[str], folder: Path) -> tuple[str, str, int | None]:
    """Runs `alone.py`; returns what it printed, and its exit code. However this ends, the process ends."""
    # It ends when its standard input does, as when this process is killed.
    ending, held = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(ALONE), *arguments),
            cwd=folder,
            stdin=ending,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C ends this process, which then ends that one
        )
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        os.close(ending)
        os.close(held)
    return output.decode(errors="replace"), errors.decode(errors="replace"), process.returncode


def _agreement(result: dict[str, Any], recorded: Recorded) -> TrainingAgreement:
    found = [float32_text_value(loss) for loss in result["losses"]]
    pairs: list[tuple[str, float, float]] = [
        (f"the loss of step {step:,}", one, other)
        for step, (one, other) in enumerate(zip(found, recorded.losses, strict=False), 1)
    ]
    for epoch, ended in zip(result["epochs"], recorded.epochs, strict=False):
        for split, other in (("train", ended.train), ("validation", ended.validation)):
            pairs += [
                (f"the {split} {name} of epoch {ended.epoch:,}", epoch[split][name], other[name])
                for name in METRICS
                if split in epoch and other is not None and name in epoch[split] and name in other
            ]
    different = [
        (where, one, other) for where, one, other in pairs if one != other and not (one != one and other != other)
    ]
    first = "" if not different else f"{different[0][0]} is {different[0][1]:.9g}, and {different[0][2]:.9g} in the run"
    early = [pair for pair in zip(found[:EARLY_STEPS], recorded.losses, strict=False) if pair[0] != pair[1]]
    return TrainingAgreement(
        steps=min(len(found), len(recorded.losses)),
        of_steps=len(recorded.losses),
        epochs=min(len(result["epochs"]), len(recorded.epochs)),
        first_different=first,
        largest=max((_relative(one, other) for _, one, other in different), default=0.0),
        largest_early=max((_relative(one, other) for one, other in early), default=0.0),
        weights=result["difference"],
        has_gpu=result["has_gpu"],
        torch=result["torch"],
    )


def _relative(one: float, other: float) -> float:
    """The difference of two numbers, relative to the larger; infinity where one is not finite."""
    difference = abs(one - other) / max(abs(one), abs(other))
    return difference if math.isfinite(difference) else math.inf
