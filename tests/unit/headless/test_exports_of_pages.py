"""`workbench export` to a report, to SVG and to CSV: what is written, and what is refused."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.unit.report_page.made import Page, made_run, prepared, usual_events
from workbench.atomic_files import umask
from workbench.cli.root import app
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset

Export = Callable[..., tuple[str, str]]


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    """Runs `workbench export` in a folder of its own; returns stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("WORKBENCH_RUNS", "WORKBENCH_STUDIES"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as exit:
            app(args=["export", *words], prog_name="workbench")
        said = capsys.readouterr()
        assert exit.value.code == code, said.err
        return said.out, said.err

    return run


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return made_run(tmp_path / "runs", usual_events(), summary={})


def result(out: str) -> dict[str, Any]:
    [line] = out.splitlines()
    return json.loads(line)  # type: ignore[no-any-return]


def test_a_report_of_one_run_and_of_two(export: Export, run: RunDirectory, tmp_path: Path) -> None:
    found = result(export("pets", "--to", "report", "--json")[0])
    path = tmp_path / f"{run.name}.html"
    [line] = found.pop("lines")
    assert line.startswith("a report of a run, ")
    assert found == {"type": "result", "to": "report", "path": str(path), "bytes": path.stat().st_size}
    assert Page(path.read_text()).has_row("test accuracy", "83.33 %", "best epoch 2")
    other = made_run(tmp_path / "runs", usual_events(), preset=Preset(name="birds"), summary={})
    out, _ = export("pets", "birds", "--to", "report", "-o", "both.html")
    assert "a report of a comparison of 2 runs" in out
    assert Page((tmp_path / "both.html").read_text()).has_row("B", other.name, "completed", "3", "1.50 s")
    assert "exists already" in export("pets", "--to", "report", code=2)[1]
    assert export("pets", "--to", "report", "--overwrite", "-q")[0].strip() == str(path)


def test_what_cannot_be_compared_is_refused(export: Export, run: RunDirectory, tmp_path: Path) -> None:
    assert f"{run.name} was given twice" in export("pets", run.name, "--to", "report", code=2)[1]
    for seed in range(12):
        made_run(tmp_path / "runs", [], preset=Preset(name=f"other{seed}"))
    names = [f"other{seed}-" for seed in range(12)]
    assert "a comparison takes at most 12 runs" in export("pets", *names, "--to", "report", code=2)[1]
    broken = made_run(tmp_path / "runs", [], preset=Preset(name="broken"))
    broken.preset.write_text("name = <")
    assert "preset.toml" in export("pets", "broken", "--to", "report", code=2)[1]
    assert not list(tmp_path.glob("*.html"))


def test_charts_as_svg(export: Export, run: RunDirectory, tmp_path: Path) -> None:
    found = result(export("pets", "--to", "svg", "--json")[0])
    folder = tmp_path / f"{run.name}-svg"
    assert found["path"] == str(folder)
    assert found["charts"] == ["loss", "accuracy", "phases", "throughput", "memory"]
    assert sorted(path.stem for path in folder.iterdir()) == sorted(found["charts"])
    for path in folder.iterdir():
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask()


def test_curves_as_csv(export: Export, run: RunDirectory, tmp_path: Path) -> None:
    found = result(export("pets", "--to", "csv", "--out", "tables", "--json")[0])
    assert found["rows"] == {"steps": 12, "epochs": 3, "timing": 3, "memory": 3}
    with (tmp_path / "tables" / "steps.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[:2] == [["step", "loss", "learning_rate", "epoch", "seconds"], ["1", "2.0", "", "", ""]]
    assert rows[4] == ["4", "1.7", "0.01", "1.0", "0.5"]
    export("pets", "--to", "csv", "--out", "tables", "--overwrite")


@pytest.mark.parametrize("to", ["svg", "csv"])
def test_a_folder_of_others_is_never_replaced(export: Export, run: RunDirectory, tmp_path: Path, to: str) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.tex").write_text("years of work")
    for overwrite in ([], ["--overwrite"]):
        export("pets", "--to", to, "-o", str(kept), *overwrite, code=2)
    (tmp_path / "link").symlink_to(kept)
    export("pets", "--to", to, "-o", "link", "--overwrite", code=2)
    assert [path.name for path in kept.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("to", ["report", "svg", "csv"])
def test_a_full_disk_leaves_nothing(
    export: Export, run: RunDirectory, tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(Path, "rename", full)
    monkeypatch.setattr(os, "fsync", full)
    _, err = export("pets", "--to", to, code=3)
    assert "No space left on device. Free some space or choose another folder." in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("to", ["svg", "csv"])
def test_a_run_without_curves_is_a_clear_line(export: Export, tmp_path: Path, to: str) -> None:
    made_run(tmp_path / "runs", [prepared()])
    assert "has no curves yet: it has not trained a step" in export("pets", "--to", to, code=2)[1]
