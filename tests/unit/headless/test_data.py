"""What `workbench data` prints of an answer, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.pictures.made import FLOWERS, GREY, PRICES
from workbench.errors import UsageError
from workbench.headless import data
from workbench.headless.options import Options
from workbench.processes.data import DataSummary, Request, Sample
from workbench.settings.preset import Preset

Show = Callable[..., int]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Shows a summary, and notes what was asked."""

    def run(answer: DataSummary, *overrides: str, samples: int = 6, seed: int = 0, **options: Any) -> int:
        async def read(request: Request, _: Options) -> DataSummary:
            asked.append(request)
            return answer

        asked.clear()
        monkeypatch.setattr(data, "read_summary", read)
        return data.show_data("fast", overrides, Options(**options), samples=samples, seed=seed)

    return run


asked: list[Request] = []


def test_people_see_facts_and_samples(show: Show, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(FLOWERS, "data.name=iris", samples=2, seed=3) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "iris"
    assert "samples     1,500 · 1,200 train, 300 test" in lines
    assert "· 12 rows with missing values were dropped" in lines
    assert "width    1.5    1.5" in lines
    [request] = asked
    assert (request.samples, request.seed) == (2, 3)
    assert Preset.from_toml(request.preset, "asked").data.label() == "iris"


def test_scripts_get_one_object_with_all_of_it(show: Show, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(FLOWERS, json_output=True) == 0
    [line] = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert result["type"] == "result"
    assert result["splits"] == [{"name": "train", "samples": 1200}, {"name": "test", "samples": 300}]
    assert result["classes"][0] == {"name": "rose", "counts": {"train": 1000, "test": 250}}
    assert result["notes"] == ["12 rows with missing values were dropped"]
    assert result["samples"][0]["target"] == "rose"
    assert result["samples"][0]["row"] == {
        "names": ["width", "height"],
        "values": [1.5, None],
        "encoded": [0.25, -2.0],
        "more": 0,
    }
    assert show(PRICES, json_output=True) == 0
    numbers = json.loads(capsys.readouterr().out)["numbers"]
    assert numbers[0]["quantiles"]["50"] == 4.0


def test_quiet_prints_what_there_is_to_predict_and_how_many_samples(
    show: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(FLOWERS, quiet=True) == 0
    assert capsys.readouterr().out == "2 classes (rose, tulip): 1,200 train, 300 test\n"


@pytest.mark.parametrize("samples", [-1, 65])
def test_a_number_of_samples_out_of_bounds_is_refused_before_anything_is_read(show: Show, samples: int) -> None:
    with pytest.raises(UsageError, match=f"--samples takes a number from 0 to 64, not {samples}"):
        show(FLOWERS, samples=samples)
    assert not asked


def test_without_a_terminal_pixels_are_characters(
    show: Show, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    pictures = replace(FLOWERS, samples=[Sample(0, "rose", image=GREY)])
    show(pictures)
    plain = capsys.readouterr().out
    assert "@@" in plain
    assert "▀" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show(pictures)
    coloured = capsys.readouterr().out
    assert "▀" in coloured
    assert "\x1b[38;2;0;0;0;48;2;0;0;0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    show(pictures)
    assert capsys.readouterr().out.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") == plain
