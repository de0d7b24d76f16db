"""The process that previews settings: what it says of them, what it reads again, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.errors import PresetError, WorkbenchError
from workbench.processes.data import DataSummary
from workbench.processes.plan import Plan
from workbench.processes.preview import DATA, MODEL, PLAN, Model, Previewed, Request
from workbench.settings.preset import Preset
from workbench.training.describing import source
from workbench.training.prepared_data import prepare
from workbench.training.processes import preview as module
from workbench.training.processes.preview import Previewer

DIGITS = Preset().override(["data.name=digits", "data.batch_size=64", "model.hidden=[16]", "runtime.device=cpu"])


class Sent:
    """The parts of an answer."""

    def __init__(self, previewer: Previewer, preset: Preset) -> None:
        self.parts: dict[str, Any] = {}
        self.end: Previewed = previewer.answer(Request.of(preset), self.parts.__setitem__)


def noting(read: list[str], reading: Any) -> Any:
    def noted(preset: Preset, *arguments: Any, **keywords: Any) -> Any:
        read.append(preset.data.label())
        return reading(preset, *arguments, **keywords)

    return noted


def test_a_preset_is_previewed_with_its_data_its_layers_and_what_a_step_takes() -> None:
    sent = Sent(Previewer(), DIGITS)
    assert list(sent.parts) == [DATA, MODEL, PLAN]
    data, model, plan = sent.parts[DATA], sent.parts[MODEL], sent.parts[PLAN]
    assert isinstance(data, DataSummary)
    assert isinstance(model, Model)
    assert isinstance(plan, Plan)
    assert (data.data, data.outputs, len(data.samples)) == ("digits", 10, 10)
    assert model.parameters == plan.parameters == 1210
    assert plan.peak_bytes is not None
    assert sent.end.uses_gpu is False
    assert sent.end.step_ms is not None
    assert 0 < sent.end.step_ms < 1000


def test_data_is_read_again_only_where_it_is_read_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(source, "prepare", noting(read, prepare))
    previewer = Previewer()
    for change in ("model.hidden=[8]", "data.batch_size=7", "optimizer.learning_rate=0.5", "training.epochs=3"):
        assert DATA in Sent(previewer, DIGITS.override([change])).parts
    assert len(read) == 1
    assert Sent(previewer, DIGITS.override(["data.name=iris"])).parts[DATA].data == "iris"
    assert len(read) == 2


def test_data_that_has_been_seen_is_not_described_again() -> None:
    previewer, parts = Previewer(), dict[str, Any]()
    Sent(previewer, DIGITS)
    previewer.answer(Request.of(DIGITS, shows_data=False), parts.__setitem__)
    assert list(parts) == [MODEL, PLAN]


def test_settings_that_cannot_be_trained_still_show_their_data() -> None:
    parts: dict[str, Any] = {}
    with pytest.raises(PresetError, match=r"data\.batch_size = 5000"):
        Previewer().answer(Request.of(DIGITS.override(["data.batch_size=5000"])), parts.__setitem__)
    assert list(parts) == [DATA]


def test_a_large_file_is_not_read_in_passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILE_BYTES", 10)
    file = tmp_path / "large.csv"
    file.write_text("a,y\n1,2\n3,4\n")
    large = DIGITS.override(["data.name=csv", f"data.file={file}", "data.target=y"])
    with pytest.raises(WorkbenchError, match=r"large\.csv has 12 B, which is not read in passing"):
        Previewer().answer(Request.of(large), lambda kind, part: None)


def test_where_a_gpu_would_train_the_layers_are_shown_and_the_gpu_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    sent = Sent(Previewer(), DIGITS.override(["runtime.device=auto", "runtime.precision=tf32"]))
    assert list(sent.parts) == [DATA, MODEL]
    assert sent.end == Previewed(uses_gpu=True)
    assert not torch.cuda.is_initialized()
    assert torch.cuda.is_available(), "as before"
