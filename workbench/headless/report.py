"""Prints the report at the end of a run, and the plan of a dry run."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from workbench import output
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.rules import findings
from workbench.console import SafeConsole
from workbench.errors import PresetError
from workbench.metrics import metric, written
from workbench.mfu import arithmetic
from workbench.processes.plan import Plan
from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Footprint, Profiled
from workbench.runs.status import Summary
from workbench.runs.view import RunView
from workbench.settings.changes import in_words
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation
from workbench.units import count, counted, duration, milliseconds, rate, rate_of, size
from workbench.wording import TRACE_VIEWER, headline, loading_words, profile_title

MOST_CLASSES = 10
"""Classes that are listed one by one."""


def print_report(run: RunDirectory, summary: Summary, history: RunHistory, *, to_stderr: bool) -> None:
    """Prints test metrics, best epoch, times, throughput, memory, the run's directory, how to repeat it, and advice."""
    console = output.console(stderr=to_stderr)
    console.print()
    print_rows(console, _rows(run, summary, history.view))
    if history.view.profiled is not None:
        console.print()
        _print_profile(console, run, history.view.profiled)
    with suppress(PresetError):
        # Over the whole run, as in the rows above: another window would give other figures.
        facts = Facts.of(history, Preset.of_run(run.preset)).over_the_run(summary.step_ms, summary.phase_ms)
        found = findings(facts)
        if found:
            console.print()
            print_rows(console, [row for finding in found for row in _finding_rows(finding)])


def _finding_rows(finding: Finding) -> list[tuple[str, str]]:
    """The measured fact, its threshold, what to do and how."""
    rows = [
        (finding.severity, f"{finding.title}: {finding.fact}"),
        ("", f"{finding.threshold} ({finding.source})"),
        ("", finding.advice),
    ]
    if finding.change:
        rows.append(("", " ".join(f"--set {shlex.quote(assignment)}" for assignment in finding.change)))
    return rows


def _rows(run: RunDirectory, summary: Summary, view: RunView) -> list[tuple[str, str]]:
    rows = [("status", _status(summary, view))]
    if view.prepared is not None and view.prepared.learns:
        rows.append(("learns", view.prepared.learns))
    with suppress(PresetError):
        if rates := _learning_rates(Preset.of_run(run.preset), summary.step):
            rows.append(("learning rate", rates))
    if summary.test:
        rows.append((f"test ({view.tested.weights})" if view.tested else "test", metrics_line(summary.test)))
    elif summary.status == "completed":
        rows.append(("test", "there is no test split"))
    elif summary.status == "stopped":
        rows.append(("test", "not evaluated: the test split is used once, when the run completes"))
    if summary.test and view.prepared is not None and (by_class := class_line(summary.test, view.prepared.classes)):
        rows.append(("test F1 by class", by_class))
    if summary.validation and summary.best_epoch:
        best = (
            f"epoch {count(summary.best_epoch)} by {summary.monitor}: {headline(summary.validation, summary.monitor)}"
        )
        rows.append(("best validation", best))
    rows.append(("time", _times(summary)))
    if summary.phase_ms:
        total = sum(summary.phase_ms.values()) or 1.0
        fractions = ", ".join(f"{phase} {100 * ms / total:.0f} %" for phase, ms in summary.phase_ms.items())
        rows.append(("time of a step", fractions))
    if summary.step_ms:
        steps = "  ".join(f"{name} {milliseconds(value)}" for name, value in summary.step_ms.items())
        rows.append(("step", steps))
    if summary.samples_per_second:
        rows.append(("throughput", f"{rate(summary.samples_per_second)} samples/s"))
    if (said := arithmetic(view.footprint, view.prepared, _steps_per_second(summary))) and view.footprint:
        each = f"{rate_of(view.footprint.flops_per_step, 'FLOP')} per step, " if view.footprint.flops_per_step else ""
        rows.append(("arithmetic", each + said))
    if summary.gpu_busy_share is not None:
        rows.append(("GPU busy", f"{100 * summary.gpu_busy_share:.0f} % of the time"))
    if view.footprint is not None:
        rows += _footprint_rows(view.footprint)
    elif summary.torch_peak_bytes:
        rows.append(("peak GPU memory", f"{size(summary.torch_peak_bytes)} in tensors"))
    if summary.host_peak_rss_bytes:
        rows.append(("peak host memory", f"{size(summary.host_peak_rss_bytes)} of the trainer's process"))
    rows.append(("run", str(run.path)))
    if summary.status == "completed":
        rows.append(("repeat it with", f"workbench --preset {typed_path(run.preset)}"))
    else:
        rows.append(("resume it with", f"workbench --resume {typed_path(run.path)}"))
    return rows


def _learning_rates(preset: Preset, steps: int | None = None) -> str:
    """The changes of the learning rate, by hand or from the preset; empty if there are none.

    steps: the steps that were trained, where changes after them are left out.
    """
    reached = [each for each in preset.changes if steps is None or each.step < steps]
    return in_words(preset.optimizer.learning_rate, [(each.step, each.learning_rate) for each in reached])


def _steps_per_second(summary: Summary) -> float | None:
    seconds = summary.seconds.get("train", 0.0)
    return summary.step / seconds if seconds > 0 else None


def _footprint_rows(footprint: Footprint) -> list[tuple[str, str]]:
    """Memory of tensors by kind; expected values that were not measured begin with a ~."""
    rows = [("memory of tensors", kinds_line(footprint.kinds, set(footprint.expected)))]
    if footprint.peak_bytes is not None:
        expected = "peak" in footprint.expected
        peak = f"{'~' if expected else ''}{size(footprint.peak_bytes)} ({footprint.peak_at})"
        if not expected and footprint.expected_peak_bytes is not None:
            peak += f", expected {size(footprint.expected_peak_bytes)}"
        rows.append(("peak of tensors", peak))
    if footprint.reason:
        rows.append(("note", footprint.reason))
    return rows


def kinds_line(kinds: dict[str, int], expected: set[str]) -> str:
    """Bytes by kind in a line; the `expected` ones begin with a ~."""
    return ", ".join(f"{kind} {'~' if kind in expected else ''}{size(bytes)}" for kind, bytes in kinds.items())


def metrics_line(metrics: dict[str, Any]) -> str:
    """All metrics of a split in a line."""
    return "  ".join(f"{label} {value}" for label, value in written(metrics))


def class_line(metrics: dict[str, Any], classes: list[str]) -> str:
    """F1 of each class by name; of many classes only the worst. Empty where it was not measured."""
    scores = metrics.get("f1")
    if not scores or len(scores) != len(classes):
        return ""
    support = metrics.get("support") or [1] * len(classes)
    there = [(score, name) for score, name, samples in zip(scores, classes, support, strict=True) if samples]
    shown = there if len(there) <= MOST_CLASSES else sorted(there, key=lambda pair: pair[0])[:MOST_CLASSES]
    said = ", ".join(f"{name} {metric('f1_macro').write(score)}" for score, name in shown)
    return said if shown is there else f"the {MOST_CLASSES} worst of {len(there)}: {said}"


def _status(summary: Summary, view: RunView) -> str:
    planned = (view.prepared.epochs if view.prepared is not None else None) or summary.epoch
    epochs = counted(planned, "epoch")
    epochs = epochs if planned == summary.epoch else f"{count(summary.epoch)} of {epochs}"
    early = " (early stopping: no improvement)" if summary.status == "completed" and summary.epoch < planned else ""
    return f"{summary.status} after {epochs}{early}, {counted(summary.step, 'step')}"


def _times(summary: Summary) -> str:
    seconds = summary.seconds
    parts = [
        f"{name} {duration(seconds[key])}"
        for key, name in (
            ("capture", "capturing steps"),
            ("compile", "compiling"),
            ("train", "training"),
            ("validate", "validation"),
            ("generate", "samples of text"),
            ("test", "test"),
            ("checkpoint", "checkpoints"),
            ("profile", "profiling"),
            ("paused", "paused"),
        )
        if key in seconds
    ]
    return f"{', '.join(parts)}; process {duration(seconds['total'])}"


def _print_profile(console: SafeConsole, run: RunDirectory, profiled: Profiled) -> None:
    """Prints the operators that took most time, per step, and the path of the trace."""
    lines = [profile_title(profiled), f"{'self ms':>9} {'total ms':>9} {'calls':>7} {'of time':>7}  operator, per step"]
    for row in profiled.operators:
        own, total, calls = (row[name] / profiled.steps for name in ("self_ms", "total_ms", "calls"))
        lines.append(f"{own:>9.3f} {total:>9.3f} {calls:>7.4g} {100 * row['share']:>5.1f} %  {row['name']}")
    if profiled.note:
        lines.append(f"({profiled.note})")
    lines.append(f"the trace: {run.path / profiled.file}")
    lines.append(f"{TRACE_VIEWER} opens it in the browser, which sends it nowhere")
    for line in lines:
        if not console.is_terminal:
            console.say(line)
        elif line.startswith(" "):
            console.print(Text(line), no_wrap=True, overflow="ellipsis")
        else:
            console.print(Text(line), overflow="fold")


def print_plan(preset: Preset, plan: Plan) -> None:
    """Prints the plan of a dry run."""
    shape = " × ".join(map(str, plan.input_shape))
    splits = [f"{count(plan.train_samples)} train"]
    for name, samples in (("validation", plan.validation_samples), ("test", plan.test_samples)):
        if samples:
            splits.append(f"{count(samples)} {name}")
    peak = plan.peak_bytes
    at_peak = "not known" if peak is None else f"{size(peak)} on top of PyTorch itself, during {plan.peak_during}"
    rows = [
        ("preset", f"{preset.name}: {preset.description}" if preset.description else preset.name),
        ("device", plan.device),
        ("engine", f"{plan.engine} ({plan.engine_reason})"),
        ("learns", plan.learns),
        ("task", f"{plan.task}, {shape} → {plan.outputs}"),
        ("parameters", count(plan.parameters)),
        ("FLOPs per step", rate_of(plan.flops_per_step, "FLOP") if plan.flops_per_step else "not available"),
        ("samples", f"{', '.join(splits)}, {loading_words(plan.data_loading)}"),
        ("steps", f"{count(plan.steps_per_epoch)} per epoch, {count(plan.steps)} in total"),
        ("expected memory", f"{at_peak}: {kinds_line(plan.memory_kinds, set())}"),
    ]
    if isinstance(preset.validation, CrossValidation) and preset.validation.is_all:
        folds = preset.validation.models(plan.train_samples + (plan.validation_samples or 0))
        rows.append(("trainings", f"{count(folds)}, one without each fold; these are the figures of the first"))
    if rates := _learning_rates(preset):
        rows.append(("learning rate", rates))
    rows += [("note", note) for note in plan.notes]
    console = output.console()
    print_rows(console, rows)
    console.print(Text(plan.model, style="dim"))


def print_rows(console: SafeConsole, rows: list[tuple[str, str]]) -> None:
    """Prints names and texts in two columns; long lines are wrapped only in a terminal."""
    if not console.is_terminal:
        widest = max(len(name) for name, _ in rows)
        for name, text in rows:
            console.say(f"{name:<{widest}}  {text}")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, Text(text))
    console.print(table)


def typed_path(path: Path) -> str:
    """The shortest path from the working folder, quoted for a shell."""
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))
