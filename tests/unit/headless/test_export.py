"""The frame of exports: what is asked for is checked before anything is started, and what was written is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from workbench.errors import UsageError
from workbench.export_kinds import KINDS, NAMES, table
from workbench.headless.export import Exported, Request, export
from workbench.headless.exports import onnx
from workbench.headless.options import Options
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.tuning.directory import create_study
from workbench.tuning.question import Question


@dataclass
class Kind:
    """A kind of export that notes what it is asked for."""

    asked: list[tuple[list[str], Path]] = field(default_factory=list)

    def export(self, runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
        self.asked.append(([run.name for run in runs], path))
        return Exported(str(path), 3, {"difference": 0.5}, ("it agrees",))


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kind:
    """In place of onnx, of one run, and of report, of several; in a folder of its own."""
    made = Kind()
    for name in ("onnx", "report"):
        module = ModuleType(name)
        module.export = made.export  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"workbench.headless.exports.{name}", module)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(runs_dir=tmp_path / "runs", studies_dir=tmp_path / "studies")


@pytest.fixture
def run(options: Options) -> RunDirectory:
    return create_run(options.runs_folder, "iris", Preset().to_toml())


def test_without_a_place_it_is_named_after_the_run(kind: Kind, run: RunDirectory, options: Options) -> None:
    assert export(Request((run.name,), "onnx"), options) == 0
    assert kind.asked == [([run.name], Path.cwd() / f"{run.name}.onnx")]


def test_a_folder_that_is_there_gets_the_file(kind: Kind, run: RunDirectory, options: Options, tmp_path: Path) -> None:
    export(Request((run.name,), "onnx", tmp_path), options)
    export(Request((run.name,), "onnx", Path("new/model.onnx")), options)
    assert [path for _, path in kind.asked] == [tmp_path / f"{run.name}.onnx", tmp_path / "new/model.onnx"]


def test_the_users_home_is_found(
    kind: Kind, run: RunDirectory, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    export(Request((run.name,), "onnx", Path("~")), options)
    assert kind.asked[0][1] == tmp_path / f"{run.name}.onnx"


def test_what_is_there_is_replaced_only_if_that_is_asked_for(kind: Kind, run: RunDirectory, options: Options) -> None:
    Path("model.onnx").write_text("mine")
    with pytest.raises(UsageError, match=r"model\.onnx exists already: choose another --out, or .* --overwrite"):
        export(Request((run.name,), "onnx", Path("model.onnx")), options)
    assert kind.asked == []
    export(Request((run.name,), "onnx", Path("model.onnx"), overwrite=True), options)
    assert len(kind.asked) == 1


def test_several_runs_are_for_what_compares_them(kind: Kind, run: RunDirectory, options: Options) -> None:
    other = create_run(options.runs_folder, "iris", Preset().to_toml())
    with pytest.raises(UsageError, match=r"--to onnx takes one run, but 2 are named: export one after another"):
        export(Request((run.name, other.name), "onnx"), options)
    export(Request((run.name, other.name), "report"), options)
    assert kind.asked == [([run.name, other.name], Path.cwd() / f"{run.name}-and-1-more.html")]


def test_a_misspelt_kind_gets_the_nearest(run: RunDirectory, options: Options) -> None:
    with pytest.raises(UsageError, match=r"--to onx is not a kind of export; did you mean onnx\?"):
        export(Request((run.name,), "onx"), options)
    with pytest.raises(UsageError, match="--to pickle is not a kind of export; known: safetensors, torch_export"):
        export(Request((run.name,), "pickle"), options)


def test_a_run_that_is_not_there_is_said(kind: Kind, run: RunDirectory, options: Options) -> None:
    with pytest.raises(UsageError, match=r"there is no run 'irsi' in .*did you mean .*-iris-"):
        export(Request(("irsi",), "onnx"), options)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_study_is_not_a_run(kind: Kind, options: Options, *, by_path: bool) -> None:
    study = create_study(options.studies_folder, Preset().override(["name=wide"]), Question("repeat"))
    with pytest.raises(
        UsageError, match=rf"{study.name} is a study, not a run: export one of its runs, .*/trials/RUN --to onnx"
    ):
        export(Request((str(study.path) if by_path else "wide",), "onnx"), options)


def test_what_was_written_is_said(
    kind: Kind, run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    request = Request((run.name,), "onnx", Path("model.onnx"))
    export(request, Options(runs_dir=runs))
    assert capsys.readouterr().out == "it agrees\nwrote model.onnx\n"
    export(request, Options(runs_dir=runs, quiet=True))
    assert capsys.readouterr().out == f"{tmp_path}/model.onnx\n"
    export(request, Options(runs_dir=runs, json_output=True))
    written = {"path": f"{tmp_path}/model.onnx", "bytes": 3, "lines": ["it agrees"]}
    expected = {"type": "result", "to": "onnx", **written, "difference": 0.5}
    assert json.loads(capsys.readouterr().out) == expected


def test_a_missing_extra_is_named(run: RunDirectory, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(UsageError, match=r"not installed \(onnxruntime\): pip install 'tuning-workbench\[onnx\]'"):
        export(Request((run.name,), "onnx", Path("/nowhere/model.onnx")), options)


def test_every_kind_is_in_the_help() -> None:
    assert tuple(KINDS) == NAMES
    assert all(f"{name}: " in table() for name in NAMES)
