"""The layers of a network: shapes as they come out, parameters as they are trained."""

from __future__ import annotations

import json

import pytest

from workbench.processes.messages import decode, encode
from workbench.processes.preview import Layer, Model
from workbench.settings.preset import Preset
from workbench.training.describing.layers import describe_model
from workbench.training.job import Job, build_job

DIGITS = ["data.name=digits", "runtime.device=cpu"]


def job_of(*overrides: str) -> Job:
    return build_job(Preset().override([*DIGITS, *overrides]), lambda progress: None)


def described(*overrides: str) -> Model:
    found = describe_model(job_of(*overrides))
    assert decode(Model, json.loads(encode(found))) == found, "it can be sent"
    return found


def test_a_perceptron_layer_by_layer() -> None:
    found = described("model.hidden=[16]", "model.dropout=0.5")
    assert found.layers == [
        Layer("layers", "Sequential", [10], 64 * 16 + 16 + 16 * 10 + 10, is_group=True),
        Layer("layers.0", "Flatten", [64], 0),
        Layer("layers.1", "Linear", [16], 64 * 16 + 16),
        Layer("layers.2", "ReLU", [16], 0),
        Layer("layers.3", "Dropout", [16], 0),
        Layer("layers.4", "Linear", [10], 16 * 10 + 10),
    ]
    assert found.parameters == 1210
    assert found.input_shape == [1, 8, 8]
    assert found.note == ""


def test_a_convolution_has_its_window_and_what_it_makes_of_an_image() -> None:
    found = described("model.name=cnn", "model.channels=[4]", "model.batch_norm=false")
    shapes = {layer.kind: (layer.shape, layer.kernel) for layer in found.layers if not layer.is_group}
    assert shapes["Conv2d"] == ([4, 8, 8], [3, 3])
    assert shapes["MaxPool2d"] == ([4, 4, 4], [2, 2])


def test_the_network_is_left_as_it_was() -> None:
    job = job_of("model.name=cnn", "model.channels=[4]", "model.batch_norm=true")
    before = {name: tensor.clone() for name, tensor in job.model.state_dict().items()}
    job.model.train()
    describe_model(job)
    assert all(module.training for module in job.model.modules())
    assert all((before[name] == tensor).all() for name, tensor in job.model.state_dict().items()), "no statistics"
    assert not any(module._forward_hooks for module in job.model.modules())


def test_a_model_that_cannot_be_run_so_has_its_layers_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of("model.hidden=[16]")

    def refuse(_: object) -> None:
        raise RuntimeError("only on Sundays")

    monkeypatch.setattr(job.model, "forward", refuse)
    found = describe_model(job)
    assert [layer.shape for layer in found.layers] == [[]] * 5
    assert found.parameters == 1210
    assert "only on Sundays" in found.note
