"""The language that filters runs, with the names of `workbench.settings.run_keys`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.runs.directory import RunDirectory
from workbench.runs.row import RunRow
from workbench.runs.run_conditions import FilterError
from workbench.runs.run_filter import parse
from workbench.settings.preset import Preset
from workbench.settings.run_keys import KnownKeys


def row(name: str, *settings: str, **values: Any) -> RunRow:
    chosen = Preset(name=name).override(list(settings)).flat()
    started = datetime.now(UTC) - timedelta(hours=values.pop("hours_ago", 1))
    made = {"status": "completed", "preset_name": name, "settings": chosen, "monitor": "accuracy"} | values
    return RunRow(RunDirectory(Path("/runs") / name), started=started, **made)


ROWS = [
    row("adam", "optimizer.learning_rate=0.01", metrics={"accuracy": 0.98, "loss": 0.2}, best=0.98,
        tags=("night", "v1.2"), seconds=30.0, device="NVIDIA H100 80GB HBM3", note="the slow one"),
    row("sgd", "optimizer.name=sgd", "optimizer.nesterov=true", "optimizer.momentum=0.9", "model.hidden=[64, 32]",
        metrics={"accuracy": 0.96, "loss": 0.4}, best=0.96, tags=("night",), seconds=400.0, status="stopped",
        device="cpu", test={"f1_macro": 0.5}, hours_ago=50),
    row("kl", "loss.name=kl_divergence", metrics={"accuracy": 0.97, "loss": 0.1}, best=0.97, status="failed",
        seconds=9000.0),
    RunRow(RunDirectory(Path("/runs/lost")), "lost", "", None),
]  # fmt: skip
KEYS = KnownKeys(ROWS)


def text_of(row: RunRow) -> str:
    return f"{row.run.name} {row.status} {row.note}".lower()


def found(text: str, rows: list[RunRow] = ROWS) -> str:
    wanted = parse(text, KnownKeys(rows), text_of)
    return " ".join(each.run.name for each in rows if wanted.is_met(each))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "adam sgd kl lost"),
        ("   ", "adam sgd kl lost"),
        ("ADAM", "adam"),
        ("slow one", "adam"),
        ('"slow one"', "adam"),
        ("'one slow'", ""),
        ("acc > 0.97", "adam"),
        ("acc>0.97", "adam"),
        ("acc ≥ 0.97", "adam kl"),
        ("acc > 97 %", "adam"),
        ("acc > 97", "adam"),
        ("accuracy<97%", "sgd"),
        ("acc = 0.97", "kl"),
        ("acc != 0.97", "adam sgd"),
        ("loss < 0.3", "adam kl"),
        ("loss:kl*", "kl"),
        ("loss = kl_divergence", "kl"),
        ("val_loss<=0.1", "kl"),
        ("tag:night", "adam sgd"),
        ("tag = v1*", "adam"),
        ("tag != night", "kl lost"),
        ("not tag:night", "kl lost"),
        ("optimizer:adam", "adam kl"),
        ("optimizer:a*", "adam kl"),
        ("Optimizer:SGD", "sgd"),
        ("optimizer.name=sgd", "sgd"),
        ("opti:sgd", "sgd"),
        ("lr = 0.01", "adam"),
        ("lr = .01", "adam"),
        ("acc > 0.", "adam sgd kl"),
        ("learning-rate >= 0.01", "adam"),
        ("hidden:64", "sgd"),
        ("hidden = [64, 32]", "sgd"),
        ("hidden:[64,32]", "sgd"),
        ("nesterov:on", "sgd"),
        ("nesterov=true", "sgd"),
        ("nesterov:off", ""),
        ("status:stopped", "sgd"),
        ("state:fail*", "kl"),
        ("time > 5min", "sgd kl"),
        ("duration > 2 h", "kl"),
        ("duration < 0.5min", ""),
        ("duration <= 0.5min", "adam"),
        ("age < 1d", "adam kl"),
        ("device:h100", "adam"),
        ("gpu:cpu", "sgd"),
        ("note:slow", "adam"),
        ("note:*", "adam"),
        ("test.f1 = 50%", "sgd"),
        ("test.f1_macro<0.6", "sgd"),
        ("name:k", "kl"),
        ("a or b", "adam kl"),
        ("tag:night and optimizer:sgd", "sgd"),
        ("tag:night optimizer:sgd", "sgd"),
        ("tag:night AND NOT optimizer:sgd", "adam"),
        ("adam or tag:night not adam", "adam sgd"),
        ("(adam or tag:night) not adam", "sgd"),
        ("not (adam or sgd)", "kl lost"),
        ("not not adam", "adam"),
        ("((adam))", "adam"),
        ("lost or acc<97% or optimizer:x", "sgd lost"),
    ],
)  # fmt: skip
def test_what_is_found(text: str, names: str) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acc >", "a value must follow acc >"),
        ("tag:", "a value must follow tag:"),
        ("adam and", "something must follow and"),
        ("adam or", "something must follow or"),
        ("not", "something must follow not"),
        ("and adam", "something must stand before and"),
        ("adam or or b", "something must follow or"),
        ("(adam", "a ) is missing"),
        ("adam)", "there is a ) without its ("),
        ("()", "something must stand before )"),
        ("> 0.9", "'>' is no condition"),
        ("acc > high", "accuracy is a number, and 'high' is none: write 0.97 or 97%"),
        ("time > soon", "duration is a number, and 'soon' is none: write 90, 5min, 2h or 3d"),
        ("acuracy > 0.9", "acuracy: no run has such a setting or metric; did you mean accuracy?"),
        ("status:compleet", "status compleet: there is no such status; did you mean completed?"),
        ("ac > 0.9", "ac can be accuracy or activation: write more of it"),
        ("optimizer > adam", 'optimizer.name is "adam" in adam; compare it by = or !='),
        ("(" * 50 + "a" + ")" * 50, "there are more than 40 parentheses within each other"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(FilterError) as error:
        found(text)
    assert str(error.value).startswith(said)


def test_words_are_refused_where_nothing_is_written_about_runs() -> None:
    with pytest.raises(FilterError, match=r"'adam' is no condition: write it as optimizer.name=adam"):
        parse("adam", KEYS)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("acc = 98.25%", True),
        ("acc:98.25 %", True),
        ("acc = 98.25", True),
        ("acc = 0.9825", True),
        ("acc != 98.25%", False),
        ("acc = 98.254%", True),
        ("acc = 98.256%", False),
        ("acc = 98%", False),
        ("acc = 98.2%", False),
        ("acc = 1", False),
        ("acc > 98.25%", False),
        ("acc >= 98.25%", True),
        ("acc < 98.25%", False),
        ("acc <= 98.25%", True),
        ("acc > 98.253%", True),
        ("acc > 98.24%", True),
        ("best = 98.25%", True),
        ("best > 98%", True),
        ("best < 0.98", False),
        ("loss = 0.0312", True),
        ("loss = 0.03124", True),
        ("loss = 0.03", False),
        ("loss = 0", False),
        ("rmse = 1234", True),
        ("rmse = 1234.4", True),
        ("rmse = 1235", False),
        ("lr = 0.0014", False),
    ],
)
def test_a_metric_equals_what_a_table_shows_of_it(text: str, is_found: bool) -> None:
    shown = row(
        "one",
        "optimizer.learning_rate=0.00141",
        best=0.98254,
        metrics={"accuracy": 0.98254, "loss": 0.03124, "rmse": 1234.4},
    )
    assert bool(found(text, [shown])) == is_found


def test_a_short_name_is_that_of_the_table_that_runs_have() -> None:
    own = replace(ROWS[0], run=RunDirectory(Path("/runs/own")), settings={"loop": "own", "settings.lr": 0.3})
    assert found("lr=0.3", [own, *ROWS]) == "own"
    assert found("lr=0.01", [own, *ROWS]) == "adam"


def test_of_two_settings_of_a_short_name_the_one_that_differs_is_meant() -> None:
    """Both training and validation have a seed."""
    with pytest.raises(FilterError, match=r"seed can be training.seed or validation.seed: write it with its table"):
        found("seed=0")
    assert found("seed=3", [*ROWS, row("third", "training.seed=3")]) == "third"


def test_a_setting_of_an_older_version_is_found_under_its_present_name() -> None:
    old = replace(ROWS[0], settings={"runtime.feed": "resident"})
    assert found("data_loading:on_device", [old]) == "adam"
