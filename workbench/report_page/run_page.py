"""The page of one run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from workbench.metrics import METRICS, headline_metrics, undeclared
from workbench.metrics import metric as metric_named
from workbench.report_page.classes import class_parts
from workbench.report_page.curves import charts_of
from workbench.report_page.html import details, escaped, paragraph, section
from workbench.report_page.page import document, figures
from workbench.report_page.record import RunRecord
from workbench.report_page.run_sections import (
    environment_parts,
    memory_parts,
    metrics_table,
    notice_parts,
    profile_table,
    reproduce_parts,
    text_parts,
    time_parts,
)
from workbench.report_page.settings import settings_parts
from workbench.report_page.svg import Chart
from workbench.units import count, counted, duration, rate, size
from workbench.wording import engine_line, loading_words

STATUS = {
    "new": "not started",
    "running": "in progress",
    "completed": "completed",
    "stopped": "stopped",
    "failed": "failed",
    "lost": "lost: its process died without an error message",
}


def run_page(record: RunRecord, now: datetime | None = None) -> str:
    """The page of a run as HTML. now: when it is written."""
    classes = record.history.view.prepared.classes if record.history.view.prepared is not None else []
    by_class, split = (record.test, "test") if record.test.get("f1") else (record.validation, "validation")
    body = [
        _header(record),
        section("Curves", *curve_parts(charts_of([record]), record.monitor), id="curves"),
        section("Metrics", metrics_table(record), id="metrics"),
        section(f"Classes, {split} split", *class_parts(by_class, classes), id="classes"),
        section("What it writes", *text_parts(record), id="texts"),
        section("Time", *time_parts(record), profile_table(record), id="time"),
        section("Memory", *memory_parts(record), id="memory"),
        section("Warnings and notes", *notice_parts(record), id="notices"),
        section("Settings", *settings_parts(record), id="settings"),
        section("Environment", *environment_parts(record), id="environment"),
        section("Train it again", *reproduce_parts(record), id="again"),
    ]
    return document(f"{record.name}: {record.run.name}", body, written_at(now))


def curve_parts(charts: Sequence[Chart], monitor: str) -> Iterable[str]:
    """The charts: behind a click those of metrics that are neither the main ones nor the monitor."""
    declared = {each.name for each in METRICS} - {each.name for each in headline_metrics(monitor)}
    more = [chart for chart in charts if chart.metric in declared]
    yield figures([chart for chart in charts if chart not in more])
    yield details("more metrics", figures(more))


def written_at(now: datetime | None) -> str:
    """When a page is written, in words."""
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _header(record: RunRecord) -> str:
    row = record.row
    started = "" if row.started is None else f", started {row.started:%Y-%m-%d %H:%M} UTC"
    tags = "".join(f'<span class="tag">{escaped(tag)}</span>' for tag in row.tags)
    description = record.preset.description if record.preset is not None else ""
    reason = row.reason if row.status in ("failed", "lost") or row.broken else ""
    return "".join(
        [
            "<header>",
            f'<p class="eyebrow">{escaped(record.run.name)}{escaped(started)}</p>',
            f"<h1>{escaped(record.name)}</h1>",
            paragraph(description, "lead"),
            f'<p><span class="status {row.status}">{escaped(progress(record))}</span></p>',
            f"<p>{tags}</p>" if tags else "",
            paragraph(row.note),
            paragraph(reason, "banner"),
            paragraph(what_it_is(record), "dim"),
            figure_row(headline(record)),
            "</header>",
        ]
    )


def progress(record: RunRecord) -> str:
    """The status of a run, and how far it came."""
    view, summary = record.history.view, record.summary
    done = summary.epoch if summary is not None else (0 if view.epoch_end is None else view.epoch_end.epoch)
    planned = view.prepared.epochs if view.prepared is not None else None
    if view.prepared is None:
        return STATUS[record.row.status]
    epochs = counted(planned or done, "epoch")
    epochs = epochs if planned in (done, None) else f"{count(done)} of {epochs}"
    return f"{STATUS[record.row.status]} after {epochs}, {counted(view.step, 'step')}"


def what_it_is(record: RunRecord) -> str:
    """What the run learns, on what and how, in sentences."""
    prepared = record.history.view.prepared
    if prepared is None:
        return ""
    splits = {"train": prepared.train_samples, "validation": prepared.validation_samples, "test": prepared.test_samples}
    samples = ", ".join(f"{count(number)} {split}" for split, number in splits.items() if number)
    parts = [
        f"It learns {prepared.learns}" if prepared.learns else "",
        f"trained by {record.own_loop.maker}" if record.own_loop is not None else "",
        f"{samples} samples, {loading_words(prepared.data_loading)}" if samples else "",
        f"{counted(prepared.parameters, 'parameter')}" if prepared.parameters else "",
        f"{prepared.device_name} ({prepared.device}), {engine_line(prepared)}"
        if prepared.engine
        else prepared.device_name,
        f"precision {prepared.precision}" if prepared.precision else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def figure_row(shown: Iterable[tuple[str, str, str]]) -> str:
    """A few figures in large letters. shown: name, value, and what about it."""
    cells = "".join(
        f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>"
        + (f'<dd class="small">{escaped(about)}</dd>' if about else "")
        + "</div>"
        for name, value, about in shown
    )
    return f'<dl class="figures">{cells}</dl>' if cells else ""


def headline(record: RunRecord) -> Iterable[tuple[str, str, str]]:
    """The results in a few figures: name, value, and what about it."""
    view = record.history.view
    best_epoch = f"epoch {count(record.best_epoch)}" if record.best_epoch else ""
    tested = "" if view.tested is None else view.tested.weights
    splits = (("test", record.test, tested), ("validation", record.validation, best_epoch), ("train", record.train, ""))
    split, values, about = next((each for each in splits if each[1]), ("", {}, ""))
    own = [metric_named(name) for name in undeclared(values)]
    for metric in sorted([*own, *headline_metrics(record.monitor)], key=lambda each: each.name == "loss"):
        value = values.get(metric.name)
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield f"{split} {metric.label}", metric.write(value), about
    if record.best_epoch:
        yield "best epoch", count(record.best_epoch), f"by validation {record.monitor}" if record.validation else ""
    if record.train_seconds:
        yield "training time", duration(record.train_seconds), ""
    if record.samples_per_second:
        yield "throughput", f"{rate(record.samples_per_second)}/s", "samples"
    peak = record.summary.torch_peak_bytes if record.summary is not None else None
    host = record.summary.host_peak_rss_bytes if record.summary is not None else None
    if peak or host:
        yield "peak memory", size(peak or host or 0), "of PyTorch on the GPU" if peak else "of the process on the host"
