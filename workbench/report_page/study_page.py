"""The page of a study: the best settings, how the search went, the curves of the best trials, and all trials."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import read_small
from workbench.metrics import Metric
from workbench.plotting.points import Point
from workbench.plotting.quantities import quantity_of
from workbench.plotting.scales import count as axis_count
from workbench.report_page.curves import looks
from workbench.report_page.html import code, details, escaped, paragraph, section, table
from workbench.report_page.page import document, figures
from workbench.report_page.record import environment_of
from workbench.report_page.run_page import figure_row, written_at
from workbench.report_page.run_sections import environment_rows
from workbench.report_page.svg import Chart, Line
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.question import Question, read_question
from workbench.tuning.side_tables import written_setting
from workbench.tuning.space import SearchSpace
from workbench.tuning.statistics import mean_and_deviation
from workbench.tuning.verdict import candidates_of
from workbench.tuning.view import StudyView, TrialView, read_study_view
from workbench.tuning.words import changes, verdict, with_interval
from workbench.units import count, counted, duration

MOST_CURVES = 8
"""Of the best trials, whose curves are drawn."""
MOST_ROWS = 200
WAYS = {"search": "a search", "repeat": "a repeat over seeds", "folds": "a cross-validation", "queue": "a queue"}


@dataclass
class StudyRecord:
    """A study as its files tell it."""

    study: StudyDirectory
    view: StudyView
    question: Question
    preset: Preset
    result: dict[str, Any] = field(default_factory=dict)
    """As its summary has it; empty before the study has ended."""

    @property
    def ranked(self) -> list[TrialView]:
        """The trials that have a value, the best first; of a queue, whose metrics may differ, in its order."""
        if self.question.way != "search":
            return list(self.view.trials.values())
        best = (self.result.get("best") or {}).get("trial")
        return sorted(self.view.ranked(), key=lambda trial: trial.number != best)


def read_study(study: StudyDirectory) -> StudyRecord:
    """Reads a study, in progress or ended. Raises UsageError, PresetError."""
    try:
        result = json.loads(read_small(study.summary))
    except (OSError, ValueError, RecursionError):
        result = {}
    known = result if isinstance(result, dict) else {}
    return StudyRecord(study, read_study_view(study), read_question(study.question), Preset.of_run(study.preset), known)


def study_page(record: StudyRecord, now: datetime | None = None) -> str:
    """The page of a study as HTML. now: when it is written."""
    view = record.view
    body = [
        _header(record),
        section("Best settings", *_best_parts(record), id="best"),
        section("The search", figures(_charts(record)), id="curves"),
        section("Trials", *_trial_parts(record), id="trials"),
        section("Notes", "".join(map(paragraph, view.notes)), id="notes"),
        section("Environment", _environment(record), id="environment"),
        section("Preset", details("the preset, as TOML", code(record.preset.to_toml())), id="preset"),
    ]
    return document(f"{record.preset.name}: {record.study.name}", body, written_at(now))


def _header(record: StudyRecord) -> str:
    view, question = record.view, record.question
    ended = f"{view.finished.status} after" if view.finished is not None else "in progress, so far"
    spent = duration(view.seconds)
    return "".join(
        [
            f'<header><p class="eyebrow">{escaped(record.study.name)}</p>',
            f"<h1>{escaped(record.preset.name)}: {WAYS[question.way]}</h1>",
            paragraph(record.preset.description, "lead"),
            paragraph(f"{ended} {counted(len(view.trials), 'trial')} in {spent}"),
            paragraph(_verdict(record)),
            figure_row(_headline(record)),
            "</header>",
        ]
    )


def _verdict(record: StudyRecord) -> str:
    """Whether the best is better than chance; empty where it is not known."""
    if not record.result.get("best"):
        return ""
    try:
        said = verdict(record.result, record.view)
    except (KeyError, TypeError):  # a result of another version
        return ""
    return f"{said[0].upper()}{said[1:]}."


def _headline(record: StudyRecord) -> Iterable[tuple[str, str, str]]:
    metric = record.view.metric
    values = [value for trial in record.view.trials.values() if metric and (value := trial.best(metric)) is not None]
    if metric is not None and values:
        if record.question.way in ("repeat", "folds"):
            mean, deviation = mean_and_deviation(values)
            about = "" if deviation is None else f"deviation {metric.write(deviation)}, {len(values)} trainings"
            yield f"mean {metric.label}", metric.write(mean), about
        elif ranked := record.ranked:
            best = ranked[0].best(metric)
            yield f"best {metric.label}", "-" if best is None else metric.write(best), f"trial {ranked[0].number}"
    by_status = [trial.status for trial in record.view.trials.values()]
    said = ", ".join(f"{by_status.count(each)} {each}" for each in dict.fromkeys(by_status))
    yield "trials", count(len(by_status)), said
    yield "time", duration(record.view.seconds), ""


def _best_parts(record: StudyRecord) -> Iterable[str]:
    if record.question.way != "search" or not record.ranked:
        return
    best = record.ranked[0]
    own = record.preset.flat()
    try:
        searched = SearchSpace.parse(record.question.search, record.preset).describe()
    except WorkbenchError:
        searched = {}
    rows = [
        [path, written_setting(path, value), written_setting(path, own.get(path)), searched.get(path, "-")]
        for path, value in best.trained_settings.items()
    ]
    yield table(["setting", f"trial {best.number}", "the preset", "searched"], rows, kind="settings", numbers=False)
    if best.run:
        yield paragraph(f"Its run is {best.run}.", "dim")


# What is drawn.


def _charts(record: StudyRecord) -> list[Chart]:
    metric = record.view.metric
    if metric is None:
        return []
    charts = [_course(record, metric), _curves(record, metric)]
    return [chart for chart in charts if any(_finite(line.points) for line in chart.lines)]


def _finite(points: Iterable[Point]) -> bool:
    return any(point.extent(log=False) is not None for point in points)


def _course(record: StudyRecord, metric: Metric) -> Chart:
    """The value of each trial, and the best so far."""
    each: list[Point] = []
    best: list[Point] = []
    for trial in record.view.trials.values():
        value = trial.best(metric)
        if value is None or trial.repeats is not None:
            continue
        x = float(trial.number)
        each.append(_point(x, value))
        top = value if not best else max(best[-1].mean, value, key=metric.rank)
        best += [_point(x, best[-1].mean)] if best else []
        best.append(_point(x, top))
    last = max(each[-1].x, 1.0) if each else 1.0
    lines = [Line("each trial", "validation", each, is_dots=True), Line("the best so far", "train", best)]
    return _chart(metric, "course", f"{metric.label}{metric.unit} by trial", lines, last, "trial")


def _curves(record: StudyRecord, metric: Metric) -> Chart:
    """The values of the best trials by epoch."""
    trials = [trial for trial in record.ranked if trial.values][:MOST_CURVES]
    lines = [
        Line(
            f"trial {trial.number}",
            look.colour,
            [_point(float(epoch), value) for epoch, value in sorted(trial.values.items())],
            look.dash,
            look.letter,
        )
        for trial, look in zip(trials, looks(len(trials)), strict=True)
    ]
    last = float(max((epoch for trial in trials for epoch in trial.values), default=1))
    return _chart(metric, "trials", f"{metric.label}{metric.unit} of the best", lines, last, "epoch")


def _chart(metric: Metric, id: str, title: str, lines: list[Line], last: float, x_title: str) -> Chart:
    quantity = quantity_of(metric, id)
    return Chart(id, title, lines, (0.0, last), x_title, axis_count, quantity.tick, most=quantity.most)


def _point(x: float, value: float) -> Point:
    return Point(x, value, value, value)


# What is listed.


def _trial_parts(record: StudyRecord) -> Iterable[str]:
    ranked = record.ranked
    others = [trial for trial in record.view.trials.values() if trial not in ranked and trial.repeats is None]
    candidates = candidates_of(record.view, [*ranked, *others][:MOST_ROWS])
    metric = record.view.metric
    rows = []
    for each in candidates:
        trial = each.trial
        value = None if metric is None else trial.best(metric)
        fresh = "-" if metric is None else with_interval(each.mean, each.interval, metric)
        text = "-" if value is None or metric is None else metric.write(value)
        took = duration(trial.seconds) if trial.seconds else "-"
        rows.append([str(trial.number), text, fresh, str(trial.epoch), trial.status, took, changes(trial, record.view)])
    titles = [
        "trial",
        "best" if metric is None else metric.label,
        "fresh seeds",
        "epochs",
        "status",
        "time",
        "settings",
    ]
    if all(row[2] == "-" for row in rows):
        titles, rows = [*titles[:2], *titles[3:]], [[*row[:2], *row[3:]] for row in rows]
    yield table(titles, rows, kind="trials", numbers=False)
    if len(ranked) + len(others) > MOST_ROWS:
        yield paragraph(f"{counted(len(ranked) + len(others) - MOST_ROWS, 'more trial')} not listed.", "dim")


def _environment(record: StudyRecord) -> str:
    """Of the best trial's run, else of the study."""
    runs = [trial.run for trial in record.ranked if trial.run]
    found = environment_of(record.study.run(runs[0]).environment if runs else record.study.environment)
    return table(["", ""], [list(row) for row in environment_rows(found).items()], numbers=False)
