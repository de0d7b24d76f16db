"""`workbench runs`: a line a run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.cli.root import app
from workbench.headless.run_list import as_json, cells, narrow_cells
from workbench.printable import without_sequences
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.row import RunRow
from workbench.runs.status import Summary
from workbench.settings.preset import Preset
from workbench.ui.panels.runs_columns import epochs_of
from workbench.ui.panels.runs_results import label_of, written
from workbench.units import age_in_words

STARTED = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


def row(tmp_path: Path) -> RunRow:
    run = RunDirectory(tmp_path / "20261127T120000Z-fast-0a1b")
    return RunRow(run, "completed", "fast", STARTED, epoch=9, epochs=10, monitor="accuracy", best=0.987654, seconds=1.5)


def test_the_cells_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cells(row(tmp_path), STARTED + timedelta(hours=5, minutes=59)) == (
        "completed", "fast", "9/10", "accuracy 98.77 %", "5 h", "20261127T120000Z-fast-0a1b", "-",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("monitor", "best", "shown"),
    [
        ("accuracy", 0.9913, "accuracy 99.13 %"),
        ("loss", 0.05, "loss 0.0500"),
        ("mcc", 0.5, "MCC 0.5000"),
        ("r2", 0.8765, "R² 0.876"),
        ("loss", float("nan"), "loss nan"),
        ("of-a-newer-version", 12.3456, "of-a-newer-version 12.35"),
    ],
)
def test_the_best_value_is_written_as_in_the_app(tmp_path: Path, monitor: str, best: float, shown: str) -> None:
    made = replace(row(tmp_path), monitor=monitor, best=best)
    assert cells(made)[3] == narrow_cells(made)[3] == shown
    assert shown == f"{label_of(monitor)} {written(monitor, best)}"
    assert as_json(made)["best"] is best, "programs get the number"


def test_epochs_are_written_as_in_the_app(tmp_path: Path) -> None:
    made = replace(row(tmp_path), epoch=1200, epochs=12_000)
    assert cells(made)[2] == narrow_cells(made)[2] == epochs_of(made) == "1,200/12,000"


def test_what_is_not_known_is_a_dash_and_a_broken_run_says_so(tmp_path: Path) -> None:
    broken = RunRow(RunDirectory(tmp_path / "renamed"), "lost", "", None, broken=True)
    assert cells(broken)[:5] == ("broken", "renamed", "-", "-", "-")
    known = as_json(broken)
    assert known["started"] is known["best"] is known["preset"] is known["monitor"] is None


def test_a_narrow_terminal_shows_the_run_without_its_time_and_folder(tmp_path: Path) -> None:
    now = STARTED + timedelta(minutes=3)
    assert narrow_cells(row(tmp_path), now) == ("completed", "fast-0a1b", "9/10", "accuracy 98.77 %", "3 min", "-")
    renamed = RunRow(RunDirectory(tmp_path / "my-run"), "lost", "fast", None)
    assert narrow_cells(renamed)[:2] == ("lost", "my-run")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_399, "23 h"), (864_000, "10 d")],
)
def test_ages(seconds: float, words: str) -> None:
    assert age_in_words(seconds) == words


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    with pytest.raises(SystemExit) as exit:
        app(args=["runs", *words], prog_name="workbench")
    assert exit.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_runs_are_listed_newest_first_for_programs_and_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first = create_run(tmp_path / "runs", "iris", Preset(name="iris").to_toml())
    first = RunDirectory(first.path.rename(tmp_path / "runs" / "20200101T000000Z-iris-0000"))
    seven = Preset(name="fast").override(["training.epochs=7"])
    second = create_run(tmp_path / "runs", "fast", seven.to_toml(), study="search-1")
    second.events.touch()
    Summary(
        status="completed", exit_code=0, reason="", epoch=7, step=70, best_epoch=6, monitor="accuracy",
        train={}, validation={"accuracy": 0.75}, test=None, seconds={"train": 2.5, "total": 3.0},
    ).save(second)  # fmt: skip
    lines = listed(capsys)
    assert [line.split("\t")[:4] for line in lines] == [
        ["completed", "fast", "7/7", "accuracy 75.00 %"],
        ["new", "iris", "0/10", "-"],
    ]
    assert lines[1].split("\t")[5:] == [f"runs/{first.name}", "-"]
    assert lines[0].split("\t")[6] == "search-1"
    found = [json.loads(line) for line in listed(capsys, "--json")]
    assert [(run["name"], run["status"], run["best"]) for run in found] == [
        (second.name, "completed", 0.75),
        (first.name, "new", None),
    ]
    assert [run["study"] for run in found] == ["search-1", None]
    assert found[0]["directory"] == str(second.path)
    assert found[1]["started"] == "2020-01-01T00:00:00+00:00"
    assert (found[0]["epoch"], found[0]["epochs"], found[0]["seconds"]) == (7, 7, 2.5)


def test_a_folder_without_runs_is_an_empty_list_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "none"
    assert listed(capsys, "--json", "--runs-dir", str(folder)) == []
    with pytest.raises(SystemExit) as exit:
        app(args=["runs", "--runs-dir", str(folder)], prog_name="workbench")
    assert exit.value.code == 0
    assert capsys.readouterr() == ("", f"there are no runs in {folder}\n")


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize("study", [None, "search-1"])
def test_a_terminal_shows_whole_names_in_its_own_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int, study: str | None
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(tmp_path)
    run = create_run(Path("runs"), "mnist-mlp", Preset(name="mnist-mlp").to_toml(), study=study)
    lines = [without_sequences(line) for line in listed(capsys)]
    text = "\n".join(lines)
    assert max(map(len, lines)) <= columns
    assert ("study" in text, "search-1" in text) == (study is not None, study is not None)
    if columns == 160:
        assert f"runs/{run.name}" in text
    else:
        assert run.name.partition("-")[2] in text
        assert "directory" not in text
        assert lines[-1].strip() == "in runs"
