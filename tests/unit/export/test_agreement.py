"""An export that gives other numbers than the checkpoint is never called done, and what differs is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from tests.unit.export.made import drawn_model, drawn_run
from workbench.errors import DataError, StorageError
from workbench.export import write
from workbench.export.agreement import TOLERANCE, DisagreementError, judge
from workbench.export.safetensors_file import save_safetensors
from workbench.export.write import write_checked
from workbench.processes.export import Request
from workbench.training.checkpointing.trained_model import TrainedModel

Data = Mapping[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return drawn_model(tmp_path_factory.mktemp("classes"), "data.name=iris", "model.hidden=[4]")


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    own = ("data.name=diabetes", "loss.name=mse", "model.hidden=[4]")
    return drawn_model(tmp_path_factory.mktemp("values"), *own)


RIGHT = [np.array([[0.2, 0.5, 0.3]], np.float32), np.array([[0.9, 0.1, 0.0], [0.3, 0.3, 0.4]], np.float32)]


def test_rounding_is_no_difference(classes: TrainedModel) -> None:
    found = judge(RIGHT, [RIGHT[0], RIGHT[1] + np.float32(1e-6)], classes)
    assert found.difference == pytest.approx(1e-6, rel=0.1)
    assert (found.same_classes, found.wrong) == (1.0, "")


def test_other_probabilities_are_said_with_the_classes_that_they_change(classes: TrainedModel) -> None:
    other = np.array([[0.1, 0.9, 0.0], [0.3, 0.3, 0.4]], np.float32)
    found = judge(RIGHT, [RIGHT[0], other], classes)
    assert found.same_classes == pytest.approx(2 / 3)
    assert found.wrong == "by up to 0.8 of a probability in a batch of 2, and 2 of 3 predicted classes are the same"


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_not_finite_differs_from_what_is(classes: TrainedModel, odd: float) -> None:
    other = RIGHT[1].copy()
    other[1, 2] = odd
    assert judge(RIGHT, [RIGHT[0], other], classes).wrong.startswith("by up to inf")
    assert judge([other], [other], classes).wrong == ""


def test_another_shape_differs(classes: TrainedModel) -> None:
    assert judge(RIGHT, [RIGHT[0], RIGHT[1][:1]], classes).wrong == "its output has shape (1, 3) and not (2, 3)"


def test_values_may_differ_as_much_as_rounding_of_their_scores(values: TrainedModel) -> None:
    scale = values.target_scale
    assert scale is not None
    mean, deviation = float(scale.mean), float(scale.std)
    right = np.array([[mean], [mean + 10 * deviation]])
    allowed = 10 * deviation * TOLERANCE
    assert judge([right], [right + 0.9 * allowed], values).wrong == ""
    found = judge([right], [right + 1.1 * allowed], values)
    assert found.wrong.startswith("by up to ")
    assert found.wrong.endswith("of a value in a batch of 2")
    assert found.same_classes is None


def changed(model: TrainedModel, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes other weights than those of the checkpoint."""
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
            break
    save_safetensors(model, path, facts)


def test_an_export_with_a_wrong_weight_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model that it is compared with is that of the checkpoint, whatever the writer does to its own."""
    run = drawn_run(tmp_path, "data.name=iris", "model.hidden=[8]")
    monkeypatch.setattr(write, "_writer", lambda kind: changed)
    request = Request(str(run.path), "safetensors", str(tmp_path / "model.safetensors"))
    with pytest.raises(
        DisagreementError, match=r"export differs from the checkpoint and was not written: by up to 0\.\d+ of a prob"
    ):
        write_checked(request, lambda doing: None)


def test_an_export_that_cannot_be_loaded_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = drawn_run(tmp_path, "data.name=iris", "model.hidden=[8]")
    monkeypatch.setattr(write, "_writer", lambda kind: lambda model, path, facts: path.write_text("nothing"))
    with pytest.raises(DisagreementError, match=r"the onnx export could not be loaded and run, .*: .*INVALID_PROTOBUF"):
        write_checked(Request(str(run.path), "onnx", str(tmp_path / "model.onnx")), lambda doing: None)


@pytest.mark.slow
def test_a_run_without_a_checkpoint_has_nothing_to_export(tmp_path: Path) -> None:
    run = drawn_run(tmp_path, "data.name=iris", "model.hidden=[8]")
    (run.checkpoints / "best.pt").rename(run.last_checkpoint)
    request = Request(str(run.path), "onnx", str(tmp_path / "model.onnx"))
    made = write_checked(request, lambda doing: None)
    assert (made.checkpoint, made.origin, made.samples) == ("last.pt", "validation", 32)
    run.last_checkpoint.unlink()
    with pytest.raises(DataError, match=r"has no checkpoint, so there is no model: .* Start it again with: workbench"):
        write_checked(request, lambda doing: None)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = drawn_run(tmp_path, "data.name=iris", "model.hidden=[8]")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "_writer", lambda kind: full)
    with pytest.raises(StorageError, match=r"cannot write .*model\.onnx: No space left on device\. Free some space"):
        write_checked(Request(str(run.path), "onnx", str(tmp_path / "model.onnx")), lambda doing: None)
    # While it is written it lies somewhere else, of which the user knows nothing.
    staged = Request(str(run.path), "onnx", str(tmp_path / ".x" / "model.onnx"), str(tmp_path / "mine.onnx"))
    with pytest.raises(StorageError, match=rf"cannot write {re.escape(str(tmp_path))}/mine\.onnx: No space left"):
        write_checked(staged, lambda doing: None)


def test_another_fault_of_a_library_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = drawn_model(tmp_path, "data.name=iris", "model.hidden=[8]")

    def refuse(*_: object) -> None:
        raise SafetensorError("a tensor is of a strange type")

    monkeypatch.setattr("workbench.export.safetensors_file.save_file", refuse)
    with pytest.raises(OSError, match=r"^a tensor is of a strange type$") as raised:
        save_safetensors(model, tmp_path / "model.safetensors", {})
    assert raised.value.errno is None
