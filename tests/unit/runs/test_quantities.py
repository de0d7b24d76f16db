"""The quantities of a run that can be charts."""

from __future__ import annotations

import re

from tests.ui import made
from workbench.runs.history import RunHistory
from workbench.runs.quantities import METRIC_CHART, metric_id, run_quantities


def ids(task: str | None, *curves: str) -> list[str]:
    return [quantity.id for quantity in run_quantities(task, curves)]


USUAL = ["loss", METRIC_CHART, "learning-rate", "throughput", "step-times", "memory-used"]


def test_the_usual_ones_come_first_and_are_there_before_the_first_step() -> None:
    assert ids(None) == ids("regression") == USUAL
    titles = {task: run_quantities(task, ())[1].title for task in ("classification", "regression", "language_modeling")}
    assert titles == {"classification": "accuracy %", "regression": "R²", "language_modeling": "token acc %"}


def test_others_are_there_once_the_run_has_a_curve_of_them() -> None:
    found = ids(
        "classification", "f1_macro/validation", "rmse/validation", "gradient_norm", "phase_ms/data", "gpu_busy"
    )
    assert found == [*USUAL, metric_id("f1_macro"), "gradient-norm", "phases", "gpu-busy"]
    assert "rmse" not in " ".join(found), "of another task"


def test_whatever_a_loop_of_the_users_own_logs_is_a_chart() -> None:
    found = run_quantities("", ["loss/train", "val acc!/train", "val-acc/validation", "grad_norm/train"])
    assert [quantity.title for quantity in found[6:]] == ["val-acc", "grad_norm"]
    assert found[1].title == "val acc!"


def test_every_id_is_one_that_a_widget_can_have_and_belongs_to_one_metric() -> None:
    names = ["a b", "a-b", "a_b", "a-20-b", "a/b", "ä", "1", ""]
    made_ids = [metric_id(name) for name in names]
    assert len(set(made_ids)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z_-][a-zA-Z0-9_-]*", each) for each in made_ids)


def test_each_curve_of_a_quantity_is_one_that_a_history_keeps() -> None:
    history = RunHistory()
    for event in made.events(400, device="GPU-0:GPU-0"):
        history.take(event)
    known = {key for quantity in run_quantities("classification", history.curves) for _, key, _ in quantity.curves}
    kept = set(history.curves) - {"loss/train"}
    assert kept - known == set(), "every curve can be shown"
