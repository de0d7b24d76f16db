"""The page of several runs: what differs, what can be concluded, what the legends say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.report_page.made import Page, made_run, prepared, usual_events
from tests.unit.tuning.made import ENVIRONMENT
from workbench.report_page.comparison_page import comparison_page
from workbench.report_page.curves import MOST_RUNS, looks
from workbench.report_page.record import read_records
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Started
from workbench.settings.preset import Preset
from workbench.tuning.sides import side_of

SLOWER, FASTER = Preset(name="pets"), Preset(name="pets").override(["optimizer.learning_rate=0.05"])
BETTER = {"loss": 0.5, "accuracy": 0.9}


def text_of(runs: Sequence[RunDirectory]) -> str:
    return comparison_page(read_records(runs), list(map(side_of, runs)), datetime(2026, 1, 2, tzinfo=UTC))


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    a = made_run(tmp_path, usual_events(), preset=SLOWER, summary={})
    newer = ENVIRONMENT | {"torch": "2.11.0", "git_revision": "fedcba"}
    b = made_run(tmp_path, usual_events(), preset=FASTER, summary={"validation": BETTER}, environment=newer)
    text = text_of([a, b])
    page = Page(text)
    assert page.has_row("A", a.name, "0.001", "completed", "3", "1.50 s")
    assert page.has_row("accuracy ↑", "80.00 %", "90.00 %")
    assert "<b>90.00 %</b>" in text
    assert "<b>80.00 %</b>" not in text
    assert "<b>83.33 %</b>" not in text, "the same test accuracy: none is the best"
    assert page.has_row("optimizer.learning_rate", "0.001", "0.05")
    assert page.has_row("PyTorch", "2.9.0", "2.11.0")
    assert page.has_row("git revision", "0123456789ab", "fedcba")
    assert page.has_row("forward", "1.500", "1.500", "1.00")
    assert "A and B: nothing can be concluded. There is one pair of runs" in page.text
    assert page.texts.count("A learning_rate 0.001") >= 3, "a legend says what differs"
    assert {FASTER.to_toml(), SLOWER.to_toml()} <= set(page.texts)
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and "aria-label" in attributes]
    assert labels == ["training loss", "validation loss", "validation accuracy %", "samples/s"]


def test_runs_that_cannot_be_compared_are_still_drawn(tmp_path: Path) -> None:
    regression = {"validation": {"loss": 1.0, "rmse": 2.0, "mae": 1.5, "r2": 0.5}, "test": None}
    runs = [
        made_run(tmp_path, usual_events(), summary={}),
        made_run(tmp_path, usual_events(), preset=Preset(name="prices"), summary=regression),
        made_run(tmp_path, [Started(process_id=1), prepared()], preset=Preset(name="young")),
    ]
    page = Page(text_of(runs))
    assert f"A and B: {runs[0].name} is a classification and {runs[1].name} a regression" in page.text
    assert f"A and C: {runs[0].name} and {runs[2].name} have no metric in common" in page.text
    assert page.has_row("RMSE ↓", "-", "2", "-")
    assert "A pets" in page.texts
    assert "B prices" in page.texts
    assert page.has_row("C", runs[2].name, "lost: its process died without an error message", "0", "-")


def test_what_presets_and_classes_say_is_text(tmp_path: Path) -> None:
    hostile = "<script>'\"&amp;\u202e"
    presets = [Preset(name=name, description=hostile) for name in ("one", "two")]
    environments = [{"torch": hostile}, {"torch": "2"}]
    runs = [
        made_run(tmp_path, [*usual_events(), Started(process_id=1)], preset=preset, summary={}, environment=environment)
        for preset, environment in zip(presets, environments, strict=True)
    ]
    text = text_of(runs)
    assert "<script" not in text
    assert "\u202e" not in text
    assert Page(text).has_row("PyTorch", "<script>'\"&amp;\\u202e", "2")


@pytest.mark.parametrize("runs", [2, 6, MOST_RUNS])
def test_each_run_has_a_look_of_its_own(runs: int) -> None:
    found = looks(runs)
    assert len({(look.colour, look.dash) for look in found}) == len({look.letter for look in found}) == runs
    neighbours = itertools.pairwise(found)
    assert all(one.colour != other.colour and one.dash != other.dash for one, other in neighbours)


def test_twelve_runs_fit_on_a_page(tmp_path: Path) -> None:
    presets = [Preset(name="pets").override([f"training.seed={seed}"]) for seed in range(MOST_RUNS)]
    text = text_of([made_run(tmp_path, usual_events(), preset=preset, summary={}) for preset in presets])
    Page(text)
    assert len(text) < 300_000
    assert len(re.findall('class="verdict"', text)) == MOST_RUNS - 1
