"""The curves of a run as tables."""

from __future__ import annotations

import math
from pathlib import Path

from tests.unit.report_page.made import made_run, prepared, usual_events
from workbench.report_page.tables import read_tables
from workbench.runs.events import Event, Started, Steps


def steps(first: int, *losses: float) -> Steps:
    return Steps(first_step=first, epoch=first / 4, losses=list(losses), learning_rate=0.1, seconds=1.0)


def test_every_value_is_there(tmp_path: Path) -> None:
    tables = {name: list(rows) for name, rows in read_tables(made_run(tmp_path, usual_events())).named().items()}
    assert list(tables) == ["steps", "epochs", "timing", "memory"]
    assert tables["steps"][0] == ["step", "loss", "learning_rate", "epoch", "seconds"]
    assert [row[0] for row in tables["steps"][1:]] == list(range(1, 13))
    assert tables["steps"][3:5] == [[3, 1.8, None, None, None], [4, 1.7, 0.01, 1.0, 0.5]]
    assert tables["epochs"][0][6:] == ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]
    assert tables["epochs"][2] == [2, 8, 0.01, 1, 0.5, 0.0, 0.5, 0.7, 0.6, 0.8]
    assert dict(zip(tables["timing"][0], tables["timing"][1], strict=True)) == {
        "step": 4, "samples_per_second": 800.0, "steps_per_second": 200.0, "gpu_busy_fraction": None, "data_ms": 0.5,
        "forward_ms": 1.0, "backward_ms": 2.0, "step_p50_ms": 3.5, "step_p95_ms": None, "step_p99_ms": None,
        "step_max_ms": None,
    }  # fmt: skip
    assert tables["memory"][1] == [4, None, None, 500 * 2**20]


def test_what_a_resumed_run_did_again_counts_once(tmp_path: Path) -> None:
    again: list[Event] = [Started(process_id=2, resumed=True, step=4, epoch=1), prepared(), *usual_events()[6:]]
    tables = read_tables(made_run(tmp_path, [*usual_events(), *again])).named()
    assert [len(list(rows)) for rows in tables.values()] == [13, 4, 4, 4]


def test_steps_that_were_not_reported_and_losses_that_are_not_finite_are_nan(tmp_path: Path) -> None:
    run = made_run(tmp_path, [prepared(), steps(1, 1.0, math.nan), steps(5, 2.0), steps(5, 3.0)])
    losses = [row[1] for row in list(read_tables(run).named()["steps"])[1:]]
    assert [None if math.isnan(loss) else loss for loss in losses] == [1.0, None, None, None, 3.0]


def test_a_run_that_has_not_trained_has_none(tmp_path: Path) -> None:
    assert read_tables(made_run(tmp_path, [prepared()])).named() == {}
