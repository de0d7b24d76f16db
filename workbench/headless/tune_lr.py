"""`tune lr`: runs a learning rate range test, draws its curve, and prints the rates that it names."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from workbench.errors import EXIT_DONE, WorkbenchError
from workbench.headless.measuring import load_preset, measure, run, save_found
from workbench.headless.options import Options
from workbench.headless.text_curve import text_curve
from workbench.processes.measuring import MeasuringProcess
from workbench.processes.modules import Module
from workbench.processes.range_test import CURVE, Curve, RangeTest, Request, range_test
from workbench.wording import RATE_MARKS


def tune_lr(
    preset_name: str,
    overrides: tuple[str, ...],
    options: Options,
    *,
    low: float | None,
    high: float | None,
    steps: int,
    seeds: int,
) -> int:
    """Runs a range test; returns the exit code. Raises WorkbenchError."""
    preset = load_preset(preset_name, overrides, options)
    request = Request.of(preset, low, high, steps, seeds)
    answer = run(measure_rates(request, options))
    suggested = answer.suggested
    if options.json_output:
        if not options.quiet:
            curve = {name: value for name, value in asdict(answer).items() if name != "suggested"}
            print(json.dumps({"type": "median"} | curve))
        print(json.dumps({"type": "result", "suggested": asdict(suggested)}))
    elif not options.quiet:
        for line in _shown(answer, seeds):
            print(line)
    if suggested.best is None:
        if options.quiet or options.save_as is not None:
            raise WorkbenchError(f"the range test names no learning rate: {'; '.join(answer.notes)}")
        return EXIT_DONE
    if options.quiet and not options.json_output:
        print(f"{suggested.best:g}")
    save_found(
        preset,
        [f"optimizer.learning_rate={suggested.best!r}"],
        f"learning rate {suggested.best:g} by a range test over {seeds} seeds",
        options,
    )
    return EXIT_DONE


async def measure_rates(request: Request, options: Options) -> RangeTest:
    """Runs the range test, and narrates. Raises WorkbenchError."""
    return await measure(Module.RANGE_TEST, partial(range_test, request=request), RangeTest, (CURVE, Curve), options)


async def measure_rates_of(requests: Sequence[Request], options: Options) -> list[RangeTest]:
    """Runs several range tests in one process, and narrates. Raises WorkbenchError."""
    answers = []

    async def ask(process: MeasuringProcess) -> AsyncIterator[Any]:
        for request in requests:
            async for message in range_test(process, request):
                if isinstance(message, RangeTest):
                    answers.append(message)
                yield message

    await measure(Module.RANGE_TEST, ask, RangeTest, (CURVE, Curve), options)
    return answers


def _shown(answer: RangeTest, seeds: int) -> list[str]:
    """The curve, the rates, and what to know of them."""
    rates, suggested = answer.rates, asdict(answer.suggested)
    marks = {
        letter: max(bisect_right(rates, suggested[name]) - 1, 0)
        for name, (letter, _) in RATE_MARKS.items()
        if suggested[name] is not None
    }
    over = f"median and range over {seeds} seeds" if seeds > 1 else "of one seed"
    lines = [f"smoothed loss against the learning rate, {over}", ""]
    lines += text_curve(answer.median, answer.lowest, answer.highest, marks, (f"{rates[0]:.2g}", f"{rates[-1]:.2g}"))
    lines.append("")
    for name, (letter, meaning) in RATE_MARKS.items():
        value = "-" if suggested[name] is None else f"{suggested[name]:g}"
        lines.append(f"{letter}  {name.replace('_', ' '):<18} {value:<9} {meaning}")
    lines += answer.notes
    if answer.suggested.best is not None:
        lines += ["", f"use it with: --set optimizer.learning_rate={answer.suggested.best:g}"]
    return lines
