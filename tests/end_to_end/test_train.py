"""A preset goes in; a trained model, its curves and an honest report come out."""

from __future__ import annotations

import gzip
import json
import tomllib

import pytest

from tests.end_to_end.conftest import Workbench, events_of
from tests.unit.training.scripted import build_trainer, logged_losses
from workbench.runs.directory import create_run


def test_fast_reaches_95_percent_and_says_all_that_a_report_should(workbench: Workbench) -> None:
    done = workbench.run("--preset", "fast.toml")
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    summary = json.loads(run.summary.read_text())
    assert summary["status"] == "completed"
    assert summary["test"]["accuracy"] >= 0.95
    assert f"accuracy {100 * summary['test']['accuracy']:.2f} %" in done.stdout
    for part in ("best validation", "time of a step", "p99", "samples/s", "peak host memory", str(run.path),
                 "repeat it with"):  # fmt: skip
        assert part in done.stdout
    assert "\x1b" not in done.stdout  # no terminal, no escape sequences
    assert len(done.stdout.splitlines()) < 40
    assert run.worker_log.read_text() == ""


@pytest.mark.slow
def test_a_run_directory_holds_what_is_needed_to_understand_and_repeat_it(workbench: Workbench) -> None:
    done = workbench.run("-p", "iris", "--set", "training.epochs=3", "--set", "model.hidden=[4]", "--runs-dir", "runs")
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    preset = tomllib.loads(run.preset.read_text())
    assert preset["model"]["hidden"] == [4]
    assert preset["optimizer"]["betas"] == [0.9, 0.999]
    environment = json.loads(run.environment.read_text())
    assert environment["torch"]
    assert environment["host"]
    assert "--preset" in environment["command"] or "-p" in environment["command"]
    assert (run.checkpoints / "last.pt").exists()
    assert (run.checkpoints / "best.pt").exists()
    [prepared] = events_of(run, "prepared")
    logged = [loss for event in events_of(run, "steps") for loss in event["losses"]]
    assert len(logged) == 3 * prepared["steps_per_epoch"]
    assert len(events_of(run, "epoch")) == 3
    assert len(events_of(run, "test")) == 1
    repeated = build_trainer(create_run(workbench.folder / "again", "again", run.preset.read_text()))
    repeated.train()
    assert list(logged_losses(repeated).values()) == logged


@pytest.mark.slow
def test_a_profile_is_in_the_report_with_its_trace(workbench: Workbench) -> None:
    done = workbench.run("--preset", "iris", "--set", "training.epochs=4", "--profile", "3")
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    [profiled] = events_of(run, "profiled")
    assert (profiled["first_step"] > 10, profiled["steps"]) == (True, 3)
    trace = json.loads(gzip.decompress((run.path / profiled["file"]).read_bytes()))
    assert any(event.get("name") == "aten::addmm" for event in trace["traceEvents"])
    for part in ("profiling", "aten::addmm", str(run.path / profiled["file"]), "https://ui.perfetto.dev"):
        assert part in done.stdout
    assert run.worker_log.read_text() == ""


def test_json_is_the_events_on_stdout_and_the_run_is_found_by_name_from_another_folder(workbench: Workbench) -> None:
    done = workbench.run("--preset", "iris", "--set", "training.epochs=2", "--json")
    assert done.returncode == 0
    [run] = workbench.runs
    assert done.stdout == run.events.read_text()
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert kinds[-1] == "finished"
    assert {"prepared", "steps", "timing", "memory", "epoch", "test"} <= set(kinds)
    assert str(run.path) in done.stderr  # the narration
    (workbench.folder / "elsewhere").mkdir()
    again = Workbench(workbench.folder / "elsewhere").run("--resume", run.name, "--runs-dir", "../runs")
    assert again.returncode == 2
    assert "has completed" in again.stderr


def test_a_dry_run_shows_what_it_takes_and_trains_nothing(workbench: Workbench) -> None:
    done = workbench.run("--preset", "fast", "--dry-run", "--json")
    assert done.returncode == 0
    plan = json.loads(done.stdout)
    # By hand: 64·512 + 512 + 512·256 + 256 + 256·10 + 10 parameters; two operations a product, forward once and
    # backward twice, but for the gradient of the images, which nobody wants.
    assert plan["parameters"] == 167_178
    assert plan["flops_per_step"] == 64 * 2 * (3 * (64 * 512 + 512 * 256 + 256 * 10) - 64 * 512)
    assert plan["train_samples"] + plan["validation_samples"] + plan["test_samples"] == 1797
    assert plan["memory_bytes"]["optimizer"] == pytest.approx(2 * plan["memory_bytes"]["parameters"], rel=0.01)
    assert workbench.runs == []


def test_a_choice_is_saved_under_a_name_and_found_by_it_and_quiet_prints_the_run_alone(workbench: Workbench) -> None:
    saved = workbench.run("--preset", "iris", "--set", "training.epochs=1", "--save-as", "mine")
    assert saved.returncode == 0
    assert "mine" in workbench.run("--list", "presets").stdout
    quiet = workbench.run("--preset", "mine", "--quiet")
    [run] = workbench.runs
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, f"{run.path}\n", "")
    twice = workbench.run("--preset", "iris", "--save-as", "mine")
    assert twice.returncode == 2
    assert "already" in twice.stderr


@pytest.mark.slow
def test_a_preset_with_a_table_of_what_to_search_is_trained_as_it_is(workbench: Workbench) -> None:
    table = '[search]\n"optimizer.learning_rate" = {low = 1e-4, high = 0.1}\n"activation.name" = {choices = ["gelu"]}\n'
    (workbench.folder / "searched.toml").write_text(f'[data]\nname = "iris"\n{table}')
    options = ("--set", "training.epochs=1", "--set", "model.hidden=[4]")
    done = workbench.run("--preset", "searched.toml", *options)
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    preset = tomllib.loads(run.preset.read_text())
    assert "search" not in preset
    assert (preset["optimizer"]["learning_rate"], preset["activation"]["name"]) == (0.001, "relu")
    saved = workbench.run("--preset", "searched.toml", *options, "--save-as", "mine")
    assert saved.returncode == 0, saved.stderr
    [path] = workbench.folder.rglob("mine.toml")
    assert tomllib.loads(path.read_text())["search"] == tomllib.loads(table)["search"]
