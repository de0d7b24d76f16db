"""Studies from the command line: a search, or a preset over several seeds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from workbench.errors import EXIT_DONE, UsageError
from workbench.files import is_file
from workbench.headless.folds import show_folds
from workbench.headless.options import Options
from workbench.headless.study import follow_study, say_saved
from workbench.headless.train import check_trust
from workbench.headless.tune_results import show_page, show_queue, show_repeat, show_search
from workbench.headless.tuned_preset import load_tuned
from workbench.headless.where import check_where
from workbench.metrics import metric, metrics_for, monitor_names
from workbench.processes.plan import make_plan
from workbench.runs.lock import claim, is_running, process_id
from workbench.settings import library
from workbench.settings.judged import task_of
from workbench.settings.preset import Preset
from workbench.suggestion import nearest
from workbench.tuning.asking import DEFAULT_TRIALS, search_question, seeds_from
from workbench.tuning.directory import StudyDirectory, create_study, preset_of
from workbench.tuning.question import Question, parse_target, read_question, together_of
from workbench.tuning.ranges import parse_searches
from workbench.tuning.samplers import SAMPLERS
from workbench.tuning.saving import save_as_asked
from workbench.tuning.view import StudyView, read_study_view

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


@dataclass(frozen=True)
class Budget:
    """How much a search may take; 0 and empty set no limit."""

    trials: int
    seconds: float
    until: str

    @classmethod
    def parse(cls, trials: int, time: str, until: str) -> Budget:
        """Raises UsageError."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", time.strip()) if time else None
        if time and found is None:
            raise UsageError(f"--time {time}: write it as a number and a unit, such as 15s, 10m or 2h")
        seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
        if time and not 0 < seconds < math.inf:
            raise UsageError(f"--time {time}: it must be more than 0, such as 15s, 10m or 2h")
        return cls(trials, seconds, until)

    def trials_of(self, named: int | None) -> int:
        """How many settings are tried at most; 0 for no limit.

        named: how many the ranges ask for, such as 1e-4..1e-1 x20. Raises UsageError where that is another number.
        """
        if named and self.trials and named != self.trials:
            raise UsageError(f"--trials {self.trials}, but --search asks for {named} trials; name one number")
        unlimited = not self.seconds and not self.until
        return named or self.trials or (DEFAULT_TRIALS if unlimited else 0)


def search(
    preset_name: str,
    overrides: tuple[str, ...],
    searched: tuple[str, ...],
    budget: Budget,
    *,
    sampler: str,
    discard: str,
    seed: int,
    fresh_seeds: int,
    options: Options,
) -> int:
    """Searches; returns the exit code. Raises WorkbenchError."""
    if options.save_as is not None:
        library.new_preset_file(options.save_as)
    preset = load_tuned(preset_name, overrides, options.trust_code)
    check_where(options, [preset])
    given = preset
    if budget.until:
        preset = preset_until(budget.until, preset)
    ranges, named_trials = parse_searches(searched)
    rule, keep, after = _discard_rule(discard)
    if sampler not in SAMPLERS:
        raise UsageError(f"--sampler {sampler}: there is no such sampler; these are: {', '.join(SAMPLERS)}")
    question = search_question(
        preset,
        {**preset.search, **ranges},
        sampler=sampler,
        seed=seed,
        discard=rule,
        keep=keep,
        discard_after=after,
        trials=budget.trials_of(named_trials),
        seconds=budget.seconds,
        until=budget.until,
        fresh_seeds=fresh_seeds,
        save_as=options.save_as or "",
        together=together_of(options.together),
        workers=options.workers,
        on=options.on,
    )
    if budget.until:
        check_task_has(budget.until, given)
    study = create_study(options.studies_folder, preset, question)
    return follow_study(study, options, SHOW["search"])


def repeat(
    preset_name: str,
    overrides: tuple[str, ...],
    seeds: int,
    options: Options,
) -> int:
    """Trains with several seeds; returns the exit code. Raises WorkbenchError."""
    preset = load_tuned(preset_name, overrides, options.trust_code)
    check_where(options, [preset])
    wanted, together = seeds_from(preset.training.seed, seeds), together_of(options.together)
    question = Question(way="repeat", seeds=wanted, together=together, workers=options.workers, on=options.on)
    study = create_study(options.studies_folder, preset, question)
    return follow_study(study, options, SHOW["repeat"])


def resume_study(study: StudyDirectory, options: Options) -> int:
    """Continues a study; returns the exit code. Raises UsageError if it is running or complete."""
    question = read_question(study.question)
    preset = preset_of(study, question)
    if is_running(study):
        raise UsageError(f"the study {study.name} is still running (process {process_id(study)})")
    view = read_study_view(study)
    if view.finished is not None and view.finished.status == "completed":
        if question.save_as and (view.saved is None or view.saved.exit_code):
            return _save_completed(study)
        raise UsageError(f"the study {study.name} has completed; its result is in {study.summary}")
    check_trust(preset, options.trust_code)
    show = partial(show_page, study) if is_file(study.measured) else SHOW[question.way]
    return follow_study(study, options, show)


def _save_completed(study: StudyDirectory) -> int:
    """Saves what a study has found whose process was killed before it could; returns the exit code.

    Raises UsageError where there is a preset of that name, StorageError.
    """
    with claim(study):
        saved = save_as_asked(study)
    assert saved is not None
    say_saved(saved)
    return EXIT_DONE


def _discard_rule(text: str) -> tuple[str, int, int]:
    """The rule, how many it keeps, and after how many epochs. Raises UsageError."""
    found = re.fullmatch(r"(keep)(?::(\d+)(?:@(\d+))?)?|(asha|median)(?:@(\d+))?|(none)", text)
    if found is None or any(number is not None and int(number) == 0 for number in (found[2], found[3], found[5])):
        raise UsageError(
            f"--discard {text}: write keep, keep:K or keep:K@E (the best K after E epochs), asha, median (both from "
            "epoch 1, else asha@E), or none"
        )
    return found[1] or found[4] or found[6], int(found[2] or 3), int(found[3] or found[5] or 1)


def preset_until(text: str, preset: Preset) -> Preset:
    """The preset that monitors the metric of `--until`. Raises UsageError."""
    target = parse_target(text)
    name, value, known = target.metric, target.value, metric(target.metric)
    if name not in monitor_names():
        raise UsageError(f"--until {text}: there is no metric {name} to end at{nearest(name, monitor_names())}")
    if (target.sign == ">=") != known.higher_is_better:
        better, sign = ("higher", ">=") if known.higher_is_better else ("lower", "<=")
        raise UsageError(f"--until {text}: {better} is better for {name}; write {name}{sign}{target.typed}")
    most = 1.0 if known.is_fraction else known.most
    if most is not None and value > most:
        advice = f"; write {name}>={value / 100:g}" if known.is_fraction and 2 <= value <= 100 else ""
        raise UsageError(f"--until {text}: {name} is at most {most:g}{advice}")
    monitor = preset.training.monitor
    if monitor not in ("auto", name):
        raise UsageError(
            f"--until {text}: the trials are judged by {monitor}; add --set training.monitor={name}, or name {monitor}"
        )
    return preset.with_values({"training.monitor": name}, "--until")


def check_task_has(text: str, preset: Preset) -> None:
    """Refuses a metric of `--until` that the task lacks.

    The preset, as it was given, is planned where its settings do not say its task, which takes seconds. Raises
    UsageError, and whatever planning raises.
    """
    wanted, outputs = metric(parse_target(text).metric), 0
    task: str | None = task_of(preset)
    if wanted.task is not None and (task is None or (wanted.task == task and wanted.least_classes)):
        plan = make_plan(preset.without_search())
        task, outputs = plan.task, plan.outputs
    if task is None or wanted.fits(task, outputs):
        return
    known = ", ".join(each.name for each in metrics_for(task, outputs) if each.can_monitor)
    why = f"it takes at least {wanted.least_classes} classes" if wanted.task == task else f"that is a {task}"
    raise UsageError(f"--until {text}: {preset.name} has no {wanted.name}: {why}; its metrics are {known}")


SHOW: dict[str, Callable[[dict[str, Any], StudyView], None]] = {
    "search": show_search,
    "repeat": show_repeat,
    "folds": show_folds,
    "queue": show_queue,
}
"""How the result of each way to tune is printed."""
