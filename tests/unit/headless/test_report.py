"""What headless mode prints at the end: the figures, a profile, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ui.made import write_run
from tests.unit.advice.made import PREPARED
from workbench.headless.report import class_line, print_report
from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory, read_history
from workbench.runs.measurements import Health, Profiled
from workbench.runs.status import Summary, read_summary
from workbench.runs.view import RunView
from workbench.settings.changes import Change
from workbench.settings.preset import Preset

KERNEL = f"void at::native::vectorized_elementwise_kernel<4, {'x' * 90}>"


def profiled(first_step: int = 11, steps: int = 20) -> Profiled:
    return Profiled(
        step=first_step + steps - 1, first_step=first_step, steps=steps, device="cuda",
        file="profiles/step-11-30.json.gz", bytes=84_000, seconds=0.5,
        operators=[
            {"name": "aten::addmm", "calls": 60, "self_ms": 30.0, "total_ms": 40.0, "share": 0.75},
            {"name": KERNEL, "calls": 21, "self_ms": 10.0, "total_ms": 10.0, "share": 0.25},
        ],
    )  # fmt: skip


def report(folder: Path, view: RunView, capsys: pytest.CaptureFixture[str]) -> str:
    summary = Summary("completed", "", 0, 30, 1, None, "accuracy", None, None, None, {"total": 1.0, "profile": 0.5})
    print_report(RunDirectory(folder), summary, RunHistory(view=view), to_stderr=False)
    return capsys.readouterr().out


def test_the_operators_are_printed_per_step_with_the_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(tmp_path, RunView(profiled=profiled()), capsys).splitlines()
    start = lines.index("profile of steps 11 to 30: the GPU's time")
    assert lines[start + 1].split() == ["self", "ms", "total", "ms", "calls", "of", "time", "operator,", "per", "step"]
    assert lines[start + 2].split() == ["1.500", "2.000", "3", "75.0", "%", "aten::addmm"]
    assert lines[start + 3].split()[:5] == ["0.500", "0.500", "1.05", "25.0", "%"]
    assert lines[start + 3].endswith(KERNEL), "whole, where it is no terminal"
    assert lines[start + 4] == f"the trace: {tmp_path}/profiles/step-11-30.json.gz"
    assert "https://ui.perfetto.dev" in lines[start + 5]
    assert any("profiling 0.50 s" in line for line in lines)


def test_the_report_of_a_run_that_stopped_early_has_the_planned_epochs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """screen #7"""
    text = report(tmp_path, RunView(prepared=replace(PREPARED, epochs=12)), capsys)
    assert "completed after 1 of 12 epochs (early stopping: no improvement), 30 steps" in text
    text = report(tmp_path, RunView(prepared=replace(PREPARED, epochs=1)), capsys)
    assert "completed after 1 epoch, 30 steps" in text


def test_one_step_is_called_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "profile of step 11: the GPU's time" in report(tmp_path, RunView(profiled=profiled(steps=1)), capsys)


def test_without_a_profile_nothing_is_said_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "perfetto" not in report(tmp_path, RunView(), capsys)


def reported(runs: Path, capsys: pytest.CaptureFixture[str], health: Health | None = None) -> list[str]:
    run = write_run(runs, ending="completed")
    history: RunHistory = read_history(run)
    if health is not None:
        history.take(health)
    summary = read_summary(run)
    assert summary is not None
    print_report(run, summary, history, to_stderr=False)
    return capsys.readouterr().out.splitlines()


def test_a_report_ends_with_what_was_found_and_how_to_change_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    health = Health(
        step=1300, epoch=6, samples=256, seconds=0.01, gradient_norm=1.0,
        weight_norm=9.0, layers=[{"name": "layers.2", "kind": "relu", "units": 512, "dead_share": 0.93}], tensors=[],
    )  # fmt: skip
    lines = reported(tmp_path, capsys, health)
    severity, threshold, advice, change = lines[-4:]
    assert lines[-5] == ""
    assert severity.startswith("critical  dead units: 93 % of the 512 units of layers.2 (relu) are dead")
    assert "90 % is critical (Lu et al. (2019)" in threshold
    assert advice.strip().startswith("Dead units hardly ever recover.")
    assert change.strip() == "--set activation.name=leaky_relu --set optimizer.learning_rate=0.0005"


def test_where_nothing_was_found_nothing_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(tmp_path, capsys)[-1].startswith("repeat it with")


def test_the_report_of_a_run_on_a_gpu_has_memory_by_kind_arithmetic_and_busy_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path, steps=2000, ending="completed", device="cuda:0")
    summary = read_summary(run)
    assert summary is not None
    print_report(run, replace(summary, gpu_busy_share=0.4137), read_history(run), to_stderr=False)
    text = capsys.readouterr().out
    assert "154 MFLOP per step, 73.4 GFLOP/s, MFU 0.11 % of 67 TFLOP/s float32" in text
    assert "41 % of the time" in text
    assert "parameters 2.04 MiB, gradients 2.04 MiB, optimizer 4.09 MiB, activations ~205 KiB, data 44.9 MiB" in text
    assert "61 MiB (up to step 50), expected 58 MiB" in text


def test_on_the_cpu_the_peak_is_marked_as_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(reported(tmp_path, capsys))
    assert "~58 MiB (a training step)" in text
    assert "MFU not available" in text
    assert "GPU busy" not in text


def test_the_report_says_what_was_learnt_and_names_the_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """data/REPORT, kind 2."""
    prepared = replace(PREPARED, classes=["cat", "dog", "elk"], learns="animal: 3 classes (cat, dog, elk)")
    test = {"accuracy": 0.9, "f1": [0.95, 0.5, 0.0], "support": [10, 4, 0]}
    summary = Summary("completed", "", 0, 30, 1, None, "accuracy", None, None, test, {"total": 1.0})
    print_report(RunDirectory(tmp_path), summary, RunHistory(view=RunView(prepared=prepared)), to_stderr=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split("  ")[0] == "learns" and line.endswith("animal: 3 classes (cat, dog, elk)") for line in lines)
    assert any(line.startswith("test F1 by class") and line.endswith("cat 95.00 %, dog 50.00 %") for line in lines)


def test_of_many_classes_the_worst_are_named() -> None:
    metrics = {"f1": [number / 20 for number in range(20)], "support": [1] * 20}
    line = class_line(metrics, [f"c{number}" for number in range(20)])
    assert line.startswith("the 10 worst of 20: c0 0.00 %, c1 5.00 %")
    assert "c10" not in line
    assert class_line({"rmse": 1.0}, []) == ""


def test_rates_that_were_changed_by_hand_are_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """screen #1, #13"""
    run = write_run(tmp_path, ending="completed")
    summary = read_summary(run)
    assert summary is not None
    later = Change(step=summary.step, learning_rate=7.0)  # the run has ended before its first step at this rate
    changes = (Change(step=summary.step - 1, learning_rate=0.005), later)
    Preset.load(run.preset).model_copy(update={"changes": changes}).save(run.preset)
    print_report(run, summary, read_history(run), to_stderr=False)
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("learning rate")]
    assert line.split(maxsplit=2)[2] == f"0.01 → 0.005 at step {summary.step - 1:,}"
