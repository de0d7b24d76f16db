"""`tune batch`: measures batch sizes, and prints throughput, memory, the knee and what it does to the learning rate."""

from __future__ import annotations

import json
from functools import partial

from workbench.errors import EXIT_DONE, WorkbenchError
from workbench.headless.measuring import load_preset, measure, run, save_found
from workbench.headless.options import Options
from workbench.processes.batch_scan import MEASURED, BatchScan, Measured, Request, batch_scan, scaled_rate
from workbench.processes.modules import Module
from workbench.units import milliseconds, rate, size
from workbench.wording import KNEE

BAR_CELLS = 24
"""Length of the longest bar."""
ROW = "{:>10}  {:>10}  {:>10}  {:>11}  {}"


def tune_batch(preset_name: str, overrides: tuple[str, ...], options: Options, *, up_to: int | None) -> int:
    """Measures batch sizes; returns the exit code. Raises WorkbenchError."""
    preset = load_preset(preset_name, overrides, options)
    answer = run(measure_batches(Request(preset.to_toml(), up_to), options))
    knee = answer.knee
    scaled, sentence, change = None, "", []
    if knee is not None:
        scaled, sentence = scaled_rate(preset.optimizer, preset.data.batch_size, knee)
        change.append(f"data.batch_size={knee}")
        if scaled != preset.optimizer.learning_rate:
            change.append(f"optimizer.learning_rate={scaled!r}")
    if options.json_output:
        if not options.quiet:
            about = {"device": answer.device, "engine": answer.engine, "notes": answer.notes}
            print(json.dumps({"type": "about"} | about | {"learning_rate": scaled, "learning_rate_note": sentence}))
        print(json.dumps({"type": "result", "knee": knee, "largest": answer.largest}))
    elif not options.quiet:
        for line in _shown(answer, preset.data.batch_size, sentence, change):
            print(line)
    if knee is None:
        if options.quiet or options.save_as is not None:
            raise WorkbenchError(f"no batch size could be measured: {'; '.join(answer.notes)}")
        return EXIT_DONE
    if options.quiet and not options.json_output:
        print(knee)
    save_found(preset, change, f"batch size {knee} by a scan on {answer.device}; {sentence}", options)
    return EXIT_DONE


async def measure_batches(request: Request, options: Options) -> BatchScan:
    """Measures batch sizes, and narrates. Raises WorkbenchError."""
    ask = partial(batch_scan, request=request)
    return await measure(Module.BATCH_SCAN, ask, BatchScan, (MEASURED, Measured), options)


def _shown(answer: BatchScan, present: int, sentence: str, change: list[str]) -> list[str]:
    """A row a batch size, the knee, and what to know of it."""
    best = max((each.samples_per_second or 0.0 for each in answer.measured), default=0.0) or 1.0
    lines = [f"on {answer.device}, steps run by the engine {answer.engine or '-'}", ""]
    lines.append(ROW.format("batch size", "samples/s", "step", "peak memory", "").rstrip())
    for each in answer.measured:
        if each.samples_per_second is None or each.step_ms is None:
            lines.append(ROW.format(each.batch_size, "-", "-", _bytes(each), each.problem))
            continue
        bar = "#" * round(BAR_CELLS * each.samples_per_second / best)
        names = [name for name, known in (("knee", answer.knee), ("present", present)) if known == each.batch_size]
        row = (rate(each.samples_per_second), milliseconds(each.step_ms), _bytes(each))
        lines.append(ROW.format(each.batch_size, *row, f"{bar} {', '.join(names)}").rstrip())
    lines.append("")
    if answer.knee is not None:
        lines.append(f"knee     {answer.knee}: {KNEE}")
        lines.append(f"largest  {answer.largest}: the largest that was measured")
    lines += answer.notes
    if change:
        lines += [sentence, "", f"use it with: {' '.join(f'--set {assignment}' for assignment in change)}"]
    return lines


def _bytes(measured: Measured) -> str:
    return "-" if measured.peak_bytes is None else size(measured.peak_bytes)
