"""Every choice of a small table's training, one after another, trains alike in a script."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.unit.export.script.alike import assert_trains_alike
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.preset import Preset
from workbench.settings.schedule import SCHEDULES

SMALL = ("data.name=iris", "data.batch_size=16", "model.hidden=[8]", "training.epochs=3", "runtime.device=cpu")
NUMBERS = ("data.name=diabetes", "data.batch_size=64", "model.hidden=[8]", "training.epochs=3", "runtime.device=cpu")


def alike(folder: Path, *assignments: str, start: tuple[str, ...] = SMALL) -> str:
    return assert_trains_alike(Preset().override([*start, *assignments]), folder)


@pytest.mark.parametrize("name", OPTIMIZERS.labels)
def test_optimizers(tmp_path: Path, name: str) -> None:
    alike(tmp_path, f"optimizer.name={name}")


@pytest.mark.parametrize("warmup", ["0", "1.5"])
@pytest.mark.parametrize("name", SCHEDULES.labels)
def test_schedules(tmp_path: Path, name: str, warmup: str) -> None:
    more = {"step": ["schedule.step_size=1"], "plateau": ["schedule.patience=0", "schedule.threshold=0.5"]}
    text = alike(tmp_path, f"schedule.name={name}", f"schedule.warmup_epochs={warmup}", *more.get(name, []))
    assert ("def learning_rate" in text) == (name != "constant" or warmup != "0")
    assert ("WARMUP" in text) == (warmup != "0")


@pytest.mark.parametrize("name", ACTIVATIONS.labels)
def test_activations(tmp_path: Path, name: str) -> None:
    alike(tmp_path, f"activation.name={name}", "model.dropout=0.1", "model.batch_norm=true")


@pytest.mark.parametrize("smoothing", ["0", "0.1"])
@pytest.mark.parametrize("name", ["cross_entropy", "kl_divergence", "binary_cross_entropy", "mse", "l1", "huber"])
def test_losses_of_classes(tmp_path: Path, name: str, smoothing: str) -> None:
    text = alike(tmp_path, f"loss.name={name}", f"loss.label_smoothing={smoothing}")
    assert ("LABEL_SMOOTHING" in text) == (smoothing != "0")


@pytest.mark.parametrize("weights", ["balanced", "[1.0, 2.0, 0.5]", "[1.0, 0.0, 2.0]"])
@pytest.mark.parametrize("smoothing", ["0", "0.1"])
def test_class_weights(tmp_path: Path, weights: str, smoothing: str) -> None:
    alike(tmp_path, f"loss.class_weights={weights}", f"loss.label_smoothing={smoothing}")


@pytest.mark.parametrize("normalize", ["true", "false"])
@pytest.mark.parametrize("name", ["mse", "l1", "huber"])
def test_losses_of_numbers(tmp_path: Path, name: str, normalize: str) -> None:
    text = alike(tmp_path, f"loss.name={name}", f"data.normalize_target={normalize}", start=NUMBERS)
    assert ("scale = " in text) == (normalize == "true")


@pytest.mark.parametrize(
    "more",
    [
        ["training.gradient_accumulation=3", "training.gradient_clip_norm=0.05"],
        ["data.drop_last=true", "training.validate_every=2"],
        ["training.early_stopping_patience=1", "training.epochs=8", "training.early_stopping_min_delta=0.01"],
        ["training.keep_best=false", "training.seed=7"],
        ["training.monitor=loss", "data.normalize=none"],
        ["validation.stratified=false", "validation.seed=3", "validation.test_fraction=0"],
        ["validation.method=none"],
        ["validation.method=none", "training.early_stopping_patience=1"],
        ["validation.method=k_fold", "validation.fold=2"],
        ["validation.method=k_fold", "validation.fold=1", "validation.stratified=false"],
        ["validation.method=leave_one_out", "validation.fold=5", "training.early_stopping_patience=1"],
        ["data.name=wine"],
        ["data.name=breast_cancer", "data.batch_size=27", "model.batch_norm=true"],
        ["schedule.name=plateau", "schedule.patience=0", "training.early_stopping_patience=3", "training.epochs=9"],
    ],
    ids=" ".join,
)
def test_other_settings(tmp_path: Path, more: list[str]) -> None:
    alike(tmp_path, *more)


def test_changes_of_the_learning_rate(tmp_path: Path) -> None:
    preset = Preset().override([*SMALL, "schedule.name=cosine"])
    changed = preset.with_values(
        {"changes": [{"step": 3, "learning_rate": 0.02}, {"step": 9, "learning_rate": 0.004}]}, ""
    )
    text = assert_trains_alike(changed, tmp_path)
    assert "CHANGES = {3: 0.02, 9: 0.004}" in text


def test_what_was_not_chosen_is_not_written(tmp_path: Path) -> None:
    text = alike(tmp_path, "training.keep_best=false", "validation.method=none", "validation.test_fraction=0")
    for word in ("best", "validation", "test", "sklearn.model_selection", "learning_rate(", "CLIP", "dropout"):
        assert word not in text


@pytest.mark.parametrize("seed", range(8))
def test_choices_drawn_at_random(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    chosen = {
        "optimizer.name": draw.choice(OPTIMIZERS.labels),
        "schedule.name": draw.choice(SCHEDULES.labels),
        "schedule.warmup_epochs": draw.choice(["0", "1"]),
        "activation.name": draw.choice(ACTIVATIONS.labels),
        "loss.name": draw.choice(["mse", "huber", "l1", *["cross_entropy"] * 3]),
        "model.hidden": draw.choice(["[]", "[5]", "[80, 80]"]),
        "model.dropout": draw.choice(["0", "0.3"]),
        "model.batch_norm": draw.choice(["true", "false"]),
        "data.batch_size": draw.choice(["7", "27", "54"]),
        "training.gradient_accumulation": draw.choice(["1", "2"]),
        "training.gradient_clip_norm": draw.choice(["0", "0.1"]),
        "training.seed": str(draw.randrange(2**31)),
        "runtime.engine": "traced",
    }
    alike(tmp_path, *(f"{path}={value}" for path, value in chosen.items()))
