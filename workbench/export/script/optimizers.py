"""The optimizer and the learning rate of each step in a script."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.export.script.facts import Facts
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.export.script.written import literal
from workbench.settings.preset import Preset
from workbench.settings.schedule import Constant, Cosine, Exponential, OneCycle, Plateau, ScheduleChoice, Step

LONGEST_CALL = 96
"""Characters of a call on one line."""

CHANGES = '''
def base_rate(step: int) -> float:
    """The learning rate of an optimizer step, before the schedule's factor: it was changed while training."""
    changes = [rate for after, rate in CHANGES.items() if step > after]
    return changes[-1] if changes else LEARNING_RATE
'''

RATE = '''
def learning_rate(step: int) -> float:  #? !plateau
def learning_rate(step: int, reduction: float) -> float:  #? plateau
    """The rate of a step, counted from 1: $what."""  #? scheduled
    """The rate of a step, counted from 1, with a linear warm-up."""  #? !scheduled warmup
    """The rate of a step, counted from 1."""  #? !scheduled !warmup
    epoch = (step - 1) / STEPS_PER_EPOCH  #? moves
    if epoch < WARMUP_EPOCHS:  #? warmup
        return $warm_rate  #? warmup
    epoch = min(epoch - WARMUP_EPOCHS, EPOCHS - WARMUP_EPOCHS)  #? warmup curved
    $curve
    return $rate
'''

COSINE = '''
def cosine(start: float, end: float, fraction: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2
'''


def optimizer_part(preset: Preset, facts: Facts, *, on_gpu: bool = False) -> Part:
    """The learning rate; `use` of the part is the expression that makes the optimizer of `model`."""
    choice = preset.optimizer
    # torch.optim.Adagrad is fused on the CPU alone, where the facts were found.
    implementation = {"foreach": True} if on_gpu and choice.torch_name == "Adagrad" else facts.implementation
    arguments = {name: value for name, value in choice.arguments().items() if name != "lr"} | implementation
    written = [
        "model.parameters()",
        "lr=LEARNING_RATE",
        *(f"{name}={literal(each)}" for name, each in arguments.items()),
    ]
    prefix = "torch.optim." if choice.library == "torch.optim" else ""
    imports = () if prefix else (f"from {choice.library} import {choice.torch_name}",)
    settings = (("LEARNING_RATE", choice.learning_rate),)
    return Part("", imports, settings, call(f"{prefix}{choice.torch_name}", written))


def call(function: str, arguments: Sequence[str]) -> str:
    """A call, on several lines if it is long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= LONGEST_CALL:
        return line
    return f"{function}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def has_schedule(preset: Preset) -> bool:
    """Whether the learning rate is not the same at all steps."""
    schedule = preset.schedule
    return not isinstance(schedule, Constant) or bool(schedule.warmup_epochs) or bool(preset.changes)


def schedule_part(preset: Preset) -> Part:
    """The function `learning_rate`, where it is not constant."""
    if not has_schedule(preset):
        return Part()
    schedule, codes = preset.schedule, []
    settings: list[tuple[str, object]] = []
    if preset.changes:
        settings.append(("CHANGES", {change.step: change.learning_rate for change in preset.changes}))
        codes.append(fill(CHANGES))
    warmup = min(schedule.warmup_epochs, float(preset.training.epochs))
    if warmup:
        settings += [("WARMUP_EPOCHS", warmup), ("WARMUP_START", schedule.warmup_start)]
    curve, factor, own = _curve(schedule, "(EPOCHS - WARMUP_EPOCHS)" if warmup else "EPOCHS")
    if "cosine(" in curve + factor:
        codes.append(fill(COSINE))
    plateau = isinstance(schedule, Plateau)
    base = "base_rate(step)" if preset.changes else "LEARNING_RATE"

    def rate(factor: str) -> str:
        factors = [factor] * bool(factor) + ["reduction"] * plateau
        return " * ".join([base, f"({' * '.join(factors)})" if len(factors) > 1 else "".join(factors)]).rstrip(" *")

    code = fill(
        RATE,
        {
            "plateau": plateau,
            "scheduled": not isinstance(schedule, Constant),
            "moves": bool(warmup or factor),
            "warmup": bool(warmup),
            "curved": bool(factor),
        },
        what=_first_line(schedule),
        warm_rate=rate("(WARMUP_START + (1 - WARMUP_START) * epoch / WARMUP_EPOCHS)"),
        curve=curve,
        rate=rate(factor),
    )
    codes.append(code)
    imports = ("import math",) if "math." in "".join(codes) else ()
    return Part("\n\n\n".join(codes), imports, (*settings, *own))


def _first_line(schedule: ScheduleChoice) -> str:
    line = re.split(r"[:(;]", type(schedule).summary().rstrip("."))[0].strip()
    return line[0].lower() + line[1:]


def _curve(schedule: ScheduleChoice, epochs: str) -> tuple[str, str, tuple[tuple[str, object], ...]]:
    """Lines before the factor of `epoch`, the factor, and the constants that they need."""
    match schedule:
        case Step():
            settings: tuple[tuple[str, object], ...] = (("STEP_EPOCHS", schedule.step_size), ("GAMMA", schedule.gamma))
            return "", "GAMMA ** math.floor(epoch / STEP_EPOCHS)", settings
        case Exponential():
            return "", "GAMMA ** math.floor(epoch)", (("GAMMA", schedule.gamma),)
        case Cosine():
            return "", f"cosine(1.0, MINIMUM, epoch / {epochs})", (("MINIMUM", schedule.minimum),)
        case OneCycle():
            lines = (
                f"fraction = epoch / {epochs}\n"
                "if fraction < PCT_START:\n"
                "    factor = cosine(START, 1.0, fraction / PCT_START)\n"
                "else:\n"
                "    factor = cosine(1.0, END, (fraction - PCT_START) / (1 - PCT_START))"
            )
            names = (("PCT_START", schedule.pct_start), ("START", schedule.start), ("END", schedule.end))
            return lines, "factor", names
        case Plateau():
            settings = (
                ("PLATEAU_GAMMA", schedule.gamma),
                ("PLATEAU_PATIENCE", schedule.patience),
                ("PLATEAU_THRESHOLD", schedule.threshold),
                ("PLATEAU_MINIMUM", schedule.minimum),
            )
            return "", "", settings
    return "", "", ()
