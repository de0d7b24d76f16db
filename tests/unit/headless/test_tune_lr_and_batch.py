"""What `tune lr` and `tune batch` print of an answer, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.headless import tune_batch, tune_lr
from workbench.headless.options import Options
from workbench.headless.text_curve import text_curve
from workbench.processes.batch_scan import BatchScan, Measured
from workbench.processes.range_test import RangeTest, Suggested
from workbench.settings import library

RATES = [1e-4, 1e-3, 1e-2, 1e-1]
FOUND = RangeTest(RATES, [2.0, 1.5, 1.0, 1.2], [1.9, 1.4, 0.9, 1.0], [2.1, 1.6, 1.1, 1.9], Suggested(1e-3, None, 0.03))
NOTHING = RangeTest(RATES, [1.0] * 4, [1.0] * 4, [1.0] * 4, Suggested(None, None, None), ["the loss hardly falls"])
SCANNED = BatchScan(
    [
        Measured(32, 1000.0, 32.0, 2**20),
        Measured(64, 2000.0, 32.0, 2**21),
        Measured(128, 2050.0, 62.4, 2**22),
        Measured(256, problem="out of memory", out_of_memory=True),
    ],
    knee=64,
    largest=128,
    device="CPU",
    engine="traced",
    notes=["batch size 256: out of memory"],
)


@pytest.fixture
def lr(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(answer: RangeTest, **options: Any) -> int:
        async def measured(*_: object) -> RangeTest:
            return answer

        monkeypatch.setattr(tune_lr, "measure_rates", measured)
        return tune_lr.tune_lr("fast", (), Options(**options), low=None, high=None, steps=100, seeds=3)

    return run


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(answer: BatchScan, *overrides: str, **options: Any) -> int:
        async def measured(*_: object) -> BatchScan:
            return answer

        monkeypatch.setattr(tune_batch, "measure_batches", measured)
        return tune_batch.tune_batch("fast", ("data.batch_size=16", *overrides), Options(**options), up_to=None)

    return run


def test_quiet_prints_the_number_alone(
    lr: Callable[..., int], batch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lr(FOUND, quiet=True) == 0
    assert capsys.readouterr().out == "0.001\n"
    assert batch(SCANNED, quiet=True) == 0
    assert capsys.readouterr().out == "64\n"


def test_the_last_line_for_scripts_has_the_keys_of_a_result(
    lr: Callable[..., int], batch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    lr(NOTHING, json_output=True)
    *_, last = capsys.readouterr().out.splitlines()
    assert json.loads(last) == {
        "type": "result",
        "suggested": {"steepest": None, "valley": None, "before_divergence": None},
    }
    batch(SCANNED, json_output=True, quiet=True)
    [only] = capsys.readouterr().out.splitlines()
    assert json.loads(only) == {"type": "result", "knee": 64, "largest": 128}


def test_where_nothing_is_named_a_script_that_wants_a_number_fails(
    lr: Callable[..., int], batch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorkbenchError, match="names no learning rate: the loss hardly falls") as raised:
        lr(NOTHING, quiet=True)
    assert raised.value.exit_code == 3
    with pytest.raises(WorkbenchError, match="no batch size could be measured"):
        batch(BatchScan([], None, None, "CPU", ""), quiet=True)
    assert lr(NOTHING) == 0
    assert "the loss hardly falls" in capsys.readouterr().out


def test_people_see_curve_marks_and_how_to_use_it(lr: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    lr(FOUND)
    shown = capsys.readouterr().out
    assert "+-S-D" not in shown
    assert "+-SD-" in shown
    assert "S  steepest           0.001 " in shown
    assert "V  valley             - " in shown
    assert shown.endswith("use it with: --set optimizer.learning_rate=0.001\n")


def test_people_see_knee_memory_and_what_it_does_to_the_learning_rate(
    batch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    batch(SCANNED)
    shown = capsys.readouterr().out
    [knee] = [line for line in shown.splitlines() if line.endswith(" knee")]
    assert knee.split()[:7] == ["64", "2,000", "32", "ms", "2", "MiB", "#######################"]
    assert "batch size 256: out of memory" in shown
    assert "from batch size 16 to 64 the learning rate of adam usually changes with the square root" in shown
    assert "0.001 becomes 0.002" in shown
    assert "--set data.batch_size=64 --set optimizer.learning_rate=0.002" in shown


def test_the_preset_is_saved_with_what_was_found_and_the_evidence(
    batch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert batch(SCANNED, save_as="mine") == 0
    saved = library.load("mine")
    assert saved.data.batch_size == 64
    assert saved.optimizer.learning_rate == 0.002
    assert "batch size 64 by a scan on CPU" in saved.description
    with pytest.raises(WorkbenchError, match="is there already"):
        batch(SCANNED, save_as="mine")


def test_a_curve_has_its_highest_value_on_top_and_its_marks_on_the_axis() -> None:
    values = [float(value) for value in range(10)]
    lines = text_curve(values, values, values, {"M": 9}, ("a", "b"))
    assert lines[0] == "       9 |         *"
    assert lines[9] == "       0 |*"
    assert lines[10] == "         +---------M"
    assert lines[11] == "          a        b"


def test_two_marks_at_one_place_are_both_on_the_axis() -> None:
    values = [float(value) for value in range(10)]
    assert text_curve(values, values, values, {"S": 4, "V": 4, "D": 9}, ("a", "b"))[10] == "         +---VS----D"
    assert text_curve(values, values, values, {"S": 9, "V": 9}, ("a", "b"))[10] == "         +--------VS"
