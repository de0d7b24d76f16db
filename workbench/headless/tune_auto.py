"""`tune auto`: batch size, learning rate, a search around them, and the best again with fresh seeds; then a page."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import EXIT_INTERRUPTED, StorageError
from workbench.files import read_small, short_path, write_text_atomically
from workbench.headless.measuring import Options, load_preset, run
from workbench.headless.study import Output, follow_study
from workbench.headless.tune_batch import measure_batches
from workbench.headless.tune_lr import measure_rates
from workbench.headless.tune_results import verdict
from workbench.metrics import metric as metric_named
from workbench.processes.batch_scan import BatchScan
from workbench.processes.batch_scan import Request as BatchRequest
from workbench.processes.range_test import RangeTest
from workbench.processes.range_test import Request as RangeRequest
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.asking import search_question
from workbench.tuning.described import described
from workbench.tuning.directory import StudyDirectory, create_study, default_studies_folder
from workbench.tuning.importance import importances
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, read_study_view
from workbench.units import duration

LEAST_SECONDS = 30.0
"""For batch sizes, learning rates and some trials."""
MOST_BATCH_TIMES = 8
"""The largest batch size that is searched, times the preset's own: a knee lies higher where throughput is all."""
OPTIMIZERS = ("adamw", "nadam")
SCHEDULES = ("constant", "one_cycle", "cosine")


@dataclass(frozen=True)
class Found:
    """What was measured before the search."""

    batches: BatchScan
    rates: RangeTest


def tune_auto(
    preset_name: str,
    overrides: tuple[str, ...],
    options: Options,
    *,
    seconds: float,
    seed: int,
    studies_dir: Path | None,
) -> int:
    """Finds good settings in about that many seconds; returns the exit code. Raises WorkbenchError."""
    began = time.monotonic()
    preset = load_preset(preset_name, overrides, options)
    narrate(options, f"1 of 3: batch sizes of {preset.name}")
    batches = run(measure_batches(BatchRequest(preset.to_toml(), _most_batch(preset)), options))
    narrate(options, f"        knee {batches.knee}" if batches.knee else "        none could be measured")
    narrate(options, "2 of 3: learning rates")
    rates = run(measure_rates(RangeRequest.of(preset), options))
    narrate(options, f"        {_named(rates)}")
    found = Found(batches, rates)
    ranges = search_ranges(preset, found)
    space = SearchSpace.parse(ranges, preset)
    left = max(seconds - (time.monotonic() - began), LEAST_SECONDS / 2)
    narrate(options, f"3 of 3: a search over {len(space.paths)} settings, {duration(left)}")
    question = search_question(preset, ranges, seed=seed, seconds=left, save_as=options.save_as or "")
    study = create_study(studies_dir or default_studies_folder(), preset, question)

    code = follow_study(study, Output(options.json_output, options.quiet), lambda result, view: None)
    if code != EXIT_INTERRUPTED and study.summary.exists():
        result, view = json.loads(read_small(study.summary)), read_study_view(study)
        _tell(page(preset, found, space, result, view, study), study, options)
    return code


def search_ranges(preset: Preset, found: Found) -> dict[str, Range]:
    """What is searched, around what was measured."""
    ranges: dict[str, Range] = {"optimizer.learning_rate": _rate_range(preset, found.rates)}
    own = preset.data.batch_size
    knee = min(found.batches.knee or own, MOST_BATCH_TIMES * own)
    sizes = {own} | {2**power for power in range(3, 14) if min(own, knee) <= 2**power <= max(own, knee)}
    if len(sizes) > 1:
        ranges["data.batch_size"] = Range(choices=tuple(sorted(sizes)))
    ranges["optimizer.name"] = Range(choices=tuple(dict.fromkeys((preset.optimizer.name, *OPTIMIZERS))))
    ranges["schedule.name"] = Range(choices=tuple(dict.fromkeys((preset.schedule.name, *SCHEDULES))))
    ranges["optimizer.weight_decay"] = Range(low=1e-6, high=0.1, log=True)
    if hasattr(preset.model, "dropout"):
        ranges["model.dropout"] = Range(low=0.0, high=0.5)
    if hasattr(preset.loss, "label_smoothing"):
        ranges["loss.label_smoothing"] = Range(low=0.0, high=0.1)
    return ranges


def _rate_range(preset: Preset, rates: RangeTest) -> Range:
    """From a twentieth of the rate that the range test names to the last before it diverges."""
    own, named = preset.optimizer.learning_rate, rates.suggested.best
    centre = own if named is None else named
    low, high = min(centre / 20, own), max(rates.suggested.before_divergence or 10 * centre, own)
    return Range(low=float(f"{low:.3g}"), high=float(f"{min(max(high, 10 * low), 100.0):.3g}"), log=True)


def _most_batch(preset: Preset) -> int:
    return MOST_BATCH_TIMES * preset.data.batch_size


def _named(rates: RangeTest) -> str:
    best = rates.suggested.best
    return f"learning rate {best:g}" if best is not None else f"none can be named: {'; '.join(rates.notes)}"


def page(
    preset: Preset, found: Found, space: SearchSpace, result: dict[str, Any], view: StudyView, study: StudyDirectory
) -> list[str]:
    """What was found, what mattered, by how much, and how sure that is."""
    best, own = result["best"], view.trials.get(0)
    if best is None or view.metric is None:
        return ["no trial has given a value"]
    known = metric_named(best["metric"])
    lines = [f"# {preset.name}, tuned", ""]
    before = None if own is None else own.best(known)
    if before is not None:
        values = f"{known.write(before)} before, {known.write(best['value'])} now"
        lines.append(f"{known.label} on the validation split: {values}")
    lines.append(verdict(result, view))
    tested = read_summary(study.run(best["run"]))
    if tested is not None and tested.test and isinstance(tested.test.get(known.name), float):
        lines.append(f"{known.label} on the test split, which decided nothing: {known.write(tested.test[known.name])}")
    lines += ["", "settings that differ from the preset:", f"  {_differences(preset, best['settings']) or 'none'}"]
    lines += ["", "measured before the search:"]
    lines.append(f"  batch sizes: the knee of the throughput is at {found.batches.knee or 'none'}")
    lines.append(f"  learning rates: {_named(found.rates)}")
    mattered = importances(view, space, preset)
    lines += ["", "what mattered (fraction of the variation after the first epoch, by PED-ANOVA):"]
    if mattered:
        lines += [f"  {path:<28} {100 * fraction:5.1f} %" for path, fraction in mattered.items()]
    else:
        lines.append("  too few trials to say")
    return lines


def _differences(preset: Preset, settings: dict[str, Any]) -> str:
    flat = preset.flat()
    return described({path: value for path, value in settings.items() if flat.get(path) != value})


def _tell(lines: list[str], study: StudyDirectory, options: Options) -> None:
    """Prints the page, and writes it into the study."""
    if not options.quiet and not options.json_output:
        print("\n".join(lines), flush=True)
    report = study.path / "report.md"
    with suppress(StorageError):
        write_text_atomically(report, "\n".join(lines) + "\n", parents=False)
        narrate(options, f"the page is in {short_path(report)}")


def narrate(options: Options, message: str) -> None:
    """Says what is being done, on stderr."""
    if not options.quiet:
        print(message, file=sys.stderr, flush=True)
