"""Tables fit a terminal of 80 columns, and never break a number."""

from __future__ import annotations

import pytest

from workbench.headless.compare import _print_numbers
from workbench.headless.fitting import most_columns, setting_lines, shrunk, table_width
from workbench.headless.folds import _table as table_of_folds
from workbench.headless.run_list import NARROW_COLUMNS
from workbench.headless.run_list import _table as table_of_runs
from workbench.headless.tune_results import show_search
from workbench.metrics import metric
from workbench.output import console
from workbench.tuning.view import StudyView, TrialView

SETTINGS = {
    "optimizer.learning_rate": 0.00016834,
    "optimizer.weight_decay": 2.331e-06,
    "model.hidden": [512, 256, 128],
    "optimizer.name": "adamw",
}


def test_settings_are_broken_between_two_and_shortened_at_their_names() -> None:
    text = "optimizer.learning_rate=0.0001683, model.hidden=[16, 8], optimizer.name=sgd"
    assert setting_lines(text, 80) == [text]
    assert setting_lines(text, 34) == [
        "optimizer.learning_rate=0.0001683,", "model.hidden=[16, 8],", "optimizer.name=sgd",
    ]  # fmt: skip
    assert setting_lines(text, 22) == [
        "…rning_rate=0.0001683,", "model.hidden=[16, 8],", "optimizer.name=sgd",
    ]  # fmt: skip
    assert setting_lines("the preset as it is", 10) == ["the preset as it is"]


def test_columns_that_fit_and_names_that_shrink() -> None:
    assert table_width([5, 10]) == 20
    assert [most_columns([5, 10, 10], room) for room in (10, 20, 32, 33)] == [2, 2, 2, 3]
    assert shrunk([5, 30, 40], 60, [2, 1]) == [5, 30, 17]
    assert shrunk([5, 30, 40], 40, [2, 1]) == [5, 19, 8]
    assert shrunk([5, 30, 40], 100, [2, 1]) == [5, 30, 40]


@pytest.mark.parametrize("width", [80, 60, 120])
def test_the_table_of_a_search_fits(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    view = StudyView(metric=metric("accuracy"))
    view.trials[0] = TrialView(0, {}, "preset", status="discarded", values={1: 0.70834}, epoch=1)
    view.trials[1] = TrialView(1, SETTINGS, status="completed", values={1: 0.7}, value=0.9167)
    seeds = [(2, 0.91), (3, 0.95)]
    for number, (seed, value) in enumerate(seeds, start=2):
        settings = SETTINGS | {"training.seed": seed}
        view.trials[number] = TrialView(number, settings, repeats=1, status="completed", value=value)
    best = {"trial": 1, "seeds": [2, 3]}
    show_search({"best": best, "tied": [], "trials": 2, "discarded": 1}, view)
    table = capsys.readouterr().out.partition("trial 1 is best")[0]
    assert max(map(len, table.splitlines())) <= width
    for whole in ("learning_rate=0.0001683,", "weight_decay=2.331e-06,", "=[512, 256, 128],", "91.67 %"):
        assert whole in table
    assert ("93.00 ± 25.41 %" in table) is (width > 60), "the column of fresh seeds is left out where it has no room"


def test_numbers_of_many_sides_are_left_out_rather_than_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    value = "87.50 ± 11.79 %"
    _print_numbers(console(), "mean ± deviation", "ABCDEF", [["validation accuracy", *[value] * 6]])
    out = capsys.readouterr().out
    assert out.count(value) == 3
    assert "no room for D, E, F: widen the terminal, or see --json" in out


def test_the_table_of_folds_leaves_out_its_last_columns() -> None:
    view = StudyView()
    view.trials[0] = TrialView(0, {}, seconds=1.5)
    fold = {"fold": 0, "samples": 30, "metrics": {"accuracy": 0.5, "loss": 0.25}, "run": "r" * 40}
    result = {"metric": "accuracy", "pooled": {"accuracy": 0.5, "loss": 0.2}, "folds": [fold]}
    wide, narrow = table_of_folds(result, view, 100), table_of_folds(result, view, 60)
    assert wide[1].endswith(f"1.50 s  {'r' * 40}")
    assert narrow[1].endswith("1.50 s")
    assert table_of_folds(result, view, 35)[1].split() == ["0", "30", "0.2500", "50.00", "%"]


def test_the_table_of_runs_shortens_names_and_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = [
        ("completed", "mnist-mlp-tuned-more-cf23", "10/10", "accuracy 98.62 %", "14 min", "20261127T223337Z-mnist-64d9")
    ]
    console().print(table_of_runs(NARROW_COLUMNS, lines, [], 80))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "completed   mnist-mlp-tuned-m…   10/10    accuracy 98.62 %   14 min   2026112…" in out
