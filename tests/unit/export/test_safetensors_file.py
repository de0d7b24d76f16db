"""A safetensors file alone predicts as the checkpoint does, to the bit; what is not such a file is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn

from tests.unit.export.made import drawn_model
from workbench import __version__
from workbench.errors import DamagedCheckpointError, DataError, UntrustedCodeError, UsageError
from workbench.export.plain import from_json, to_json
from workbench.export.safetensors_file import load_safetensors, save_safetensors
from workbench.export.samples import random_samples
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel

IRIS = ("data.name=iris", "model.hidden=[8]")
OWN = ("data.name=iris", "model.name=module", "model.function=mine:model")
Functions = dict[str, Callable[..., Any]]


def saved(folder: Path, *assignments: str) -> tuple[TrainedModel, Path]:
    model, path = drawn_model(folder, *assignments), folder / "model.safetensors"
    save_safetensors(model, path, {"run": "a run", "metrics": {"accuracy": 0.75}})
    return model, path


def assert_same(before: TrainedModel, after: TrainedModel) -> None:
    """All that a prediction depends on, to the bit."""
    weights, found = before.state_dict(), after.state_dict()
    assert weights.keys() == found.keys()
    for name, tensor in weights.items():
        assert tensor.dtype == found[name].dtype
        assert torch.equal(tensor, found[name])
    assert to_json(sorted(before.description.items())) == to_json(sorted(after.description.items()))
    assert (before.classes, before.targets, before.raw, before.task, before.epoch, before.preset) == (
        *(after.classes, after.targets, after.raw, after.task, after.epoch, after.preset),
    )


@pytest.mark.parametrize(
    "assignments",
    [
        IRIS,
        ("data.name=diabetes", "loss.name=mse", "model.hidden=[8]"),
        ("data.name=digits", "model.name=cnn", "model.channels=[4,8]"),
    ],
)
def test_the_file_alone_predicts_what_the_checkpoint_does(tmp_path: Path, assignments: tuple[str, ...]) -> None:
    model, path = saved(tmp_path, *assignments)
    loaded = load_safetensors(path)
    assert_same(model, loaded)
    assert loaded.epoch == 3


@pytest.mark.parametrize("kind", ["texts", "log_mel"])
def test_it_holds_tokenizers_and_spectrograms_too(
    tmp_path: Path, data: Mapping[str, tuple[str, ...]], kind: str
) -> None:
    name = {"texts": "bag_of_embeddings", "log_mel": "audio_cnn"}[kind]
    model, path = saved(tmp_path, *data[kind], f"model.name={name}")
    loaded = load_safetensors(path)
    assert_same(model, loaded)
    raw = random_samples(model)
    assert torch.equal(loaded(raw), model(raw))


def test_the_metadata_are_text_that_others_can_read(tmp_path: Path) -> None:
    model, path = saved(tmp_path, *IRIS)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert (metadata["format"], metadata["made_by"]) == ("pt", f"workbench {__version__}")
    assert json.loads(metadata["classes"]) == ["setosa", "versicolor", "virginica"]
    assert Preset.from_toml(metadata["preset"], "the file") == model.preset
    assert json.loads(metadata["facts"]) == {"run": "a run", "metrics": {"accuracy": 0.75}}
    assert safetensors.torch.load_file(path).keys() == model.model.state_dict().keys()


class Tied(nn.Module):
    """A model whose two layers are one, and which keeps halves, whole numbers and a tensor of no numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.out = nn.Linear(4, 3)
        self.register_buffer("halves", torch.tensor([0.1, float("nan"), -0.0]).bfloat16())
        self.register_buffer("count", torch.tensor(2**40 + 1))
        self.register_buffer("empty", torch.empty(0, 3))
        self.register_buffer("across", torch.arange(6).reshape(2, 3).t())
        self.register_buffer("preset", torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.out(self.second(self.first(x)))
        return scores


def test_tied_weights_and_odd_tensors_come_back_to_the_bit(tmp_path: Path, user_functions: Functions) -> None:
    user_functions["mine:model"] = lambda inputs, outputs, activation: Tied()
    model, path = saved(tmp_path, *OWN)
    assert model.model.get_parameter("first.weight") is model.model.get_parameter("second.weight")
    assert set(model.model.state_dict()) - set(safetensors.torch.load_file(path)) == {"second.weight"}
    found = load_safetensors(path).model.state_dict()
    for name, tensor in model.model.state_dict().items():
        assert torch.equal(
            tensor.contiguous().view(-1).view(torch.uint8), found[name].contiguous().view(-1).view(torch.uint8)
        )
    twin = Tied()
    missing, unexpected = safetensors.torch.load_model(twin, path)
    assert not missing
    assert not unexpected
    assert torch.equal(twin.first.weight, model.model.get_parameter("first.weight"))


def test_what_the_format_cannot_hold_is_said(tmp_path: Path, user_functions: Functions) -> None:
    class Keeps(Tied):
        def get_extra_state(self) -> dict[str, int]:
            return {"calls": 3}

        def set_extra_state(self, state: object) -> None:
            pass

    user_functions["mine:model"] = lambda inputs, outputs, activation: Keeps()
    with pytest.raises(
        DataError, match=r"the model keeps a dict \(_extra_state\), and safetensors holds tensors alone"
    ):
        saved(tmp_path, *OWN)


def rewritten(path: Path, **changes: str | None) -> Path:
    """The file with other metadata."""
    with safe_open(path, framework="pt") as file:
        metadata = {key: text for key, text in (file.metadata() | changes).items() if text is not None}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.torch.save_file(tensors, path, metadata)
    return path


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"weight": torch.ones(3)}, foreign)
    with pytest.raises(UsageError, match=r"was not written by workbench export: it holds weights alone"):
        load_safetensors(foreign)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    _, path = saved(tmp_path, *IRIS)
    newer = rewritten(path, schema="2", made_by="workbench 99.0")
    with pytest.raises(UsageError, match=r"written by a newer version \(workbench 99.0\)"):
        load_safetensors(newer)


def test_a_bit_that_has_flipped_anywhere_is_noticed(tmp_path: Path) -> None:
    """The format itself has no checksum."""
    _, path = saved(tmp_path, *IRIS)
    content = path.read_bytes()
    header = int.from_bytes(content[:8], "little")
    for place in (content.index(b"setosa"), content.index(b"learning_rate"), 8 + header + 4, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DamagedCheckpointError, match=r"model\.safetensors is damaged"):
            load_safetensors(path)


@pytest.mark.parametrize("size", [0, 7, 100, -10])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, size: int) -> None:
    _, path = saved(tmp_path, *IRIS)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedCheckpointError, match=r"is damaged: .*Export the run again"):
        load_safetensors(path)


@pytest.mark.parametrize("name", ["nowhere.safetensors", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read "):
        load_safetensors(tmp_path / name)


def test_a_model_of_ones_own_needs_its_code(
    tmp_path: Path, user_functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_functions["mine:model"] = lambda inputs, outputs, activation: Tied()
    _, path = saved(tmp_path, *OWN)

    def refuse(*_: object, **__: object) -> None:
        raise UntrustedCodeError("start again with --trust-code")

    monkeypatch.setattr("workbench.settings.code.call", refuse)
    with pytest.raises(UntrustedCodeError, match=r"a model of your own, mine:model, whose code is needed"):
        load_safetensors(path)


def test_plain_values_come_back_exactly() -> None:
    expected = [torch.tensor(1.5), torch.arange(3, dtype=torch.int16), torch.empty(0, 2)]
    value = {
        "tuple": (1, "a", None, True, 0.1, float("inf")),
        "bytes": b"\x00\xff",
        "dtype": torch.float64,
        "numbers": {1: "one", (2, 3): "pair"},
        "$tag": 3,
    }
    found = from_json(to_json(value | {"tensors": expected}))
    tensors = found.pop("tensors")
    assert found == value
    assert all(torch.equal(*pair) and pair[0].dtype == pair[1].dtype for pair in zip(tensors, expected, strict=True))
    with pytest.raises(TypeError, match="a set is neither"):
        to_json({"value": {1}})
