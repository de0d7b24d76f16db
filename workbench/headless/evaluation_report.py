"""Prints an evaluation: metrics, classes, calibration or residuals, and the worst samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from workbench import output
from workbench.console import SafeConsole
from workbench.headless.confusion import confusion_lines
from workbench.headless.report import print_rows
from workbench.metrics import metric, written
from workbench.processes.evaluation import Calibration, EvaluatedSample, Evaluation, Residuals
from workbench.runs.directory import RunDirectory
from workbench.units import count, counted, decimals, probability
from workbench.wording import data_changed

MOST_CLASSES, WORST_CLASSES = 20, 10
"""Of more classes, the worst are listed."""
MOST_TARGETS = 10
MOST_VALUES = 3
"""Numbers of a sample that are shown."""
LEAST_GAP = 0.02
"""Between the mean probability and the fraction that is right; a smaller one is not spoken of, nor one that chance may
explain (two standard deviations)."""
LINE_CELLS = 56
"""Of a row of metrics, so that it fits 80 columns with its name."""
NAME_CELLS = 24
"""For the name of a class or token."""


def print_evaluation(run: RunDirectory, evaluation: Evaluation, run_test: dict[str, Any] | None) -> None:
    """Prints all of it. run_test: what the run measured when it ended, of the same samples."""
    console = output.console()
    print_rows(console, _rows(run, evaluation, run_test))
    for title, lines in _sections(evaluation, console.width):
        if lines:
            console.print()
            _print(console, [title, *lines])


def _rows(run: RunDirectory, found: Evaluation, run_test: dict[str, Any] | None) -> list[tuple[str, str]]:
    split = "" if found.split == "all" else f", {found.split} split"
    rows = [
        ("model", f"{run.name}, {found.weights}"),
        ("data", f"{found.data}{split}: {counted(found.samples, 'sample')}, on {found.device}"),
        ("learns", found.learns),
        *_metrics("metrics", found.metrics),
    ]
    if found.data_changes:
        rows.append(("the data have changed", data_changed(found.data_changes)))
    elif run_test is not None:
        is_same = all(found.metrics.get(name) == value for name, value in run_test.items())
        rows += [("the run's test", "the same")] if is_same else _metrics("the run's test", run_test)
    if found.calibration is not None:
        rows.append(("calibration", _calibration(found.calibration)))
    if found.confident_mistakes is not None:
        mistakes = found.confident_mistakes
        at_least = f"with {100 * mistakes.probability:.0f} % or more"
        of = f"of {counted(mistakes.predictions, 'prediction')} {at_least}"
        rows.append(("confident mistakes", f"{count(mistakes.mistakes)} {of}"))
    return rows + [("note", note) for note in found.notes]


def _metrics(title: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    """All metrics, in as many rows as they need."""
    lines = [""]
    for label, value in written(values):
        longer = f"{lines[-1]}  {label} {value}".strip()
        lines = [*lines[:-1], longer] if cell_len(longer) <= LINE_CELLS else [*lines, f"{label} {value}"]
    return [("" if place else title, line) for place, line in enumerate(lines)]


def _calibration(found: Calibration) -> str:
    return f"expected error {100 * found.expected_error:.2f} %, Brier score {found.brier:.4f}"


def _sections(found: Evaluation, width: int) -> Iterable[tuple[str, list[str]]]:
    yield _classes(found)
    yield confusion_lines(found.metrics.get("confusion"), found.classes, found.confused, width)
    if found.calibration is not None:
        yield "reliability", _reliability(found.calibration)
    if found.residuals:
        yield "residuals (predicted - true)", _residuals(found.residuals)
    if found.task == "language_modeling":
        yield "worst windows", _windows(found.worst)
    else:
        yield "worst samples", _samples(found.worst)
        yield "most confident mistakes", _samples(found.confident)


def _classes(found: Evaluation) -> tuple[str, list[str]]:
    """The numbers of each class; of many the worst."""
    columns = [found.metrics.get(name) for name in ("precision", "recall", "f1", "support")]
    if any(column is None for column in columns):
        return "", []
    names = found.classes or [str(number) for number in range(len(columns[0] or []))]
    there = [row for row in zip(names, *(column or [] for column in columns), strict=True) if row[4]]
    shown, title = there, "class"
    if len(there) > MOST_CLASSES:
        shown = sorted(there, key=lambda row: row[3])[:WORST_CLASSES]
        title = f"the {WORST_CLASSES} worst of {count(len(there))} classes"
    percent = metric("f1_macro").write
    rows = [(_short(name), *(percent(value) for value in values), count(samples)) for name, *values, samples in shown]
    lines = aligned([(title, "precision", "recall", "F1", "samples"), *rows])
    return lines[0], lines[1:]


def _reliability(found: Calibration) -> list[str]:
    rows = [("probability", "predictions", "mean", "right", "")]
    for each in found.bins:
        between = f"{100 * each.low:.0f} to {100 * each.high:.0f} %"
        if each.confidence is None or each.accuracy is None:
            rows.append((between, "0", "-", "-", ""))
            continue
        gap = each.accuracy - each.confidence
        chance = math.sqrt(each.confidence * (1 - each.confidence) / each.predictions)
        said = "" if abs(gap) < max(LEAST_GAP, 2 * chance) else "too sure" if gap < 0 else "too unsure"
        rows.append(
            (between, count(each.predictions), f"{100 * each.confidence:.1f} %", f"{100 * each.accuracy:.1f} %", said)
        )
    return aligned(rows)


def _residuals(found: Sequence[Residuals]) -> list[str]:
    percents = list(found[0].quantiles)
    rows = [("target", "mean", "deviation", *(f"{percent} %" for percent in percents), "R²")]
    for place, each in enumerate(found[:MOST_TARGETS]):
        r2 = "-" if each.r2 is None else metric("r2").write(each.r2)
        numbers = (each.mean, each.deviation, *(each.quantiles[percent] for percent in percents))
        rows.append((_short(each.target or str(place)), *map(decimals, numbers), r2))
    more = [f"and {count(len(found) - MOST_TARGETS)} more: see --json"] if len(found) > MOST_TARGETS else []
    return aligned(rows) + more


def _samples(found: Sequence[EvaluatedSample]) -> list[str]:
    if not found:
        return []
    has_numbers = bool(found[0].true_values)
    several = len({each.split for each in found}) > 1
    titles = ("number", "loss", "true", "predicted") if has_numbers else ("number", "loss", "true", "", "predicted", "")
    rows = [(*titles, "from" if any(each.origin for each in found) else "")]
    for each in found:
        number = f"{each.split} {each.number}" if several else str(each.number)
        loss = "nan" if each.loss is None else decimals(each.loss)
        said: tuple[str, ...]
        if has_numbers:
            said = (_values(each.true_values), _values(each.predicted_values))
        else:
            said = (
                *(_short(each.true), _percent(each.probability_of_true)),
                *(_short(each.predicted), _percent(each.probability)),
            )
        rows.append((number, loss, *said, each.origin))
    lines = aligned(rows)
    of_samples = zip(lines[1:], found, strict=True)
    return lines[:1] + [part for line, each in of_samples for part in (line, *_text(each.text))]


def _windows(found: Sequence[EvaluatedSample]) -> list[str]:
    lines = []
    for each in found:
        loss = "nan" if each.loss is None else decimals(each.loss)
        lines += [
            f"{each.split} {each.number}, loss {loss}: the token at {each.place} is {each.true!r} "
            f"({_percent(each.probability_of_true)}), predicted {each.predicted!r} ({_percent(each.probability)})",
            *_text(each.text),
        ]
    return lines


def _text(text: str) -> list[str]:
    return [f"  {' '.join(text.split())}"] if text.strip() else []


def _percent(value: float | None) -> str:
    return "" if value is None else probability(value)


def _values(values: Sequence[float]) -> str:
    more = ", …" if len(values) > MOST_VALUES else ""
    return ", ".join(f"{value:.6g}" for value in values[:MOST_VALUES]) + more


def _short(name: str) -> str:
    name = " ".join(name.split()) or repr(name)
    return name if len(name) <= NAME_CELLS else f"{name[: NAME_CELLS - 1]}…"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, in columns: the first and the last one to the left, others to the right."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - cell_len(cell))
            cells.append(f"{cell}{blanks}" if place in (0, last) else f"{blanks}{cell}")
        lines.append("  ".join(cells).rstrip())
    return lines


def _print(console: SafeConsole, lines: Sequence[str]) -> None:
    """Prints a title and its lines; in a terminal, what is too long for one ends with an ellipsis."""
    for place, line in enumerate(lines):
        if console.is_terminal:
            console.print(Text(line, style="" if place else "bold"), no_wrap=True, overflow="ellipsis")
        else:
            console.say(line)
