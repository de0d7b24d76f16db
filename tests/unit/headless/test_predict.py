"""What `workbench predict` refuses before any process is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.errors import PresetError, UsageError
from workbench.headless.options import Options
from workbench.headless.predict import Destination, predict
from workbench.processes.predict import Request
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.chdir(tmp_path)
    run = create_run(tmp_path / "runs", "iris", Preset().to_toml())
    run.checkpoints.mkdir()
    (tmp_path / "taken.jsonl").write_text("taken")
    return Options(runs_dir=tmp_path / "runs")


@pytest.mark.parametrize(
    ("model", "request_", "said"),
    [
        ("iris", {}, "nothing to predict"),
        ("irsi", {"inputs": ["a.csv"]}, "there is no run 'irsi'"),
        ("best.pt", {"inputs": ["a.csv"]}, "there is no run 'best.pt'"),
        ("iris", {"inputs": ["a.csv"], "split": "test"}, "give no inputs with it"),
        ("iris", {"texts": ["a"], "split": "test"}, "give no inputs with it"),
        ("iris", {"split": "tset"}, "--split takes one of train, validation, test, not tset"),
        ("iris", {"split": "test", "skip_broken": True}, "--split predicts as the run did"),
        ("iris", {"split": "test", "overrides": ["data.temperature=0"]}, "--split predicts as the run did"),
        ("iris", {"inputs": ["a.csv"], "batch_size": 0}, "--batch-size takes a number from 1 to 16,777,216, not 0"),
        ("iris", {"inputs": ["a.csv"], "device": "gpu"}, "--device: runtime.device"),
        ("iris", {"inputs": ["-", "-"]}, "can be read only once"),
    ],
)
def test_a_command_that_cannot_be_is_refused(options: Options, model: str, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        predict(model, Request("", **request_), Destination(), options)


def test_what_is_there_is_not_replaced_without_being_asked(options: Options) -> None:
    request = Request("", inputs=["a.csv"])
    with pytest.raises(UsageError, match=r"taken\.jsonl exists already"):
        predict("iris", request, Destination(Path("taken.jsonl")), options)
    with pytest.raises(UsageError, match="runs is a folder"):
        predict("iris", request, Destination(Path("runs"), overwrite=True), options)
    assert Path("taken.jsonl").read_text() == "taken"


def test_a_run_of_another_loop_has_no_model(options: Options, tmp_path: Path) -> None:
    create_run(tmp_path / "runs", "mine", 'name = "mine"\nloop = "watch"\n')
    with pytest.raises(PresetError, match="this run was made by"):
        predict("mine", Request("", inputs=["a.csv"]), Destination(), options)
