"""The table of runs without a screen: its columns, order, groups, and what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.runs.directory import RunDirectory
from workbench.runs.row import RunRow
from workbench.settings.preset import Preset
from workbench.ui.look.glyphs import UNICODE
from workbench.ui.panels.runs_arrangement import Arrangement, Group, RunsRead
from workbench.ui.panels.runs_column import fitting
from workbench.ui.panels.runs_columns import automatic


@pytest.fixture(autouse=True)
def _no_presets_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)


def row(name: str, minute: int, accuracy: float | None = None, *settings: str, **values: Any) -> RunRow:
    found: dict[str, Any] = {"metrics": {"accuracy": accuracy, "loss": 0.5}, "best": accuracy, "monitor": "accuracy"}
    made: dict[str, Any] = {
        "status": "completed",
        "preset_name": "fast",
        "settings": Preset(name="fast").override(list(settings)).flat(),
        "started": datetime(2026, 11, 27, 12, minute, tzinfo=UTC),
        "seconds": 60.0 * minute,
    }
    return RunRow(RunDirectory(Path("/runs") / name), **(made | found | values))


SLOW, QUICK = "optimizer.learning_rate=0.001", "optimizer.learning_rate=0.01"
A = row("a", 1, 0.95, SLOW)
B = row("b", 2, 0.97, QUICK, "training.seed=1", test={"accuracy": 0.96})
C = row("c", 3, 0.96, QUICK, "training.seed=2", pinned=True)
D = row("d", 4, 0.99, QUICK, "optimizer.name=sgd", "optimizer.learning_rate=0.01", "training.seed=3")
ROWS = [D, C, B, A]


def arranged(rows: list[RunRow] = ROWS) -> Arrangement:
    made = Arrangement(UNICODE, lambda row: ())
    made.take(RunsRead.of(rows, RunsRead()))
    return made


def names(made: Arrangement) -> list[str]:
    return [f"[{item.name}]" if isinstance(item, Group) else item.run.name for item in made.items]


def cell(made: Arrangement, key: str, run: RunRow) -> str:
    column = next(column for column in made.columns if column.key == key)
    return "".join(text for text, _ in column.parts(run, 40))


def test_the_columns_are_what_differs_and_the_results() -> None:
    assert automatic(arranged().runs) == [
        "mark", "state", "run", "setting:optimizer.learning_rate", "setting:optimizer.name", "setting:training.seed",
        "changed", "best", "base", "test", "curve", "epochs", "time", "started",
    ]  # fmt: skip


def test_settings_that_only_another_choice_has_are_no_columns() -> None:
    """sgd has a momentum and adam has none: that the optimizers differ says it."""
    momentum = row("e", 5, 0.9, "optimizer.name=sgd", "optimizer.momentum=0.5")
    assert "optimizer.momentum" not in arranged().runs.differing
    assert "optimizer.momentum" in arranged([momentum, *ROWS]).runs.differing


def test_columns_follow_the_filter() -> None:
    made = arranged()
    assert made.filter("optimizer:adam lr=0.01") == ""
    assert made.runs.differing == ["training.seed"]
    assert names(made) == ["c", "b"]


def test_a_wrong_filter_says_so_and_leaves_what_was_there() -> None:
    made = arranged()
    assert made.filter("acc > 96%") == ""
    assert names(made) == ["c", "d", "b"], "the pinned run comes first, whatever the filter"
    assert made.filter("acc >") == (
        "a value must follow acc >: write it as optimizer.name=adam, or 'accuracy>=0.97' (or != < > <=)"
    )
    assert names(made) == ["c", "d", "b"]
    assert made.view.filter_text == "acc > 96%"


def test_a_condition_that_is_being_typed_leaves_what_was_there() -> None:
    made = arranged()
    for typed in ("l", "lr", "lr "):
        said = made.filter(typed)
        assert said in ("", f"no run has {typed.strip()} written about it; to compare it, write lr > 1 or lr:word")
        assert names(made), typed
    assert made.filter("xyz") == ""
    assert names(made) == ["c"], "the pinned run alone"


def test_a_filter_holds_when_the_last_run_that_met_it_is_gone() -> None:
    made = arranged([A, row("slow", 5, 0.9)])
    assert made.filter("slow") == ""
    made.take(RunsRead.of([A], made.read))
    assert names(made) == []


def test_the_distance_to_the_base_and_to_the_best() -> None:
    made = arranged()
    assert cell(made, "best", D) == "★ 99.00"
    assert cell(made, "best", B) == "97.00"
    assert [cell(made, "base", each) for each in ROWS] == ["▴ +3.00", "base", "▴ +1.00", "▾ -1.00"]
    assert [cell(made, "to best", each) for each in ROWS] == ["best", "▾ -3.00", "▾ -2.00", "▾ -4.00"]
    assert cell(made, "test", B) == "96.00"
    assert cell(made, "test", A) == "-"


def test_a_lower_loss_is_better_than_the_base() -> None:
    low = row("low", 1, 0.2, monitor="loss")
    high = row("high", 2, 0.5, monitor="loss", pinned=True)
    other = row("other", 3, 0.5)
    made = arranged([low, high, other])
    assert cell(made, "base", low) == "▴ -0.3000"
    assert cell(made, "base", other) == "", "another metric cannot be compared"
    assert cell(made, "best", low) == "★ loss 0.2000"
    assert cell(made, "best", other) == "accuracy 50.00 %", "the only one of its metric is no winner"


def test_without_a_pinned_run_there_is_no_distance_to_it() -> None:
    made = arranged([D, B, A])
    assert "base" not in automatic(made.runs)
    assert cell(made, "base", D) == ""


def test_it_is_sorted_by_any_column() -> None:
    made = arranged()
    made.sort("best", descending=True)
    assert names(made) == ["c", "d", "b", "a"]
    made.sort("setting:training.seed", descending=False)
    assert names(made) == ["c", "a", "b", "d"]
    made.sort("setting:of.another.table", descending=True)
    assert names(made) == ["c", "d", "b", "a"], "by the start"


def test_groups_have_means_and_deviations() -> None:
    made = arranged()
    made.group("setting:optimizer.learning_rate")
    made.sort("best", descending=True)
    assert names(made) == ["[0.01]", "d", "b", "c", "[0.001]", "a"], "the best mean first"
    group = made.items[0]
    assert isinstance(group, Group)
    summaries = {column.key: column.summary(group.rows) for column in made.columns if column.summary is not None}
    assert summaries["best"] == "97.33 ± 1.53"
    assert summaries["base"] == "+1.33"
    assert summaries["test"] == "96.00", "of one run alone"
    assert summaries["metric:loss"] == "0.5000 ± 0.0000"
    assert summaries["time"] == "3:00 min"
    assert summaries["setting:optimizer.learning_rate"] == "0.01"
    assert summaries["setting:optimizer.name"] == "", "they differ"


def test_groups_are_folded() -> None:
    made = arranged()
    made.group("setting:optimizer.name")
    assert names(made) == ["[sgd]", "d", "[adam]", "c", "b", "a"]
    made.fold("adam")
    assert names(made) == ["[sgd]", "d", "[adam]"]
    made.fold_all()
    assert names(made) == ["[sgd]", "[adam]"]
    made.fold_all()
    assert names(made) == ["[sgd]", "d", "[adam]", "c", "b", "a"]


@pytest.mark.parametrize(
    ("by", "found"),
    [("preset", ["[fast]"]), ("study", ["[search-1]", "[no study]"]), ("tags", ["[#night]", "[no tags]"])],
)
def test_runs_are_grouped_by_preset_study_and_tags(by: str, found: list[str]) -> None:
    made = arranged([A, row("e", 9, 0.9, study="search-1", tags=("night",))])
    made.group(by)
    assert [name for name in names(made) if name.startswith("[")] == found
    assert (by, by) in made.can_be_grouped_by


def test_a_rate_changed_by_hand_is_told_from_the_one_that_was_set() -> None:
    changed = row("e", 5, 0.9, QUICK)
    changed.settings["changes"] = ({"step": 10, "learning_rate": 0.02},)
    made = arranged([changed, B])
    assert cell(made, "setting:optimizer.learning_rate", changed) == "0.01 → 0.02"
    assert made.runs.changes_in_words(changed, with_columns=True).startswith("learning rate 0.01 → 0.02 at step 10")
    changed.settings["changes"] += ({"step": 20, "learning_rate": 0.01},)
    assert cell(made, "setting:optimizer.learning_rate", changed) == "0.01 (changed)", "not 0.01 → 0.01"


@pytest.mark.parametrize("width", [40, 56, 76, 116, 136, 196, 296])
def test_the_columns_fit_and_what_matters_stays(width: int) -> None:
    made = arranged()
    wanted = automatic(made.runs)
    fitted = fitting([column for column in made.columns if column.key in wanted], width)
    assert sum(cells + 2 for _, cells in fitted) - 2 <= width
    keys = [column.key for column, _ in fitted]
    assert keys[:3] == ["mark", "state", "run"]
    assert ("best" in keys) == (width >= 40)
    assert ("setting:optimizer.learning_rate" in keys) == (width >= 56)
    assert ("started" in keys) == (width >= 116)
    assert ("time" in keys) == (width >= 136)


def test_runs_on_other_data_are_not_compared() -> None:
    """Iris is easier than the digits: its accuracy says nothing of theirs."""
    iris = row("iris", 5, 1.0, "data.name=iris", pinned=True)
    also_iris = row("also-iris", 6, 0.98, "data.name=iris")
    made = arranged([iris, also_iris, A, B])
    assert [cell(made, "best", each)[0] for each in (iris, B)] == [UNICODE.best, UNICODE.best], "one for each data"
    assert cell(made, "base", A) == "", "the base was trained on other data"
    assert cell(made, "base", also_iris).endswith("-2.00")
    assert cell(made, "to best", A).endswith("-2.00"), "below b, the best on its data"
    best = next(column for column in made.columns if column.key == "best")
    assert best.summary is not None
    assert best.summary([iris, A]) == "", "no mean of what cannot be compared"
    assert best.summary([A, B]) == "96.00 ± 1.41"


def test_losses_on_another_scale_are_not_compared() -> None:
    plain = row("plain", 5, 0.5, monitor="loss")
    smoothed = row("smoothed", 6, 0.9, "loss.label_smoothing=0.1", monitor="loss")
    also_plain = row("also-plain", 7, 0.6, monitor="loss")
    made = arranged([plain, smoothed, also_plain])
    assert cell(made, "to best", smoothed) == ""
    assert cell(made, "to best", also_plain).endswith("+0.1000")


def test_a_value_behind_its_name_has_room() -> None:
    other = row("other", 5, 0.5, monitor="loss")
    made = arranged([row("best", 6, 1.0), A, other])
    best = next(column for column in made.columns if column.key == "best")
    assert best.least >= len(f"{UNICODE.best} accuracy 100.00 %")


def test_settings_of_one_name_are_told_apart_by_their_table() -> None:
    made = arranged([A, row("e", 5, 0.9, SLOW, "training.seed=1", "validation.seed=2")])
    titles = {column.key: column.title for column in made.columns}
    assert titles["setting:training.seed"] == "training seed"
    assert titles["setting:validation.seed"] == "validation seed"
    assert ("setting:validation.seed", "validation seed") in made.can_be_grouped_by


def test_what_was_changed_is_written_as_in_the_form() -> None:
    made = arranged([row("e", 5, 0.9, "model.hidden=[64, 32]", "model.batch_norm=true", "training.seed=1")])
    assert cell(made, "changed", made.read.rows[0]) == "hidden 64, 32, batch norm on, epochs 10, seed 1"


def test_the_planned_epochs_are_no_column_beside_the_epochs() -> None:
    made = arranged([row("long", 5, 0.9, SLOW, "training.epochs=50000", epoch=12345, epochs=50000), A])
    assert made.runs.differing == ["training.epochs"]
    assert "setting:training.epochs" not in automatic(made.runs)
    epochs = next(column for column in made.columns if column.key == "epochs")
    assert epochs.least == len("12,345/50,000"), "a number is never cut"


@pytest.mark.parametrize("setting", ["training.epochs", "settings.epochs"])
def test_no_two_columns_are_called_epochs(setting: str) -> None:
    """A loop of the user's own has a setting of that name too."""
    rows = [row(f"run{epochs}", 5, 0.9, settings={setting: epochs}) for epochs in (10, 20)]
    made = arranged(rows)
    titles = {column.key: column.full_name for column in made.columns}
    assert titles[f"setting:{setting}"] == "planned epochs"
    assert titles["epochs"] == "epochs"


def test_the_epochs_of_the_base_are_not_cut_where_the_filter_leaves_it_out() -> None:
    base = row("base", 5, 0.9, epoch=221, epochs=30_000, pinned=True)
    made = arranged([base, A])
    assert made.filter("name:a") == ""
    assert names(made) == ["base", "a"]
    epochs = next(column for column in made.columns if column.key == "epochs")
    assert epochs.least == len("221/30,000")
