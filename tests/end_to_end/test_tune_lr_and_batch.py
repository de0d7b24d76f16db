"""`workbench tune lr` and `tune batch` as a user runs them, on bundled data."""

from __future__ import annotations

import json
import signal
from typing import Any

import psutil
import pytest

from tests.end_to_end.conftest import Workbench, has_ended, wait_for
from workbench.settings.preset import Preset


def lines_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.slow
def test_tune_lr_prints_curves_and_names_rates_and_saves_a_preset(workbench: Workbench) -> None:
    done = workbench.run("tune", "lr", "--preset", "fast", "--json", "--save-as", "found")
    assert done.returncode == 0, done.stderr
    *lines, result = lines_of(done.stdout)
    assert set(result) == {"type", "suggested"}
    assert result["type"] == "result"
    suggested = result["suggested"]
    assert set(suggested) == {"steepest", "valley", "before_divergence"}
    # By hand: Adam learns fast on digits between 0.001 and 0.01, and diverges with this network from 0.1 to 0.5.
    assert 0.001 < suggested["steepest"] < 0.01
    assert 0.03 < suggested["before_divergence"] < 0.2
    curves = [line for line in lines if line["type"] == "curve"]
    assert [curve["seed"] for curve in curves] == [0, 1, 2, 3, 4]
    assert all(curve["diverged"] for curve in curves)
    [median] = [line for line in lines if line["type"] == "median"]
    assert len(median["rates"]) == len(median["median"]) == min(len(curve["losses"]) for curve in curves)
    saved = Preset.load(workbench.folder / "xdg_config_home" / "workbench" / "presets" / "found.toml")
    assert saved.optimizer.learning_rate == suggested["steepest"]
    assert "by a range test over 5 seeds" in saved.description
    assert not workbench.runs
    assert not (workbench.folder / "runs").exists()


@pytest.mark.slow
def test_tune_batch_prints_a_row_a_batch_size_and_the_knee(workbench: Workbench) -> None:
    done = workbench.run("tune", "batch", "--preset", "fast", "--set", "data.name=iris", "--up-to", "8", "--json")
    assert done.returncode == 0, done.stderr
    *lines, result = lines_of(done.stdout)
    assert set(result) == {"type", "knee", "largest"}
    assert result["type"] == "result"
    measured = [line for line in lines if line["type"] == "measured"]
    assert [line["batch_size"] for line in measured] == [1, 2, 4, 8]
    assert all(line["samples_per_second"] > 0 and line["peak_bytes"] > 0 for line in measured)
    assert result["largest"] == 8
    assert result["knee"] in (1, 2, 4, 8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lr", "--preset", "fats"], "there is no preset 'fats'; did you mean fast?"),
        (["lr", "--preset", "fast", "--low", "1", "--high", "0.1"], "--low 1 and --high 0.1 are not such a range"),
        (["lr", "--preset", "fast", "--set", "optimizer.lr=1"], "optimizer.lr"),
        (["batch", "--preset", "fast", "--set", "data.name=cvs"], "data.name"),
        (
            ["batch", "--preset", "fast", "--set", "model.name=module", "--set", "model.function=mine:model"],
            "--trust-code",
        ),
    ],
)
def test_bad_input_is_said_before_anything_is_measured(workbench: Workbench, arguments: list[str], said: str) -> None:
    (workbench.folder / "mine.py").write_text("def model(inputs, outputs, activation): ...\n")
    done = workbench.run("tune", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_data_that_cannot_be_read_is_said_by_the_process(workbench: Workbench) -> None:
    csv = ["--set", "data.name=csv", "--set", "data.file=none.csv", "--set", "data.target=y"]
    done = workbench.run("tune", "lr", "--preset", "fast", *csv)
    assert done.returncode == 3
    assert "none.csv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_measuring_process_ends_with_the_command(workbench: Workbench, number: signal.Signals) -> None:
    process = workbench.start("tune", "lr", "--preset", "fast", "--steps", "10000", "--seeds", "50")
    [measuring] = wait_for(psutil.Process(process.pid).children)
    process.send_signal(number)
    _, narration = process.communicate(timeout=60)
    wait_for(lambda: has_ended(measuring))
    assert "Traceback" not in narration
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "interrupted" in narration
