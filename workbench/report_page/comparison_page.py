"""The page that compares several runs: what differs, what can be concluded, and their curves over each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from workbench.errors import UsageError
from workbench.metrics import Metric, in_reading_order
from workbench.report_page.curves import charts_of, looks
from workbench.report_page.html import code, details, escaped, paragraph, section, table
from workbench.report_page.page import document, swatch
from workbench.report_page.record import RunRecord
from workbench.report_page.run_page import STATUS, curve_parts, written_at
from workbench.report_page.run_sections import environment_rows, label_with_direction, notice_parts
from workbench.report_page.settings import preset_details, settings_groups
from workbench.report_page.svg import Line
from workbench.tuning.conclusion import (
    DIFFERENCE_COLUMNS,
    conclusion,
    difference_notes,
    difference_rows,
    differences_title,
)
from workbench.tuning.differences import MetricDifference, compare_metrics, own_metrics, same_loss
from workbench.tuning.side_tables import (
    may_lack_environment,
    no_environment_lines,
    own_loop_lines,
    rows_that_differ,
    settings_of_all,
    shown_settings,
    step_times_of_all,
    trained_in_words,
    written_mean,
    written_setting,
)
from workbench.tuning.sides import SPLITS, Side
from workbench.tuning.statistics import mean_and_deviation
from workbench.units import count, duration

MOST_NAMED = 3
"""Differing settings that the list of runs names."""
MOST_IN_LEGEND = 2


def comparison_page(records: Sequence[RunRecord], sides: Sequence[Side], now: datetime | None = None) -> str:
    """The page of several runs as HTML. sides: the same runs, in the same order. now: when it is written."""
    names = list(dict.fromkeys(record.name for record in records))
    title = ", ".join(names) if len(names) <= MOST_NAMED else f"{len(records)} runs"
    letters = [look.letter for look in looks(len(records))]
    what = "studies" if all(side.is_study for side in sides) else "runs"
    body = [
        "<header>",
        f'<p class="eyebrow">comparison of {len(records)} {what}</p><h1>{escaped(title)}</h1>',
        _runs_table(records, sides),
        paragraph("Of a study, the curves, the time and the warnings are those of its first run.", "dim")
        if any(side.is_study for side in sides)
        else "",
        "</header>",
        section("What can be concluded", *_conclusions(sides, letters), id="conclusion"),
        section("Metrics", _metrics_table(sides, letters), id="metrics"),
        section("Curves", *curve_parts(charts_of(records, names_of(records, sides)), records[0].monitor), id="curves"),
        section("Settings", *_settings_parts(sides, letters), id="settings"),
        section("Time of a step, ms", _step_times_table(sides, letters), id="time"),
        section("Environment", *_environment_parts(records, sides, letters), id="environment"),
        section("Warnings and notes", *_notices(records, letters), id="notices"),
        section("Presets", *_presets(records, letters), id="presets"),
    ]
    return document(f"comparison: {title}", body, written_at(now))


def names_of(records: Sequence[RunRecord], sides: Sequence[Side]) -> list[str]:
    """A name for each run in a legend: its preset's where these differ, and the settings that are its own."""
    named = [record.name for record in records]
    differing = list(shown_settings(sides).items())[:MOST_IN_LEGEND]
    found = []
    for place, name in enumerate(named):
        own = [f"{path.rpartition('.')[2]} {written_setting(path, values[place])}" for path, values in differing]
        found.append(", ".join([name, *own] if not own or len(set(named)) > 1 else own))
    return found


def _runs_table(records: Sequence[RunRecord], sides: Sequence[Side]) -> str:
    """A row for each run: its curve, its name, what it has of its own, and how it ended."""
    differing = shown_settings(sides)
    shown = list(differing)[:MOST_NAMED]
    heads = ["", "run", *shown, "status", "epochs", "training"]
    rows = []
    for place, (record, side, look) in enumerate(zip(records, sides, looks(len(records)), strict=True)):
        line = Line(record.name, look.colour, (), look.dash)
        seconds = record.train_seconds
        epoch = record.history.view.epoch_end
        cells = [
            side.name,
            *(written_setting(path, differing[path][place]) for path in shown),
            trained_in_words(side) if side.is_study else STATUS[record.row.status],
            count(record.summary.epoch if record.summary is not None else epoch.epoch if epoch is not None else 0),
            "-" if seconds is None else duration(seconds),
        ]
        drawn = "".join(f"<td>{escaped(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row" class="key">{swatch(line)}<b>{look.letter}</b></th>{drawn}</tr>')
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _conclusions(sides: Sequence[Side], letters: Sequence[str]) -> Iterable[str]:
    """What `workbench compare` says of each run and the first."""
    for side, letter in zip(sides[1:], letters[1:], strict=True):
        found: list[MetricDifference] = []
        try:
            found = compare_metrics(sides[0], side)
            lines = conclusion(sides[0], side, found, letter)
        except UsageError as error:
            lines = [f"A and {letter}: {error}."]
        said = ""
        for is_command, group in groupby(lines, key=lambda line: line.startswith(" ")):
            if is_command:
                said += details("the commands", code("\n".join(line.strip() for line in group)))
            else:
                said += "".join(map(paragraph, group))
        yield f'<div class="verdict">{said}</div>'
        if any(each.pairs > 1 for each in found):
            yield table([differences_title(found, letter), *DIFFERENCE_COLUMNS], difference_rows(found, letter))
            yield paragraph(f"{difference_notes(found)}.", "dim")


def _metrics_table(sides: Sequence[Side], letters: Sequence[str]) -> str:
    """Every metric of every run, the best in bold: a table for each split."""
    tables = "".join(_split_table(split, sides, letters) for split in SPLITS)
    about = "Validation: at each run's best epoch. Bold: the best, if only by chance."
    return f'<div class="beside">{tables}</div>{paragraph(about, "dim")}' if tables else ""


def _split_table(split: str, sides: Sequence[Side], letters: Sequence[str]) -> str:
    rows = []
    own = own_metrics(sides)
    for metric in [*in_reading_order(), *own]:
        values = [list(side.values(split, metric.name).values()) for side in sides]
        if any(values):
            comparable = metric.name != "loss" or all(same_loss(sides[0], side) for side in sides[1:])
            best = _best(metric, values) if comparable and metric not in own else []
            cells = [
                f"<b>{escaped(written_mean(metric, found))}</b>" if place in best else written_mean(metric, found)
                for place, found in enumerate(values)
            ]
            drawn = "".join(f'<td class="n">{cell}</td>' for cell in cells)
            label = metric.label if metric in own else label_with_direction(metric)
            rows.append(f'<tr><th scope="row">{escaped(label)}</th>{drawn}</tr>')
    if not rows:
        return ""
    head = f'<th scope="col">{split}</th>' + "".join(f'<th scope="col" class="n">{letter}</th>' for letter in letters)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _best(metric: Metric, values: Sequence[Sequence[float]]) -> list[int]:
    """The places of the best value; none where all are the same."""
    ranks = {place: metric.rank(mean_and_deviation(found)[0]) for place, found in enumerate(values) if found}
    top = max(ranks.values())
    return [place for place, rank in ranks.items() if rank == top] if len(set(ranks.values())) > 1 else []


def _settings_parts(sides: Sequence[Side], letters: Sequence[str]) -> Iterable[str]:
    rows = [[path, *(written_setting(path, value) for value in row)] for path, row in shown_settings(sides).items()]
    yield table(["setting", *letters], rows, kind="settings", numbers=False)
    lines = own_loop_lines(sides, letters) or ([] if rows else ["No setting differs"])
    yield from (paragraph(f"{line}.") for line in lines)
    differing = settings_of_all(sides)
    same = {path: value for path, value in sides[0].first.settings.items() if path not in differing}
    yield details("settings that all have", settings_groups(same, {}))


def _step_times_table(sides: Sequence[Side], letters: Sequence[str]) -> str:
    rows = []
    for name, values in step_times_of_all(sides).items():
        ratios = ["-" if not values[0] or value is None else f"{value / values[0]:.2f}" for value in values[1:]]
        rows.append([name, *("-" if value is None else f"{value:.3f}" for value in values), *ratios])
    return table(["", *letters, *(f"{letter} / A" for letter in letters[1:])], rows)


def _environment_parts(records: Sequence[RunRecord], sides: Sequence[Side], letters: Sequence[str]) -> Iterable[str]:
    described = [environment_rows(record.environment) for record in records]
    names = dict.fromkeys(name for each in described for name in each)
    values = {name: [each.get(name) for each in described] for name in names}
    differing = rows_that_differ(values, may_lack_environment(sides))
    rows = [[name, *(value or "-" for value in row)] for name, row in differing.items()]
    yield table(["", *letters], rows, numbers=False)
    lines = no_environment_lines(sides, letters) or ([] if rows else ["Neither the environment nor the code differs"])
    yield from (paragraph(f"{line[0].upper()}{line[1:]}.") for line in lines)
    same = [[name, row[0] or ""] for name, row in values.items() if len(set(row)) == 1]
    yield details("what all ran on", table(["", ""], same, numbers=False))


def _notices(records: Sequence[RunRecord], letters: Sequence[str]) -> Iterable[str]:
    for letter, record in zip(letters, records, strict=True):
        if said := "".join(notice_parts(record)):
            yield f"<h3>{letter}</h3>{said}"


def _presets(records: Sequence[RunRecord], letters: Sequence[str]) -> Iterable[str]:
    for letter, record in zip(letters, records, strict=True):
        yield preset_details(record).replace("<summary>", f"<summary>{letter}: ", 1)
