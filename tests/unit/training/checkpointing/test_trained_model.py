"""A checkpoint alone predicts on raw samples what the run measured: neither the data nor the run is needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch import Tensor, nn

from tests.unit.training.scripted import build_trainer, new_trainer, of_type
from workbench.data.samples import InMemory
from workbench.errors import DamagedCheckpointError, DataError, UntrustedCodeError, UserCodeError
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.trainer import Trainer

CPU = torch.device("cpu")


def trained(folder: Path, *assignments: str) -> tuple[Trainer, dict[str, Any], InMemory]:
    """A trainer that has finished, its test metrics, and the raw test samples as the source gives them."""
    preset = Preset().override(["training.epochs=2", "data.batch_size=16", "runtime.device=cpu", *assignments])
    trainer = build_trainer(create_run(folder / "runs", preset.name, preset.to_toml()))
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    split = preset.validation.build(preset.data.build(lambda progress: None)).test
    assert isinstance(split, InMemory)
    return trainer, test.metrics, split


def moved_away(trainer: Trainer, name: str = "best.pt") -> Path:
    """The checkpoint in a folder of its own, the run being gone."""
    kept = trainer.run.path.parent.parent / name
    shutil.copy(trainer.run.checkpoints / name, kept)
    shutil.rmtree(trainer.run.path)
    return kept


def assert_classifies_as(metrics: dict[str, Any], model: TrainedModel, test: InMemory) -> None:
    probabilities = model(test.inputs)
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(test)))
    assert float((probabilities.argmax(1) == test.targets).double().mean()) == metrics["accuracy"]
    labels = np.arange(probabilities.shape[1])
    rows = probabilities.double().numpy()
    loss = log_loss(test.targets.numpy(), rows / rows.sum(1, keepdims=True), labels=labels)
    assert loss == pytest.approx(metrics["loss"], rel=1e-5)


DIGITS = ["data.name=digits", "data.batch_size=64", "optimizer.learning_rate=0.01"]


@pytest.mark.parametrize("model", [["model.hidden=[32]"], ["model.name=cnn", "model.channels=[4,8]"]])
def test_the_best_weights_of_digits_give_the_test_metrics_of_the_run(tmp_path: Path, model: list[str]) -> None:
    trainer, metrics, test = trained(tmp_path, *DIGITS, *model)
    assert test.inputs.dtype == torch.uint8
    loaded = TrainedModel.load(moved_away(trainer))
    assert loaded.classes == tuple(map(str, range(10)))
    assert loaded.raw == {"shape": [1, 8, 8], "type": "uint8"}
    assert loaded.epoch == trainer.state.best_epoch
    assert loaded.preset == trainer.job.preset
    assert_classifies_as(metrics, loaded, test)


def test_the_last_checkpoint_predicts_too_where_no_best_is_kept(tmp_path: Path) -> None:
    trainer, metrics, test = trained(tmp_path, *DIGITS, "model.hidden=[8]", "training.keep_best=false")
    assert not best_checkpoint(trainer.run).exists()
    assert_classifies_as(metrics, TrainedModel.load(moved_away(trainer, "last.pt")), test)


@pytest.mark.parametrize("scaled", ["true", "false"])
def test_a_regression_predicts_in_the_units_of_the_data(tmp_path: Path, scaled: str) -> None:
    own = ["data.name=diabetes", "loss.name=mse", "data.batch_size=64", "training.epochs=3"]
    trainer, metrics, test = trained(tmp_path, *own, f"data.normalize_target={scaled}")
    loaded = TrainedModel.load(moved_away(trainer))
    assert (loaded.classes, loaded.targets) == ((), ("progression",))
    errors = loaded(test.inputs) - test.targets
    assert float(errors.abs().mean()) == pytest.approx(metrics["mae"], rel=1e-5)
    assert float(errors.square().mean().sqrt()) == pytest.approx(metrics["rmse"], rel=1e-5)


def test_numbers_that_only_float64_tells_apart_and_words_are_encoded_as_in_training(tmp_path: Path) -> None:
    """Days since 20230101, as float64, beside a column of categories; in float32 neighbours would be one."""
    rows = [f"{20230101 + day},{'ab'[day % 2]},{'late' if day >= 60 else 'early'}" for day in range(120)]
    file = tmp_path / "days.csv"
    file.write_text("\n".join(["day,word,when", *rows]))
    trainer, metrics, test = trained(
        tmp_path, "data.name=csv", f"data.file={file}", "data.target=when", "data.batch_size=8", "training.epochs=4"
    )
    assert test.inputs.dtype == torch.float64
    loaded = TrainedModel.load(moved_away(trainer))
    assert loaded.classes == ("early", "late")
    assert_classifies_as(metrics, loaded, test)


def test_classes_that_do_not_exclude_one_another_get_probabilities_of_their_own(tmp_path: Path) -> None:
    trainer, metrics, test = trained(tmp_path, "loss.name=binary_cross_entropy")
    probabilities = TrainedModel.load(moved_away(trainer))(test.inputs)
    assert bool(((probabilities.sum(1) - 1).abs() > 1e-3).any())
    assert float((probabilities.argmax(1) == test.targets).double().mean()) == metrics["accuracy"]


class Bag(nn.Module):
    """Scores of ids."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(50, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.scores(self.embedding(ids).mean(1))
        return scores


IDS = torch.randint(0, 50, (96, 12), generator=torch.Generator().manual_seed(0))
OWN = ["data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model"]
Functions = dict[str, Callable[..., Any]]


def test_ids_reach_a_model_of_ones_own_as_they_are(tmp_path: Path, user_functions: Functions) -> None:
    user_functions["mine:data"] = lambda: (IDS, (IDS == 7).any(1).long())
    user_functions["mine:model"] = lambda inputs, outputs, activation: Bag()
    trainer, metrics, test = trained(tmp_path, *OWN)
    del user_functions["mine:data"]
    loaded = TrainedModel.load(moved_away(trainer))
    assert_classifies_as(metrics, loaded, test)
    assert torch.equal(loaded(test.inputs.int()), loaded(test.inputs))
    with pytest.raises(DataError, match=r"samples are float32, but the model takes .* \(n, 12\) in int64"):
        loaded(test.inputs.float())


@pytest.mark.parametrize("error", [UntrustedCodeError("start again with --trust-code"), UserCodeError("no mine.py")])
def test_a_model_of_ones_own_needs_its_code_and_that_is_said(
    tmp_path: Path, user_functions: Functions, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    user_functions["mine:data"] = lambda: (IDS, (IDS == 7).any(1).long())
    user_functions["mine:model"] = lambda inputs, outputs, activation: Bag()
    trainer, _, _ = trained(tmp_path, *OWN)
    kept = moved_away(trainer)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("workbench.settings.code.call", refuse)
    with pytest.raises(type(error), match=rf"model of your own, mine:model, whose code is needed to predict: {error}"):
        TrainedModel.load(kept)


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    trainer = new_trainer(tmp_path_factory.mktemp("iris"), [])
    trainer.train()
    return trainer


def test_loading_draws_no_random_number_and_leaves_the_weights_fixed(iris: Trainer) -> None:
    before = torch.get_rng_state()
    loaded = TrainedModel.load(best_checkpoint(iris.run))
    assert torch.equal(torch.get_rng_state(), before)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_samples_of_another_shape_are_refused_and_other_numbers_are_taken(iris: Trainer) -> None:
    loaded = TrainedModel.load(best_checkpoint(iris.run))
    rows = torch.tensor([[5, 3, 1, 0], [6, 3, 5, 2]])
    assert torch.equal(loaded(rows), loaded(rows.float()))
    assert torch.equal(loaded(rows.to(torch.uint8)), loaded(rows.float()))
    with pytest.raises(DataError, match=r"shape \(2, 3\), but the model takes samples of shape \(n, 4\) in float32"):
        loaded(rows[:, :3])
    with pytest.raises(DataError, match=r"takes samples of shape \(n, 4\) in float32, not ids"):
        loaded({"ids": rows})


def test_pixels_from_0_to_1_are_refused_where_the_model_has_seen_bytes(tmp_path: Path) -> None:
    trainer, _, test = trained(tmp_path, *DIGITS, "model.hidden=[4]", "training.epochs=1")
    loaded = TrainedModel.load(moved_away(trainer))
    with pytest.raises(DataError, match=r"samples are float32, but .* in uint8, pixels from 0 to 255"):
        loaded(test.inputs / 255)


def rewritten(trainer: Trainer, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The best checkpoint of a run, changed."""
    state = checkpoints.load(best_checkpoint(trainer.run), CPU)
    change(state)
    path = folder / "best.pt"
    del state["version"]
    checkpoints.save(path, state)
    return path


def test_a_checkpoint_of_before_says_what_it_lacks(iris: Trainer, tmp_path: Path) -> None:
    old = rewritten(iris, tmp_path, lambda state: state.pop("description"))
    with pytest.raises(DataError, match=r"cannot predict.*weights alone; the encoding.*Train the model again"):
        TrainedModel.load(old)


@pytest.mark.parametrize("key", ["preset", "input", "encoding", "classes", "outputs", "target_scale", "raw"])
def test_a_description_that_lacks_a_part_is_damaged(iris: Trainer, tmp_path: Path, key: str) -> None:
    path = rewritten(iris, tmp_path, lambda state: state["description"].pop(key))
    with pytest.raises(DamagedCheckpointError, match=key):
        TrainedModel.load(path)


def test_a_damaged_checkpoint_names_what_predicts(iris: Trainer, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(iris.run.path, tmp_path / "a run"))
    best, last = best_checkpoint(run), run.last_checkpoint
    whole = best.read_bytes()

    def said(path: Path) -> str:
        with pytest.raises(DamagedCheckpointError) as raised:
            TrainedModel.load(path)
        return str(raised.value)

    best.write_bytes(whole[:-100])
    again = f"tart a new run with its preset: workbench --preset '{run.preset}'"
    assert said(best).endswith(
        f". The weights of its last epoch are whole, predict with: workbench predict '{last}' INPUT (move best.pt away "
        f"to evaluate and export them too). Or s{again}"
    )
    TrainedModel.load(last)
    held = last.read_bytes()
    last.write_bytes(held[:-100])
    assert said(best).endswith(f". S{again}"), "both are damaged"
    best.write_bytes(whole)
    assert said(last).endswith(
        f". The weights of its best epoch are whole, predict with: workbench predict '{best}' INPUT. To train on, "
        f"s{again}"
    )
    alone = tmp_path / "mine.pt"
    alone.write_bytes(whole[:-100])
    assert said(alone).endswith(". Copy it again from the folder checkpoints of its run")


def test_an_encoding_of_another_version_is_reported(iris: Trainer, tmp_path: Path) -> None:
    path = rewritten(iris, tmp_path, lambda state: state["description"]["encoding"].update(name="spectrogram"))
    with pytest.raises(DamagedCheckpointError, match="spectrogram"):
        TrainedModel.load(path)


def test_a_description_is_plain_data_and_is_not_that_of_a_preset_that_runs_code(iris: Trainer) -> None:
    """`checkpoints.load` reads with weights_only=True: what it returns was no code."""
    described = checkpoints.load(best_checkpoint(iris.run), CPU)["description"]
    assert Preset.from_toml(described["preset"], "best.pt") == iris.job.preset
    assert described["classes"] == ["setosa", "versicolor", "virginica"]
    assert described["input"] == described["raw"] == {"shape": [4], "type": "float32"}
    assert described["encoding"]["name"] == "standardize"


def test_a_run_of_before_continues_and_tests_its_best_weights(tmp_path: Path) -> None:
    """Checkpoints that hold weights alone are enough for the run that wrote them."""
    trainer = new_trainer(tmp_path, ["training.epochs=3"])
    trainer.train()
    [expected] = of_type(trainer, events.TestResult)
    for path in (trainer.run.last_checkpoint, best_checkpoint(trainer.run)):
        state = checkpoints.load(path, CPU)
        del state["description"], state["version"]
        checkpoints.save(path, state)
    resumed = build_trainer(trainer.run)
    assert resumed.restore() == []
    resumed.train()
    [*_, found] = of_type(resumed, events.TestResult)
    assert (found.weights, found.metrics) == (expected.weights, expected.metrics)
    with pytest.raises(DataError, match="cannot predict"):
        TrainedModel.load(best_checkpoint(trainer.run))
    assert TrainedModel.load(trainer.run.last_checkpoint).classes == ("setosa", "versicolor", "virginica")
