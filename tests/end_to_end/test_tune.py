"""Searches, repeats and queues through the real command, and what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.end_to_end.conftest import Workbench, wait_for
from workbench.runs.lock import claim, is_running, process_id
from workbench.settings.library import load
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, create_study, list_studies, trials_of
from workbench.tuning.measured import Measured, read_measured
from workbench.tuning.question import Question, read_question
from workbench.tuning.view import read_study_view

TINY = ("-p", "iris", "--set", "training.epochs=2", "--set", "model.hidden=[8]")
RATES = ("--search", "optimizer.learning_rate=1e-3..1e-1")


def the_study(workbench: Workbench) -> StudyDirectory:
    [study] = list_studies(workbench.folder / "studies")
    return study


def result_of(stdout: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    assert result["type"] == "result"
    return result


def test_a_search_finds_the_best_and_saves_it_as_a_preset(workbench: Workbench) -> None:
    done = workbench.run(
        "tune", "search", *TINY, *RATES, "--trials", "4", "--discard", "keep:2@1", "--seeds", "2", "--seed", "3",
        "--save-as", "found", "--one-by-one", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = result_of(done.stdout)
    assert set(result) == {"type", "best", "tied", "trials", "discarded"}
    assert (result["trials"], result["discarded"]) == (4, 2)
    best, study = result["best"], the_study(workbench)
    assert best["metric"] == "accuracy"
    view = read_study_view(study)
    assert best["value"] == view.trials[best["trial"]].value
    repeats = [trial.value for trial in view.repeats_of(best["trial"]) if trial.value is not None]
    assert len(repeats) == 2
    assert best["mean"] == pytest.approx(sum(repeats) / 2)
    found = Preset.load(workbench.folder / "xdg_config_home/workbench/presets/found.toml")
    assert found.optimizer.learning_rate == best["settings"]["optimizer.learning_rate"]
    assert study.name in found.description
    assert "2 fresh seeds" in found.description
    with_weights = {run.name for run in trials_of(study) if run.checkpoints.exists()}
    completed = {trial.run for trial in view.trials.values() if trial.repeats is None and trial.status == "completed"}
    assert with_weights == completed
    assert len(completed) == 2


@pytest.mark.slow
def test_trials_of_a_search_are_trained_together_and_the_best_again_as_runs(workbench: Workbench) -> None:
    done = workbench.run(
        "tune", "search", *TINY, *RATES, "--search", "optimizer.weight_decay=0..0.1", "--trials", "8",
        "--discard", "keep:2@1", "--seeds", "1", "--together",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "trials are trained together, and have no runs of their own: as asked for" in done.stderr
    study, trials = the_study(workbench), list(read_study_view(the_study(workbench)).trials.values())
    own, repeats = trials[:8], trials[8:]
    assert [trial.run for trial in own] == [""] * 8, read_study_view(study).notes
    assert len({str(trial.settings) for trial in own}) == 8
    assert sorted(trial.status for trial in own) == ["completed"] * 2 + ["discarded"] * 6
    assert {trial.reason for trial in own if trial.status == "discarded"} == {"not among the best 2 after epoch 1"}
    best = json.loads(study.summary.read_text())["best"]
    assert [bool(trial.run) for trial in repeats] == [True, True]
    assert best["run"] == next(trial.run for trial in repeats if trial.repeats == best["trial"])
    assert study.run(best["run"]).last_checkpoint.exists()
    assert json.loads(study.run(best["run"]).summary.read_text())["test"]["accuracy"] > 0


@pytest.mark.slow
def test_a_preset_is_repeated_over_seeds(workbench: Workbench) -> None:
    done = workbench.run("tune", "repeat", *TINY, "--seeds", "3", "--together", "--json")
    assert done.returncode == 0, done.stderr
    result = result_of(done.stdout)
    assert set(result) == {"type", "metric", "mean", "low", "high", "runs"}
    values = [run["value"] for run in result["runs"]]
    assert result["mean"] == pytest.approx(sum(values) / 3)
    assert result["low"] <= result["mean"] <= result["high"]
    assert [run["settings"] for run in result["runs"]] == [{"training.seed": seed} for seed in range(3)]
    assert [(run["run"], run["status"]) for run in result["runs"]] == [("", "completed")] * 3


@pytest.mark.slow
def test_a_queue_trains_each_preset_with_each_list_of_changes(workbench: Workbench) -> None:
    done = workbench.run(
        "tune", "queue", "iris", "regression", "--set", "training.epochs=1", "--each", "training.seed=1",
        "--each", "training.seed=2 data.batch_size=32",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    study = the_study(workbench)
    presets = [Preset.of_run(study.run(trial.run).preset) for trial in read_study_view(study).trials.values()]
    assert [(preset.name, preset.training.seed) for preset in presets] == [
        ("iris", 1), ("iris", 2), ("regression", 1), ("regression", 2),
    ]  # fmt: skip
    assert [preset.data.batch_size for preset in presets][1::2] == [32, 32]
    assert "R² " in done.stdout or "RMSE " in done.stdout or "loss " in done.stdout
    assert "iris: training.seed=1" in done.stdout
    assert "iris: data.batch_size=32, training.seed=2" in done.stdout


REFUSED = {
    "an empty range": (("--search", "optimizer.learning_rate=0.1..0.1"), "optimizer.learning_rate"),
    "a field that does not exist": (("--search", "optimizer.learning_rat=1e-4..0.1"), "learning_rate"),
    "low above high": (("--search", "optimizer.learning_rate=0.1..1e-4"), "optimizer.learning_rate"),
    "a field of another optimizer": (("--set", "optimizer.name=adam", "--search", "optimizer.momentum=0..0.9"), "adam"),
    "a metric that is none": (("--until", "acuracy>=0.9"), "did you mean accuracy"),
    "a metric of the wrong direction": (("--until", "accuracy<=0.9"), "higher is better"),
    "a rule that is none": (("--discard", "hyperband"), "asha"),
    "a sampler that is none": (("--sampler", "gp"), "tpe"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_bad_input_is_refused_before_there_is_a_study(name: str, workbench: Workbench) -> None:
    arguments, words = REFUSED[name]
    done = workbench.run("tune", "search", "-p", "iris", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list_studies(workbench.folder / "studies")


def test_a_metric_that_the_task_has_not_is_refused_before_there_is_a_study(workbench: Workbench) -> None:
    done = workbench.run("tune", "search", "-p", "regression", *RATES, "--until", "accuracy>=0.9", "--trials", "9")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "--until accuracy>=0.9: regression has no accuracy: that is a regression; its metrics are " in done.stderr
    assert not list_studies(workbench.folder / "studies")


@pytest.mark.slow
def test_a_monitor_that_the_task_has_not_ends_the_search(workbench: Workbench) -> None:
    wrong = ("--set", "training.monitor=accuracy")
    done = workbench.run("tune", "search", "-p", "regression", *RATES, *wrong, "--trials", "9")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "accuracy" in done.stderr
    first, *others = read_study_view(the_study(workbench)).trials.values()
    assert (first.status, {trial.began for trial in others}) == ("failed", {0.0}), "nothing else was begun"


@pytest.mark.slow
def test_a_space_that_cannot_be_built_ends_the_search_and_leaves_nothing(workbench: Workbench) -> None:
    done = workbench.run("tune", "search", *TINY, "--search", "model.name=mlp|cnn", "--trials", "9")
    assert done.returncode == 2, done.stdout + done.stderr
    assert 'the search space cannot be trained at model.name="cnn"' in done.stderr
    assert "needs images" in done.stderr
    assert "was removed: nothing was trained to its end" in done.stderr
    assert list((workbench.folder / "studies").iterdir()) == []


def new_study(workbench: Workbench) -> StudyDirectory:
    question = Question(way="repeat", seeds=(0, 1))
    return create_study(workbench.folder / "studies", load("iris").override(["training.epochs=1"]), question)


def test_a_study_that_runs_that_was_edited_or_is_of_another_version_is_not_resumed(workbench: Workbench) -> None:
    study = new_study(workbench)
    with claim(study):
        done = workbench.run("resume", study.name)
    assert done.returncode == 2
    assert "is still running" in done.stderr
    text = study.preset.read_text()
    study.preset.write_text(text.replace("epochs = 1", "epochs = 2"))
    done = workbench.run("resume", study.name)
    assert done.returncode == 2
    assert "was edited after the study began" in done.stderr
    study.preset.write_text(text)
    study.question.write_text(study.question.read_text().replace("version = 1", "version = 99"))
    done = workbench.run("resume", study.name)
    assert done.returncode == 2
    assert "is of version 99" in done.stderr
    assert not study.events.exists()


@pytest.mark.slow
def test_the_page_of_an_interrupted_auto_study_is_written_when_it_ends(workbench: Workbench) -> None:
    preset = load("iris").override(["training.epochs=1", "model.hidden=[8]"])
    search = {"optimizer.learning_rate": {"low": 1e-3, "high": 0.1}}
    question = Question(way="search", search=search, trials=2, discard="none")
    measured = Measured(32, {"adam": 0.0123})
    study = create_study(workbench.folder / "studies", preset, question, measured=measured)
    done = workbench.run("resume", str(study.path))
    assert done.returncode == 0, done.stderr
    text = study.report.read_text()
    assert "learning rate of adam: 0.0123" in text
    assert "the knee of the throughput is at 32" in text
    assert done.stdout.endswith(text)
    assert "the page is in studies/" in done.stderr


@pytest.mark.slow
def test_auto_measures_searches_and_ends_with_a_page(workbench: Workbench) -> None:
    done = workbench.run("tune", "auto", *TINY, "--set", "optimizer.name=sgd", "--time", "30s", "--json")
    assert done.returncode == 0, done.stderr
    result = result_of(done.stdout)
    assert set(result) == {"type", "best", "tied", "trials", "discarded"}
    assert result["best"]["metric"] == "accuracy"
    study = the_study(workbench)
    measured = read_measured(study.measured)
    assert measured is not None
    assert list(measured.rates) == ["sgd", "adamw", "nadam"]
    assert "optimizer.weight_decay@adamw" in read_question(study.question).search
    page = study.report.read_text()
    assert page.startswith("# iris, tuned\n")
    assert all(line in page for line in measured.lines())


def test_two_controllers_do_not_run_one_study(workbench: Workbench) -> None:
    study = new_study(workbench)
    with claim(study):
        second = subprocess.run(
            [sys.executable, "-m", "workbench.tuning.process", str(study.path)], capture_output=True, check=False
        )
    assert second.returncode == 75
    assert b"is being run by another process" in second.stderr
    assert not study.events.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_on_a_small_disk_a_study_is_refused_with_a_sentence_and_leaves_nothing(workbench: Workbench) -> None:
    disk = workbench.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        done = workbench.run("tune", "repeat", *TINY, "--studies-dir", str(disk))
        assert done.returncode == 3
        assert "are free on the disk of" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


LASTS = ("tune", "repeat", "-p", "iris", "--seeds", "2", "--one-by-one", "--set", "training.epochs=1000000")


def started(workbench: Workbench, *arguments: str) -> tuple[subprocess.Popen[str], StudyDirectory]:
    """A study that lasts, once it trains."""
    reader = workbench.start(*LASTS, *arguments)
    study = wait_for(lambda: next(iter(list_studies(workbench.folder / "studies")), None))
    wait_for(lambda: any(trial.values for trial in read_study_view(study).trials.values()))
    return reader, study


@pytest.mark.slow
def test_an_interrupt_stops_a_study_and_a_second_one_ends_it_at_once(workbench: Workbench) -> None:
    reader, study = started(workbench)
    reader.send_signal(signal.SIGINT)
    _, stderr = reader.communicate()
    assert reader.returncode == 130
    assert "continue it with: workbench resume" in stderr
    assert [trial.status for trial in read_study_view(study).trials.values()] == ["waiting"]

    reader = workbench.start("resume", study.name)
    wait_for(lambda: read_study_view(study).running)
    controller = wait_for(lambda: process_id(study))
    workers = wait_for(lambda: psutil.Process(controller).children())
    os.kill(controller, signal.SIGSTOP)  # it obeys no request
    reader.send_signal(signal.SIGINT)
    # Two signals at once are one.
    wait_for(lambda: study.control.read_text().count('"stop"') == 2)
    reader.send_signal(signal.SIGINT)
    _, stderr = reader.communicate()
    assert reader.returncode == 130
    assert "was killed" in stderr
    wait_for(lambda: not is_running(study) and not any(map(is_running, trials_of(study))))
    wait_for(lambda: not any(map(_lives, workers)))


def _lives(process: psutil.Process) -> bool:
    """Also one that has its order, and holds no lock yet."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.slow
def test_the_best_is_saved_as_a_preset_although_the_terminal_was_lost(workbench: Workbench) -> None:
    command = workbench.start("tune", "search", *TINY, *RATES, "--trials", "2", "--seeds", "0", "--save-as", "found")
    wait_for(lambda: bool(list_studies(workbench.folder / "studies")) and is_running(the_study(workbench)))
    command.send_signal(signal.SIGHUP)
    command.wait()
    study = the_study(workbench)
    wait_for(lambda: read_study_view(study).saved is not None)
    assert (
        "Best of 2 settings"
        in Preset.load(workbench.folder / "xdg_config_home/workbench/presets/found.toml").description
    )


@pytest.mark.parametrize("how", ["the terminal is lost", "nobody reads the pipe"])
@pytest.mark.slow
def test_a_study_continues_without_its_reader(how: str, workbench: Workbench) -> None:
    reader, study = started(workbench, "--json")
    assert reader.stdout is not None
    assert reader.stderr is not None
    if how == "the terminal is lost":
        reader.send_signal(signal.SIGHUP)
        reader.wait()
    else:
        reader.stdout.close()
        assert reader.wait() == 0
        assert f"the output is no longer read; the study continues in {study.path}" in reader.stderr.read()
    epoch = read_study_view(study).trials[0].epoch
    wait_for(lambda: read_study_view(study).trials[0].epoch > epoch)
    controller = process_id(study)
    assert controller is not None
    os.kill(controller, signal.SIGTERM)
    wait_for(lambda: not is_running(study))
    view = read_study_view(study)
    assert view.finished is not None
    assert (view.finished.status, view.trials[0].status) == ("stopped", "waiting")
