"""Plans a preset without training it, in a process of its own, so that the caller needs no PyTorch.

The process reads the preset from its standard input, as TOML; its last line of output is a `Plan` or a `Failure`.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from workbench.errors import TrainerLostError
from workbench.processes.messages import Failure, decode, last_object
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import not_started
from workbench.settings.preset import Preset

BACKGROUND = "--background"
"""Makes the process run at the lowest priority and download nothing, and on a GPU time a step."""
SEVERAL = "--several"
"""Makes the process read a list of presets as JSON, each in TOML, and answer with the list of their plans."""
PEAK = "peak"


@dataclass(frozen=True)
class Plan:
    """What a preset would train, and the memory and time that this takes."""

    device: str
    task: str
    learns: str
    """What the model would predict, in words."""
    outputs: int
    input_shape: tuple[int, ...]
    """Of one sample."""
    parameters: int
    train_samples: int
    steps_per_epoch: int
    steps: int
    """Optimizer steps of the whole run."""
    data_loading: str
    memory_bytes: dict[str, int]
    """Expected, by kind as in the footprint event, and their peak; no peak where it is not known."""
    peak_during: str
    """At which moment the memory is at its peak."""
    model: str
    """As PyTorch prints it."""
    notes: tuple[str, ...]
    """Notes for the user; the last one says why the peak is not known."""
    engine: str = ""
    """The engine that the run would take; a trace that fails at the start is replaced by the eager engine."""
    engine_reason: str = ""
    flops_per_step: int | None = None
    validation_samples: int | None = None
    """None where there is no such split."""
    test_samples: int | None = None
    step_ms: float | None = None
    """About how long a step takes on the GPU; None where it was not measured."""

    @property
    def memory_kinds(self) -> dict[str, int]:
        """Expected bytes by kind."""
        return {kind: size for kind, size in self.memory_bytes.items() if kind != PEAK}

    @property
    def peak_bytes(self) -> int | None:
        """Expected peak of the device's memory; None where it is not known."""
        return self.memory_bytes.get(PEAK)


def read_answer(output: bytes) -> Plan | Failure:
    """Finds the answer in the process's output. Raises ValueError where there is none."""
    values = last_object(output)
    return decode(Failure, values) if "error" in values else decode(Plan, values)


def make_plan(preset: Preset) -> Plan:
    """Plans a preset in a process, and waits for it. Raises WorkbenchError."""
    try:
        finished = subprocess.run(
            command_line(Module.PLAN), input=preset.to_toml().encode(), capture_output=True, check=False
        )
    except OSError as error:
        raise not_started(error) from error
    try:
        answer = read_answer(finished.stdout)
    except ValueError:
        raise TrainerLostError(f"planning failed: {finished.stderr.decode(errors='replace').strip()}") from None
    if isinstance(answer, Failure):
        raise answer.as_error()
    return answer
