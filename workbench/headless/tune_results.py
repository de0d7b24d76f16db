"""Prints the results of studies: a search, repeats over seeds, a queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from workbench import output
from workbench.files import read_small
from workbench.headless.fitting import LEAST_ROOM, setting_lines, table_width, widths_of
from workbench.metrics import Metric
from workbench.metrics import metric as metric_named
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.statistics import mean_and_deviation
from workbench.tuning.verdict import Candidate, candidates_of
from workbench.tuning.view import StudyView
from workbench.tuning.words import changes, verdict, with_interval
from workbench.units import duration

if TYPE_CHECKING:
    from workbench.console import SafeConsole

MOST_ROWS = 10
"""Trials that the table of a search shows."""


def show_search(result: dict[str, Any], view: StudyView) -> None:
    """The trials, the best first, and whether the best is better than chance."""
    console = output.console()
    best = result["best"]
    if best is None or view.metric is None:
        console.say("no trial has given a value")
        return
    _print(console, *_search_table(best, view, view.metric))
    tried = f"{result['trials']} settings tried, {result['discarded']} of them discarded early"
    console.say(verdict(result, view))
    console.say(tried)


def show_page(study: StudyDirectory, result: dict[str, Any], view: StudyView) -> None:
    """The page of `tune auto`; the trials where it could not be written."""
    try:
        print(read_small(study.report).rstrip(), flush=True)
    except (OSError, ValueError):
        show_search(result, view)


def _search_table(best: dict[str, Any], view: StudyView, metric: Metric) -> tuple[list[str], list[list[str]]]:
    """The titles and the rows. Fresh seeds have a column where some were trained."""
    candidates = candidates_of(view, view.ranked())
    candidates.sort(key=lambda each: (each.trial.number == best["trial"], *_order(each, metric)), reverse=True)
    rows = []
    for each in candidates[:MOST_ROWS]:
        value = each.trial.best(metric)
        text = "-" if value is None else metric.write(value)
        if value is not None and each.trial.status != "completed":
            text += f" after epoch {each.trial.epoch}"
        rows.append([str(each.trial.number), text, _fresh(each, metric), changes(each.trial, view)])
    has_interval = any("±" in row[2] for row in rows)
    titles = ["trial", metric.label, "fresh seeds, 95 %" if has_interval else "fresh seeds", "settings"]
    if all(row[2] == "-" for row in rows):
        titles, rows = [*titles[:2], titles[3]], [[*row[:2], row[3]] for row in rows]
    return titles, rows


def _order(candidate: Candidate, metric: Metric) -> tuple[bool, bool, float]:
    value = candidate.trial.best(metric) if candidate.mean is None else candidate.mean
    rank = float("-inf") if value is None else metric.rank(value)
    return bool(candidate.fresh), candidate.trial.status == "completed", rank


def _fresh(candidate: Candidate, metric: Metric) -> str:
    return with_interval(candidate.mean, candidate.interval, metric)


def show_repeat(result: dict[str, Any], view: StudyView) -> None:
    """The mean, its interval, and how far chance moves a single training."""
    console = output.console()
    values = [each["value"] for each in result["runs"] if each["value"] is not None]
    if not values:
        console.say("no run has completed")
        return
    metric = metric_named(result["metric"])
    mean, deviation = mean_and_deviation(values)
    text = f"{metric.label}: mean {metric.write(mean)} over {len(values)} seed{'s' if len(values) > 1 else ''}"
    if deviation is not None:
        text += (
            f", 95 % interval {metric.number(result['low'])} to {metric.write(result['high'])}, "
            f"deviation {metric.write(deviation)}"
        )
    console.say(text)
    missing = len(result["runs"]) - len(values)
    if missing:
        console.say(f"{missing} of {len(result['runs'])} runs have no value: the mean is that of the others")


def show_queue(result: dict[str, Any], view: StudyView) -> None:
    """Each training, in the order of the queue."""
    rows = []
    for trial in view.trials.values():
        metric, value = metric_named(trial.metric), trial.value
        text = trial.status if value is None else f"{metric.label} {metric.write(value)}"
        took = duration(trial.seconds) if trial.seconds else "-"
        rows.append([str(trial.number), text, took, changes(trial, view)])
    _print(output.console(), ["trial", "result", "time", "what"], rows)


def _print(console: SafeConsole, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table whose last column has settings; the columns before it are left out where they take its room."""
    lines = [list(titles), *map(list, rows)]
    while (room := console.width - table_width([*widths_of(lines[0], lines[1:])[:-1], 0])) < LEAST_ROOM:
        if len(lines[0]) == 2:
            break
        lines = [[*line[:-2], line[-1]] for line in lines]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for title in lines[0][:-1]:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column(titles[-1], overflow="fold")
    for *cells, settings in lines[1:]:
        table.add_row(*cells, Text("\n".join(setting_lines(settings, max(room, LEAST_ROOM)))))
    console.print(table)
