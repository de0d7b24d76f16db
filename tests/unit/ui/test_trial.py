"""A trial's answer in words, and the real process from request to answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made_advice import ANSWER
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.ui import trial
from workbench.ui.trial import Comparison, TrialProcess, change_in_words, gain

MADE = Comparison.from_answer(ANSWER)
BATCH = ("data.batch_size=512",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (BATCH, "batch size 512"),
        (("optimizer.name=adamw", "optimizer.learning_rate=0.003"), "optimizer adamw, learning rate 0.003"),
        (('activation.name="leaky_relu"',), "activation leaky relu"),
        (("model.batch_norm=true",), "batch norm on"),
        (("model.hidden=[64, 32]",), "hidden 64, 32"),
        (("runtime.precision=bf16",), "precision bf16"),
    ],
)
def test_a_change_is_said_as_people_call_the_settings(change: tuple[str, ...], words: str) -> None:
    assert change_in_words(change) == words


def test_the_gain_is_said_with_pace_and_loss() -> None:
    said = "batch size 512: 5.1 × the samples a second; after 20,000 samples its loss is 0.41 against 0.38"
    assert gain(MADE, BATCH, "×") == said


@pytest.mark.parametrize(
    ("ratio", "low", "high", "said"),
    [
        (1.06, 0.97, 1.12, "no clear difference in samples a second;"),
        (1.012, 1.009, 1.025, "no clear difference in samples a second;"),
        (0.834, 0.81, 0.86, "0.83 × the samples a second;"),
        (1.25, 1.21, 1.3, "1.25 × the samples a second;"),
        (23.6, 22.0, 25.0, "24 × the samples a second;"),
    ],
)
def test_a_ratio_near_one_or_within_its_own_spread_of_it_is_no_difference(
    ratio: float, low: float, high: float, said: str
) -> None:
    assert said in gain(replace(MADE, ratio=ratio, ratio_low=low, ratio_high=high), BATCH, "×")


def test_losses_that_mean_different_things_are_not_compared() -> None:
    said = gain(replace(MADE, same_loss=False), ("loss.name=focal",), "×")
    assert said.endswith("its loss is of another kind and cannot be compared")


def test_a_loss_that_is_not_finite_is_said_so() -> None:
    diverging = replace(MADE, changed=replace(MADE.changed, loss=None))
    assert gain(diverging, BATCH, "×").endswith("no longer a finite number: training diverges")
    curing = replace(MADE, present=replace(MADE.present, loss=None))
    assert gain(curing, BATCH, "×").endswith("its loss is 0.41 against one that is not finite")


def small(*change: str) -> Preset:
    return Preset().override(["data.name=digits", "model.hidden=[16]", "runtime.device=cpu", *change])


def test_the_real_process_answers_what_the_app_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.2)
    run = create_run(tmp_path, "paused", "")

    async def measured() -> Comparison:
        async with TrialProcess.launched(small(), ["data.batch_size=256"], run) as process:
            return await process.measure()

    found = asyncio.run(measured())
    assert found.present.samples_per_second > 0
    assert found.changed.loss is not None
    assert found.same_loss
    assert not run.control.exists(), "whoever paused the run lets it go on"


def test_the_process_lets_the_run_go_on_if_whoever_launched_it_dies(tmp_path: Path) -> None:
    run = create_run(tmp_path, "paused", "")
    request: dict[str, Any] = {"preset": small().to_toml(), "change": list(BATCH), "run": str(run.path)}
    # The end of its input is all that a death leaves behind.
    ended = subprocess.run(trial.COMMAND, input=json.dumps(request).encode() + b"\n", capture_output=True, check=False)
    assert ended.stdout == b""
    assert json.loads(run.control.read_text())["command"] == "resume"
