"""Which runs `workbench runs` lists: conditions, order, and what cannot be asked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UsageError
from workbench.headless.run_query import RunQuery
from workbench.runs.directory import RunDirectory
from workbench.runs.row import RunRow
from workbench.settings.preset import Preset


def row(name: str, hour: int, **values: Any) -> RunRow:
    settings = Preset(name=name).override(values.pop("settings", [])).flat()
    made = {"status": "completed", "preset_name": name, "settings": settings, "monitor": "accuracy"} | values
    return RunRow(RunDirectory(Path("/runs") / name), started=datetime(2026, 11, 27, hour, tzinfo=UTC), **made)


ADAM = row(
    "adam", 10, best=0.95, metrics={"accuracy": 0.95, "loss": 0.2}, test={"accuracy": 0.9}, seconds=30.0, epoch=10,
    settings=["optimizer.learning_rate=0.01"], tags=("good", "v1.2"),
)  # fmt: skip
SGD = row(
    "sgd", 11, best=0.97, metrics={"accuracy": 0.97, "loss": 0.4}, seconds=5.0, epoch=3, status="stopped",
    settings=["optimizer.name=sgd", "optimizer.learning_rate=0.1", "optimizer.nesterov=true", "optimizer.momentum=0.9",
              "model.hidden=[64, 32]"],
    tags=("good",), study="search-1",
)  # fmt: skip
LOSS = row("loss", 12, monitor="loss", best=0.1, metrics={"loss": 0.1, "mine": 3.0}, epoch=5, status="failed")
LOST = row("lost", 13, status="lost", monitor="")
BROKEN = RunRow(RunDirectory(Path("/runs/broken")), "lost", "", None, broken=True)
ROWS = [LOST, LOSS, SGD, ADAM, BROKEN]


def names(**query: Any) -> list[str]:
    return [each.run.name for each in RunQuery(**query).select(ROWS)]


def test_without_a_question_all_runs_are_listed_newest_first() -> None:
    assert names() == ["lost", "loss", "sgd", "adam", "broken"]
    assert names(reverse=True) == ["adam", "sgd", "loss", "lost", "broken"], "an unknown start comes last either way"
    assert names(limit=2) == ["lost", "loss"]


def test_by_status_tag_and_preset() -> None:
    assert names(statuses=("completed", "stopped")) == ["sgd", "adam"]
    assert names(statuses=("lost",)) == ["lost"], "a broken run is broken"
    assert names(statuses=("broken",)) == ["broken"]
    assert names(tags=("good",)) == ["sgd", "adam"]
    assert names(tags=("good", "v1*")) == ["adam"], "all tags"
    assert names(presets=("adam", "lo*")) == ["lost", "loss", "adam"], "any of the presets"
    assert names(tags=("none",)) == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("optimizer.name=adam", ["lost", "loss", "adam"]),
        ("optimizer.name == adam", ["lost", "loss", "adam"]),
        ("optimizer.name!=adam", ["sgd"]),
        ('optimizer.name="sgd"', ["sgd"]),
        ("accuracy>=0.97", ["sgd"]),
        ("accuracy>=9.5e-1", ["sgd", "adam"]),
        ("accuracy<0.97", ["adam"]),
        ("accuracy>1", []),
        ("accuracy>=97%", ["sgd"]),
        ("acc >= 97 and (tag:good or optimizer:adam)", ["sgd"]),
        ("loss<=0.2", ["loss", "adam"]),
        ("mine=3", ["loss"]),
        ("test.accuracy=0.9", ["adam"]),
        ("test.accuracy!=0.9", []),
        ("best>0.9", ["sgd", "adam"]),
        ("optimizer.learning_rate=1e-1", ["sgd"]),
        ("optimizer.nesterov=true", ["sgd"]),
        ("optimizer.nesterov!=true", []),
        ("model.hidden=[64,32]", ["sgd"]),
        ("model.hidden!=[64, 32]", ["lost", "loss", "adam"]),
        ("duration<30", ["sgd"]),
        ("epoch>=5", ["loss", "adam"]),
        ("monitor=loss", ["loss"]),
        ("study=search-1", ["sgd"]),
        ("started>=2026-11-27T12", ["lost", "loss"]),
        ("started<2026-11-27", []),
        ("name>m", ["sgd"]),
        ("runtime.threads=0", ["lost", "loss", "sgd", "adam"]),
    ],
)
def test_conditions(condition: str, found: list[str]) -> None:
    if condition.startswith("runtime.threads"):  # the old name of a setting
        condition = condition.replace("0", str(ADAM.settings["runtime.num_threads"]))
    assert names(where=(condition,)) == found


def test_several_conditions_must_all_be_met() -> None:
    assert names(where=("accuracy>0.9", "optimizer.name=adam"), tags=("good",)) == ["adam"]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("accuracy", "write it as optimizer.name=adam, or 'accuracy>=0.97'"),
        ("accuracy>=", "write it as"),
        (">=0.9", "write it as"),
        ("", "write it as"),
        ("accuracy>=high", "accuracy is a number, and 'high' is none"),
        ("accuracy>=x97%", "accuracy is a number, and 'x97%' is none: write 0.97 or 97%"),
        ("optimizer.name>adam", "compare it by = or !="),
        ("optimizer.nesterov>0", "compare it by = or !="),
        ("optimzer.name=adam", "no run has such a setting or metric; did you mean optimizer.name?"),
        ("acuracy>0.9", "no run has such a setting or metric; did you mean accuracy?"),
        ("optimizer.name=" + "[" * 100_000 + ">", None),
    ],
    ids=lambda value: None if value is None else value[:30],
)
def test_what_cannot_be_asked_is_said(condition: str, said: str | None) -> None:
    if said is None:
        assert names(where=(condition,)) == []
    else:
        with pytest.raises(UsageError) as error:
            names(where=(condition,))
        assert said in str(error.value)


@pytest.mark.parametrize(
    ("condition", "is_refused"),
    [
        ("accuracy>=2x", True), ("test.r2<high", True), ("duration>1year", True),
        ("optimizer.learning_rate<tiny", True),
        ("training.epochs>=many", True), ("accuracy>=0.9", False), ("optimizer.learning_rate<1e-3", False),
        ("accuracy=2x", False), ("started>2026-11-01", False), ("name>b", False),
    ],
)  # fmt: skip
def test_a_value_that_is_no_number_is_refused_where_there_are_no_runs_too(condition: str, is_refused: bool) -> None:
    query = RunQuery(where=(condition,))
    if is_refused:
        with pytest.raises(UsageError, match=r"is a number, and '.*' is none"):
            query.select([])
    else:
        assert query.select([]) == []


def test_a_setting_that_no_listed_run_has_is_no_error() -> None:
    assert names(where=("optimizer.rho=0.9",)) == []
    assert names(where=("r2>0.5",)) == []
    assert names(sort="test.mae") == ["lost", "loss", "sgd", "adam", "broken"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("best", ["loss", "sgd", "adam", "lost", "broken"]),
        ("accuracy", ["sgd", "adam", "lost", "loss", "broken"]),
        ("loss", ["loss", "adam", "sgd", "lost", "broken"]),
        ("test.accuracy", ["adam", "lost", "loss", "sgd", "broken"]),
        ("name", ["adam", "broken", "loss", "lost", "sgd"]),
        ("preset", ["adam", "loss", "lost", "sgd", "broken"]),
        ("status", ["broken", "adam", "loss", "lost", "sgd"]),
        ("duration", ["adam", "sgd", "lost", "loss", "broken"]),
        ("epoch", ["adam", "loss", "sgd", "lost", "broken"]),
        ("optimizer.learning_rate", ["lost", "loss", "adam", "sgd", "broken"]),
        ("model.hidden", ["lost", "loss", "adam", "sgd", "broken"]),
    ],
)
def test_the_order(key: str, found: list[str]) -> None:
    assert names(sort=key) == found


def test_the_order_the_other_way_round() -> None:
    assert names(sort="accuracy", reverse=True)[:2] == ["adam", "sgd"]
    assert names(sort="duration", reverse=True)[:2] == ["sgd", "adam"]
    assert names(sort="optimizer.learning_rate", reverse=True)[0] == "sgd"


def test_a_metric_that_is_not_finite_is_unknown() -> None:
    odd = row("odd", 14, metrics={"loss": float("nan"), "accuracy": None})
    assert [each.run.name for each in RunQuery(sort="loss").select([odd, ADAM])] == ["adam", "odd"]
    assert RunQuery(where=("loss<1",)).select([odd, ADAM]) == [ADAM]
    assert RunQuery(where=("accuracy<1",)).select([odd, ADAM]) == [ADAM]


def test_a_setting_of_several_tables_is_sorted_as_a_setting_and_a_metric_with_a_dot_as_a_metric() -> None:
    of_model = row("of_model", 10, metrics={"val.score": 1.0})
    of_data = row("of_data", 11, metrics={"val.score": 2.0})
    of_model.settings["model.function"], of_data.settings["data.function"] = "mine.py:net", "mine.py:read"
    for query in (RunQuery(sort="function"), RunQuery(sort="val.score", reverse=True)):
        assert [each.run.name for each in query.select([of_data, of_model])] == ["of_model", "of_data"]
    assert [each.run.name for each in RunQuery(sort="val.score").select([of_model, of_data])] == ["of_data", "of_model"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"statuses": ("complete",)}, "--status complete: there is no such status; did you mean completed?"),
        ({"sort": "bets"}, "--sort bets: no run has such a setting or metric; did you mean best?"),
        ({"sort": "zzz"}, "--sort zzz: no run has such a setting or metric"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(query: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        names(**query)
    assert str(error.value) == said
