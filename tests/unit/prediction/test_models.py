"""Which model is taken, and what is said where there is none, or one of an earlier version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.unit.data.examples import sound
from tests.unit.prediction.conftest import Trained, predict, train
from tests.unit.prediction.test_new_inputs import FLOWERS, flowers
from tests.unit.training.test_named_inputs import Texts as NamedTexts
from tests.unit.training.test_named_inputs import padded
from workbench.data.samples import Lazy, Samples, Task
from workbench.errors import DamagedCheckpointError, DataError, UntrustedCodeError, UsageError, UserCodeError
from workbench.export.safetensors_file import save_safetensors
from workbench.prediction.load import load_model
from workbench.runs.directory import create_run
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints

CPU = torch.device("cpu")


def without_reader(trained: Trained, folder: Path) -> Path:
    """The best checkpoint as an earlier version wrote it."""
    state = checkpoints.load(trained.run.checkpoints / "best.pt", CPU)
    del state["description"]["reader"], state["version"]
    file = folder / "earlier" / "best.pt"
    file.parent.mkdir()
    checkpoints.save(file, state)
    return file


def test_a_run_without_a_checkpoint(tmp_path: Path) -> None:
    run = create_run(tmp_path, "iris", Preset().to_toml())
    with pytest.raises(DataError, match=r"has no checkpoint.*Start it again with: workbench --preset"):
        predict(run.path, flowers(tmp_path / "new.csv"))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = flowers(tmp_path / "new.csv")
    with pytest.raises(UsageError, match="neither a run, a checkpoint"):
        predict(file, file)
    with pytest.raises(UsageError, match=r"absent\.pt does not exist"):
        predict(tmp_path / "absent.pt", file)
    (tmp_path / "damaged.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(DamagedCheckpointError, match=r"damaged\.pt"):
        predict(tmp_path / "damaged.pt", file)


def test_a_reader_of_a_later_version_is_left_to_the_preset(iris: Trained, tmp_path: Path) -> None:
    state = checkpoints.load(iris.run.checkpoints / "best.pt", CPU)
    state["description"]["reader"]["name"] = "holograms"
    del state["version"]
    (tmp_path / "later").mkdir()
    checkpoints.save(tmp_path / "later" / "best.pt", state)
    assert load_model(tmp_path / "later" / "best.pt").reader is None
    lines, _ = predict(tmp_path / "later" / "best.pt", flowers(tmp_path / "new.csv"))
    expected, _ = predict(iris.run.path, tmp_path / "new.csv")
    assert lines == expected


def test_a_table_of_an_earlier_version_has_to_be_trained_again(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    trained = train_example("csv", "loss.name=mse", "model.hidden=[4]")
    with pytest.raises(DataError, match=r"earlier version, which did not keep the columns.*train the model again"):
        predict(without_reader(trained, tmp_path), tmp_path / "t.csv")


def test_images_of_an_earlier_version_are_read_by_the_preset(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    trained = train_example("image_folder", "model.name=cnn", "model.channels=[4]", "data.size=4")
    earlier = without_reader(trained, tmp_path)
    place = tmp_path / "images" / "cat"
    expected, _ = predict(trained.run.path, place)
    assert len(expected) == 12
    found, _ = predict(earlier, place)
    assert found == expected
    deep = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 6), 1000, dtype=np.uint16)).save(deep)
    predict(trained.run.path, deep)
    with pytest.raises(DataError, match=r"more than 8 bits.*does not say which value is white"):
        predict(earlier, deep)


def test_texts_and_sounds_of_an_earlier_version_are_read_by_the_preset(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    texts = train_example("text_table", "model.name=bag_of_embeddings")
    lines = tmp_path / "new.jsonl"
    lines.write_text(json.dumps({"text": "sun moon"}))
    assert predict(without_reader(texts, tmp_path), lines)[0] == predict(texts.run.path, lines)[0]
    sounds = train_example("audio_folder", "model.name=audio_cnn", "model.channels=[4]")
    sound(tmp_path / "new.wav", 3)
    (tmp_path / "other").mkdir()
    earlier = without_reader(sounds, tmp_path / "other")
    assert predict(earlier, tmp_path / "new.wav")[0] == predict(sounds.run.path, tmp_path / "new.wav")[0]


MODEL = """
from torch import nn

def build(inputs, outputs, activation):
    return nn.Linear(inputs[0], outputs)
"""


def test_code_of_the_users_own_runs_only_with_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = tmp_path / "own_model_of_a_test.py"
    own.write_text(MODEL)
    code.trust("own_model_of_a_test:build")
    trained = train(tmp_path, "data.name=iris", "model.name=module", "model.function=own_model_of_a_test:build")
    file = flowers(tmp_path / "new.csv")
    expected, _ = predict(trained.run.path, file)
    own.write_text(MODEL + "# changed\n")
    with pytest.raises(UntrustedCodeError, match=r"own_model_of_a_test.*--trust-code"):
        predict(trained.run.path, file)
    assert predict(trained.run.path, file, trust_code=True)[0] == expected
    assert predict(trained.run.path, file)[0] == expected
    own.unlink()
    for trusted in (False, True):
        with pytest.raises(UserCodeError, match="own_model_of_a_test"):
            predict(trained.run.path, file, trust_code=trusted)


def of_pairs() -> Any:
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def test_data_of_the_users_own_is_read_as_arrays_or_as_rows_of_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.settings.code.call", lambda name, **arguments: of_pairs())
    trained = train(tmp_path, "data.name=module", "data.function=mine:data", "model.hidden=[4]")
    np.savez(tmp_path / "new.npz", x=np.array(FLOWERS, dtype=np.float32))
    lines, _ = predict(trained.run.path, tmp_path / "new.npz")
    model = load_model(trained.run.path)
    assert [line["prediction"] for line in lines] == [
        model.classes[place] for place in model(torch.tensor(FLOWERS)).argmax(1)
    ]
    for header in (None, ["a", "b", "c", "d"]):
        rows, _ = predict(trained.run.path, flowers(tmp_path / "new.csv", header=header))
        assert [row["probability"] for row in rows] == [line["probability"] for line in lines]
    with pytest.raises(DataError, match="has 3 columns, but the model takes 4 numbers"):
        predict(trained.run.path, flowers(tmp_path / "less.csv", header=None, rows=[[1, 2, 3]]))
    np.savez(tmp_path / "less.npz", x=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"sample 1: x has shape \(3,\), but samples of the model have \(4,\)"):
        predict(trained.run.path, tmp_path / "less.npz")


class Mean(nn.Module):
    """The mean of the words' embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(20, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        scores: Tensor = self.scores(self.embedding(ids).sum(1) / lengths.unsqueeze(1))
        return scores


def test_inputs_by_name_come_from_arrays_of_these_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions: dict[str, Callable[..., Any]] = {
        "mine:data": lambda: Samples(
            Lazy(NamedTexts(), NamedTexts().classes), Task("classification", 2, classes=("no", "yes")), collate=padded
        ),
        "mine:model": lambda *_: Mean(),
    }
    monkeypatch.setattr(
        "workbench.settings.code.call", lambda name, *positional, **named: functions[name](*positional, **named)
    )
    own = ["data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model"]
    trained = train(tmp_path, *own)
    ids, lengths = np.array([[7, 1, 2, 3, 0], [4, 5, 6, 7, 8]]), np.array([4, 5])
    np.savez(tmp_path / "new.npz", ids=ids, lengths=lengths)
    lines, _ = predict(trained.run.path, tmp_path / "new.npz")
    model = load_model(trained.run.path)
    answers = model({"ids": torch.from_numpy(ids), "lengths": torch.from_numpy(lengths)})
    assert [line["prediction"] for line in lines] == [model.classes[place] for place in answers.argmax(1)]
    np.savez(tmp_path / "less.npz", ids=ids)
    with pytest.raises(DataError, match="lacks the array lengths; it has ids"):
        predict(trained.run.path, tmp_path / "less.npz")
    np.savez(tmp_path / "uneven.npz", ids=ids, lengths=lengths[:1])
    with pytest.raises(DataError, match="differ in the number of samples"):
        predict(trained.run.path, tmp_path / "uneven.npz")


def test_an_exported_file_predicts_as_its_checkpoint(iris: Trained, tmp_path: Path) -> None:
    model = load_model(iris.run.path)
    save_safetensors(model, tmp_path / "iris.safetensors", {})
    file = flowers(tmp_path / "new.csv")
    assert predict(tmp_path / "iris.safetensors", file)[0] == predict(iris.run.path, file)[0]
    assert predict(tmp_path / "iris.safetensors", split="test")[1].metrics["accuracy"] == iris.test["accuracy"]
    assert predict(tmp_path / "iris.safetensors", file, trust_code=True)[0] == predict(iris.run.path, file)[0]
    (tmp_path / "other.safetensors").write_bytes(b"nothing of that kind")
    with pytest.raises(DamagedCheckpointError, match=r"other\.safetensors"):
        predict(tmp_path / "other.safetensors", file)
