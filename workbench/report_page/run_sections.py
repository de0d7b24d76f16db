"""The sections of a run's page below its curves: metrics, time, memory, notices, texts, environment."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.metrics import Metric, in_reading_order, undeclared
from workbench.metrics import metric as metric_named
from workbench.report_page.html import code, escaped, paragraph, table
from workbench.report_page.record import RunRecord
from workbench.report_page.settings import preset_details
from workbench.runs.events import TextGenerated
from workbench.runs.preset_text import flattened
from workbench.units import count, duration, milliseconds, rate, size
from workbench.wording import profile_title

NO_ENVIRONMENT = ("command", "working_folder", "host.hostname")
"""Of environment.json: a page that is passed on does not say whose machine and folders they are."""
ENVIRONMENT_NAMES = {
    "workbench": "workbench", "torch": "PyTorch", "cuda": "CUDA", "cudnn": "cuDNN", "driver": "driver", "gpus": "GPU",
    "host.cpu": "CPU", "host.logical_cores": "logical cores", "host.physical_cores": "physical cores",
    "host.memory_bytes": "host memory", "host.os": "operating system", "host.python": "Python",
    "threads": "CPU threads of PyTorch", "cpu_capability": "vector instructions", "git_revision": "git revision",
}  # fmt: skip
"""Keys of environment.json in reading order, and how people write them."""
_PLACES = {key: place for place, key in enumerate(ENVIRONMENT_NAMES)}
SPENT = {
    "train": "training", "validate": "validation", "test": "test", "generate": "samples of text",
    "capture": "capturing steps", "compile": "compiling", "checkpoint": "checkpoints", "profile": "profiling",
    "paused": "paused", "total": "in all, with its start",
}  # fmt: skip
"""Keys of a summary's seconds, in words."""
MOST_TEXTS = 6
MOST_SHOWN_NOTICES = 100


def metrics_table(record: RunRecord) -> str:
    """All metrics of the splits that were measured."""
    view = record.history.view
    best = f"validation, epoch {count(record.best_epoch)}" if record.best_epoch else "validation"
    last = f"train, epoch {count(view.epoch_end.epoch)}" if view.epoch_end is not None else "train"
    tested = f"test, {view.tested.weights}" if view.tested is not None else "test"
    columns = {last: record.train, best: record.validation, tested: record.test}
    known = {title: values for title, values in columns.items() if values}
    rows = []
    own = dict.fromkeys(name for values in known.values() for name in undeclared(values))
    for metric in [*in_reading_order(), *map(metric_named, own)]:
        cells = [_written(metric.name, values, metric.write) for values in known.values()]
        if any(cell != "-" for cell in cells):
            rows.append([metric.label if metric.name in own else label_with_direction(metric), *cells])
    return table(["", *known], rows)


def label_with_direction(metric: Metric) -> str:
    """A metric's label, with an arrow to where it is better."""
    return f"{metric.label} {'↑' if metric.higher_is_better else '↓'}"


def _written(name: str, values: Mapping[str, Any], write: Any) -> str:
    value = values.get(name)
    if value is not None:
        return str(write(value))
    return "nan" if name == "loss" and name in values else "-"


def time_parts(record: RunRecord) -> Iterable[str]:
    """Where the time went: by what the process did, and by phase of a step."""
    phases = record.phase_ms
    yield _strip(phases)
    yield f'<div class="beside">{_phases_table(phases)}{_process_table(record)}</div>'
    if record.step_ms:
        percentiles = ", ".join(f"{name} {milliseconds(value)}" for name, value in record.step_ms.items())
        yield paragraph(f"A step takes {percentiles}.")
    if record.samples_per_second:
        yield paragraph(f"Throughput: {rate(record.samples_per_second)} samples/s.")
    if record.summary is not None and record.summary.gpu_busy_share is not None:
        yield paragraph(f"The GPU was busy {100 * record.summary.gpu_busy_share:.0f} % of the time.")


def _phases_table(phases: Mapping[str, float]) -> str:
    total = sum(phases.values())
    rows = [[name, milliseconds(ms), f"{100 * ms / total:.0f} %"] for name, ms in phases.items()]
    return table(["phase of a step", "mean", "of a step"], rows)


def _process_table(record: RunRecord) -> str:
    found = record.seconds
    rows = [[words, duration(found[name])] for name, words in SPENT.items() if name in found]
    return table(["the process", "time"], rows)


def _strip(phases: Mapping[str, float]) -> str:
    """The phases as parts of a bar; empty without any."""
    if not phases:
        return ""
    parts = "".join(
        f'<i style="flex:{ms:.6g};background:var(--phase-{name})" title="{escaped(f"{name} {milliseconds(ms)}")}"></i>'
        for name, ms in phases.items()
    )
    return f'<div class="strip" role="img" aria-label="the phases of a step">{parts}</div>'


def memory_parts(record: RunRecord) -> Iterable[str]:
    """Memory by kind, and the peaks."""
    footprint, summary = record.history.view.footprint, record.summary
    rows: list[list[str]] = []
    if footprint is not None:
        expected = set(footprint.expected)
        rows = [[kind, f"{'~' if kind in expected else ''}{size(n)}"] for kind, n in footprint.kinds.items()]
        if footprint.peak_bytes is not None:
            about = "~" if "peak" in expected else ""
            rows.append([f"peak of tensors ({footprint.peak_at})", f"{about}{size(footprint.peak_bytes)}"])
        if footprint.expected_peak_bytes is not None:
            rows.append(["peak expected before the run", size(footprint.expected_peak_bytes)])
    if summary is not None:
        if summary.torch_peak_bytes:
            rows.append(["peak of PyTorch on the GPU", size(summary.torch_peak_bytes)])
        if summary.host_peak_rss_bytes:
            rows.append(["peak of the trainer's process on the host", size(summary.host_peak_rss_bytes)])
    yield table(["", "memory"], rows)
    if any("~" in row[1] for row in rows):
        yield paragraph("~ is estimated, not measured.", "dim")
    if footprint is not None and footprint.reason:
        yield paragraph(footprint.reason, "dim")


def profile_table(record: RunRecord) -> str:
    """The slowest operators of the last profile."""
    profiled = record.history.view.profiled
    if profiled is None or not profiled.steps:
        return ""
    rows = [
        [row["name"], *(f"{_number(row.get(key)) / profiled.steps:.4g}" for key in ("self_ms", "total_ms", "calls")),
         f"{100 * row['share']:.1f} %"]
        for row in profiled.operators
    ]  # fmt: skip
    title = profile_title(profiled)
    return table(["operator", "self ms a step", "total ms a step", "calls a step", "of the time"], rows, caption=title)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def notice_parts(record: RunRecord) -> Iterable[str]:
    """Warnings and notes of the trainer, in order."""
    shown = record.notices[:MOST_SHOWN_NOTICES]
    if not shown:
        return
    items = "".join(
        f'<li class="{"" if each.is_note else "warning"}"><span>{"note" if each.is_note else "warning"}'
        f"{f', step {count(each.step)}' if each.step else ''}</span>{escaped(each.message)}</li>"
        for each in shown
    )
    yield f'<ul class="notices">{items}</ul>'
    if len(record.notices) > len(shown):
        yield paragraph(f"{count(len(record.notices) - len(shown))} more are in the run's log.", "dim")


def text_parts(record: RunRecord) -> Iterable[str]:
    """What a language model wrote: the first, the last, and some between."""
    texts = record.texts
    places = sorted({round(place * (len(texts) - 1) / max(MOST_TEXTS - 1, 1)) for place in range(MOST_TEXTS)})
    if not texts:
        return
    yield paragraph("The prompt is grey.", "dim")
    for place in places:
        yield _text(texts[place])


def _text(text: TextGenerated) -> str:
    return (
        f"<h3>After epoch {count(text.epoch)}</h3>"
        f'<pre class="text"><span class="given">{escaped(text.prompt)}</span>{escaped(text.text)}</pre>'
    )


def environment_rows(environment: Mapping[str, Any]) -> dict[str, str]:
    """What the run ran on, in words, by name."""
    flat = flattened({key: value for key, value in environment.items() if key != "gpus"})
    gpus = environment.get("gpus")
    if isinstance(gpus, list):
        names = [str(gpu.get("name")) for gpu in gpus if isinstance(gpu, dict)]
        flat["gpus"] = ", ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names)) or "none"
    memory = flat.get("host.memory_bytes")
    if isinstance(memory, (int, float)):
        flat["host.memory_bytes"] = size(memory)
    ordered = [
        *(key for key in ENVIRONMENT_NAMES if key in flat),
        *(key for key in flat if key not in ENVIRONMENT_NAMES),
    ]
    return {ENVIRONMENT_NAMES.get(key, key): str(flat[key]) for key in ordered if key not in NO_ENVIRONMENT}


def environment_parts(record: RunRecord) -> Iterable[str]:
    """The table of what the run ran on."""
    yield table(["", ""], [list(row) for row in environment_rows(record.environment).items()], numbers=False)


def reproduce_parts(record: RunRecord) -> Iterable[str]:
    """The command that trained it, the one that trains the same, and the preset."""
    if record.own_loop is not None:
        yield paragraph(f"It was trained by {record.own_loop.maker}: only that can train it again.")
        return
    if not record.preset_text:
        return
    command = record.environment.get("command")
    if isinstance(command, str) and command:
        yield paragraph("It was started with")
        yield code(_without_folder(command))
    yield paragraph("Save the preset below as a file; this trains the same:")
    yield code(f"workbench train ./{shlex.quote(record.name)}.toml")
    revision = record.environment.get("git_revision")
    if isinstance(revision, str) and revision:
        yield paragraph(f"The code's git revision was {revision}.")
    yield preset_details(record)


def _without_folder(command: str) -> str:
    """A command line whose program is named without the folder that it was in."""
    program, space, rest = command.partition(" ")
    return program.rpartition("/")[2] + space + rest
