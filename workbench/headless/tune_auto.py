"""`tune auto`: batch size, learning rates, a search around them, and the best again with fresh seeds; then a page."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import partial

from workbench.headless.measuring import load_preset, run
from workbench.headless.options import Options
from workbench.headless.study import follow_study
from workbench.headless.tune_batch import measure_batches
from workbench.headless.tune_lr import measure_rates_of
from workbench.headless.tune_results import show_page
from workbench.processes.batch_scan import Request as BatchRequest
from workbench.processes.range_test import RangeTest
from workbench.processes.range_test import Request as RangeRequest
from workbench.settings.judged import may_be_judged_by_loss, task_of
from workbench.settings.optimizer import OPTIMIZERS as OPTIMIZER_CHOICES
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.asking import search_question
from workbench.tuning.dimensions import with_choice
from workbench.tuning.directory import create_study
from workbench.tuning.measured import Measured
from workbench.tuning.space import SearchSpace
from workbench.units import duration

LEAST_SECONDS = 30.0
"""For batch sizes, learning rates and some trials."""
MOST_BATCH_TIMES = 8
"""The largest batch size that is searched, times the preset's own: a knee lies higher where throughput is all."""
OPTIMIZERS = ("adamw", "nadam")
"""Beside the preset's own. The weight decay of AdamW does not pass through the gradient, so that it may be larger."""
SCHEDULES = ("one_cycle", "cosine")
"""A rate that stays as it is leaves accuracy behind at the end; only the preset itself is trained so."""
COMPARABLE = 3.0
"""Optimizers whose rates are at most this many times apart share a range."""
KEEP = 5
"""Trials that are trained to their end: two of each schedule, and the preset where it has another."""
RATE = "optimizer.learning_rate"


def tune_auto(
    preset_name: str,
    overrides: tuple[str, ...],
    options: Options,
    *,
    seconds: float,
    seed: int,
) -> int:
    """Finds good settings in about that many seconds; returns the exit code. Raises WorkbenchError."""
    began = time.monotonic()
    preset = load_preset(preset_name, overrides, options)
    narrate(options, f"1 of 3: batch sizes of {preset.name}")
    batches = run(measure_batches(BatchRequest(preset.to_toml(), _most_batch(preset)), options))
    narrate(options, f"        knee {batches.knee}" if batches.knee else "        none could be measured")
    names = optimizers_of(preset)
    narrate(options, f"2 of 3: learning rates of {', '.join(names)}")
    requests = [RangeRequest.of(with_optimizer(preset, name)) for name in names]
    rates = dict(zip(names, run(measure_rates_of(requests, options)), strict=True))
    measured = measured_of(batches.knee, rates)
    for line in measured.lines()[1:]:
        narrate(options, f"        {line}")
    ranges = search_ranges(preset, batches.knee, rates)
    space = SearchSpace.parse(ranges, preset)
    left = max(seconds - (time.monotonic() - began), LEAST_SECONDS / 2)
    narrate(options, f"3 of 3: a search over {len(space.paths)} settings, {duration(left)}")
    question = search_question(
        preset, ranges, seed=seed, seconds=left, discard="keep", keep=KEEP, save_as=options.save_as or ""
    )
    study = create_study(options.studies_folder, preset, question, measured=measured)
    return follow_study(study, options, partial(show_page, study))


def optimizers_of(preset: Preset) -> list[str]:
    """The optimizers that are searched, the preset's own first."""
    return list(dict.fromkeys((preset.optimizer.name, *OPTIMIZERS)))


def with_optimizer(preset: Preset, name: str) -> Preset:
    """The preset with another optimizer."""
    return preset.with_values({"optimizer.name": name}, "tune auto")


def measured_of(knee: int | None, rates: Mapping[str, RangeTest]) -> Measured:
    """What the study keeps."""
    named = {name: test.suggested.best for name, test in rates.items()}
    return Measured(knee, named, {name: rates[name].notes for name, rate in named.items() if rate is None})


def search_ranges(preset: Preset, knee: int | None, rates: Mapping[str, RangeTest]) -> dict[str, Range]:
    """What is searched, around what was measured.

    rates: the range tests of `optimizers_of`, the preset's own optimizer first.
    """
    ranges = rate_ranges(preset, rates)
    own = preset.data.batch_size
    knee = min(knee or own, _most_batch(preset))
    sizes = {own} | {2**power for power in range(3, 14) if min(own, knee) <= 2**power <= max(own, knee)}
    if len(sizes) > 1:
        ranges["data.batch_size"] = Range(choices=tuple(sorted(sizes)))
    ranges["optimizer.name"] = Range(choices=tuple(rates))
    constant = preset.schedule.name == "constant"
    ranges["schedule.name"] = Range(
        choices=SCHEDULES if constant else tuple(dict.fromkeys((preset.schedule.name, *SCHEDULES)))
    )
    ranges["optimizer.weight_decay"] = Range(low=1e-6, high=1e-3, log=True)
    ranges[with_choice("optimizer.weight_decay", "adamw")] = Range(low=1e-4, high=0.1, log=True)
    if hasattr(preset.model, "dropout"):
        ranges["model.dropout"] = Range(low=0.0, high=0.5)
    # Numbers are not smoothed, and losses of different smoothing cannot be compared.
    is_smoothed = hasattr(preset.loss, "label_smoothing") and task_of(preset) != "regression"
    if is_smoothed and not may_be_judged_by_loss(preset):
        ranges["loss.label_smoothing"] = Range(low=0.0, high=0.1)
    return ranges


def rate_ranges(preset: Preset, rates: Mapping[str, RangeTest]) -> dict[str, Range]:
    """A range for the preset's optimizer and those with comparable rates, and one for each of the others."""
    own = preset.optimizer.learning_rate
    centres = {name: test.suggested.best or _rate_of(preset, name) for name, test in rates.items()}
    first = preset.optimizer.name
    ranges = {RATE: _rate_range(centres[first], rates[first], own)}
    for name, centre in centres.items():
        if max(centre / centres[first], centres[first] / centre) > COMPARABLE:
            ranges[with_choice(RATE, name)] = _rate_range(centre, rates[name], centre)
    return ranges


def _rate_range(centre: float, test: RangeTest, own: float) -> Range:
    """From a twentieth of a rate to the last before it diverges, with the preset's own."""
    low, high = min(centre / 20, own), max(test.suggested.before_divergence or 10 * centre, own)
    most = min(max(high, 10 * low), LEARNING_RATE_BOUNDS["le"])
    return Range(low=float(f"{low:.3g}"), high=float(f"{most:.3g}"), log=True)


def _rate_of(preset: Preset, optimizer: str) -> float:
    """The preset's learning rate, or the default one of another optimizer."""
    if optimizer == preset.optimizer.name:
        return preset.optimizer.learning_rate
    choice = OPTIMIZER_CHOICES.choice(optimizer)
    assert choice is not None
    return float(choice.model_fields["learning_rate"].default)


def _most_batch(preset: Preset) -> int:
    return MOST_BATCH_TIMES * preset.data.batch_size


def narrate(options: Options, message: str) -> None:
    """Says what is being done, on stderr."""
    if not options.quiet:
        print(message, file=sys.stderr, flush=True)
