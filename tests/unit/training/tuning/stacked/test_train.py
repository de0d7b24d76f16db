"""Candidates that are trained together do what each does alone."""

from __future__ import annotations

import pytest

from tests.unit.training.tuning.stacked.alone import all_kept, alone, preset, stacked
from workbench.processes.together import OPTIMIZERS
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import losses_for
from workbench.settings.preset import Preset
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.train import prepare_all, train_stacked

TOLERANCE = 2e-4
"""Relative: another order of summation, over the 14 steps that are compared."""


def check_equal(presets: list[Preset]) -> None:
    data = prepare_all(presets, lambda _: None)
    courses = train_stacked(data, presets, all_kept)
    for course, own, each in zip(courses, data, presets, strict=True):
        losses, metrics = alone(own, each)
        assert course.status == "completed", course.reason
        assert len(losses) >= 4
        assert course.losses == pytest.approx(losses, rel=TOLERANCE, abs=1e-6)
        if metrics is not None:
            measured = course.epochs[-1].validation
            assert measured is not None
            assert measured["loss"] == pytest.approx(metrics["loss"], rel=TOLERANCE, abs=1e-6)
            assert measured[course.monitor.name] == pytest.approx(metrics[course.monitor.name], rel=TOLERANCE)
    assert courses[0].losses != courses[1].losses


VARIANTS = {
    "sgd": ["optimizer.momentum=0.5", "optimizer.momentum=0"],
    "nadam": ["optimizer.momentum_decay=0.01"],
    "rmsprop": ["optimizer.alpha=0.9", "optimizer.momentum=0.5"],
    "adagrad": ["optimizer.lr_decay=0.1", "optimizer.initial_accumulator_value=0.1"],
    "adadelta": ["optimizer.rho=0.8"],
    "amsgrad": ["optimizer.betas=[0.5, 0.6]"],
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", losses_for("classification"))
def test_each_optimizer_with_each_loss_of_classes(optimizer: str, loss: str) -> None:
    base = preset(f"optimizer.name={optimizer}", f"loss.name={loss}")
    changes = [["optimizer.learning_rate=0.02"], ["optimizer.weight_decay=0.05", "training.seed=3"]]
    changes += [[each] for each in VARIANTS.get(optimizer, ["optimizer.eps=0.001"])]
    check_equal([base, *(base.override(change) for change in changes)])


@pytest.mark.parametrize(
    ("optimizer", "flag"),
    [
        ("sgd", "nesterov"),
        ("adamw", "amsgrad"),
        ("nadam", "decoupled_weight_decay"),
        ("rmsprop", "centered"),
    ],
)
def test_the_flags_of_optimizers(optimizer: str, flag: str) -> None:
    base = preset(f"optimizer.name={optimizer}", f"optimizer.{flag}=true", "optimizer.weight_decay=0.02")
    check_equal([base, base.override(["optimizer.learning_rate=0.03", "optimizer.weight_decay=0.2"])])


def test_dampening_with_and_without_momentum() -> None:
    base = preset("optimizer.name=sgd", "optimizer.dampening=0.3")
    check_equal([base, base.override(["optimizer.momentum=0"]), base.override(["optimizer.dampening=0.8"])])


@pytest.mark.parametrize("activation", ACTIVATIONS.labels)
def test_each_activation(activation: str) -> None:
    base = preset(f"activation.name={activation}", "model.hidden=[8, 6]")
    check_equal([base, base.override(["optimizer.learning_rate=0.01", "training.seed=5"])])


@pytest.mark.parametrize("loss", losses_for("regression"))
def test_each_loss_of_numbers(loss: str) -> None:
    base = preset("data.name=diabetes", f"loss.name={loss}", "training.epochs=1")
    check_equal([base, base.override(["optimizer.learning_rate=0.01", "training.seed=5"])])


@pytest.mark.parametrize(
    "change",
    [
        ["training.gradient_clip_norm=0.3"],
        ["loss.label_smoothing=0.1"],
        ["schedule.name=cosine", "schedule.warmup_epochs=1"],
        ["schedule.name=plateau", "schedule.patience=0", "schedule.threshold=0.9"],
        ["changes=[{step=5, learning_rate=0.05}]"],
    ],
)
def test_candidates_that_differ_in_one_number(change: list[str]) -> None:
    base = preset("training.epochs=3")
    check_equal([base, base.override(change)])


def test_label_smoothing_with_weights_of_classes() -> None:
    base = preset("loss.class_weights=[1.0, 2.0, 0.0]")
    check_equal([base, base.override(["loss.label_smoothing=0.2"])])


def test_steps_of_several_batches() -> None:
    base = preset("training.gradient_accumulation=3")  # 109 samples: two steps of 48, one of 13
    check_equal([base, base.override(["training.seed=1"])])


def test_batch_norm_has_means_of_its_own() -> None:
    base = preset("model.batch_norm=true", "data.batch_size=20")
    check_equal([base, base.override(["training.seed=1", "optimizer.learning_rate=0.03"])])


def test_convolutions() -> None:
    network = ["model.name=cnn", "model.channels=[4, 6]", "model.hidden=0"]
    base = preset("data.name=digits", "data.batch_size=256", "training.epochs=1", *network)
    check_equal([base, base.override(["training.seed=1", "optimizer.learning_rate=0.003"])])


@pytest.mark.parametrize("folds", [5, 7])
def test_folds(folds: int) -> None:
    """127 samples besides the test split: folds of 25 and 26, or 18 and 19, so stacks of two sizes."""
    base = preset("validation.method=k_fold", f"validation.folds={folds}")
    check_equal([base.override([f"validation.fold={fold}"]) for fold in range(folds)])


def test_leaving_one_out() -> None:
    base = preset("validation.method=leave_one_out", "data.batch_size=50")
    check_equal([base.override([f"validation.fold={fold}"]) for fold in (0, 3, 77)])


def test_the_losers_leave_the_stack_and_the_others_train_as_before() -> None:
    presets = [preset("training.epochs=4", f"training.seed={seed}", "optimizer.name=nadam") for seed in range(5)]
    data = prepare_all(presets, lambda _: None)
    seen: list[list[float | None]] = []

    def best_two(epoch: int, values: list[float | None]) -> list[int] | None:
        seen.append(values)
        return [1, 3] if epoch == 2 else None

    courses = train_stacked(data, presets, best_two)
    assert [course.status for course in courses] == ["discarded", "completed", "discarded", "completed", "discarded"]
    assert [len(course.epochs) for course in courses] == [2, 4, 2, 4, 2]
    assert [[value is not None for value in values] for values in seen] == [
        [True] * 5,
        [True] * 5,
        [False, True, False, True, False],
        [False, True, False, True, False],
    ]
    for number in (1, 3):
        assert courses[number].losses == pytest.approx(alone(data[number], presets[number])[0], rel=TOLERANCE)


def test_more_weights_than_fit_into_memory_are_not_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    presets = [preset(f"training.seed={seed}", "model.hidden=[64]") for seed in range(40)]
    data = prepare_all(presets, lambda _: None)
    monkeypatch.setattr("workbench.training.tuning.stacked.stack.free_bytes", lambda device: 2**20)
    with pytest.raises(CannotStackError, match=r"the weights of 40 candidates, .* take about .*, and 1 MiB are free"):
        train_stacked(data, presets, lambda epoch, values: None)


def test_one_that_diverges_says_so_and_leaves_the_others_alone() -> None:
    base = preset("optimizer.name=sgd", "activation.name=identity", "loss.name=mse", "optimizer.momentum=0")
    presets = [base, base.override(["optimizer.learning_rate=1000"])]
    data = prepare_all(presets, lambda _: None)
    values: list[list[float | None]] = []
    kept, lost = train_stacked(data, presets, lambda epoch, measured: values.append(measured))
    assert lost.status == "failed"
    assert "is not a finite number: training has diverged" in lost.reason
    assert values[len(lost.epochs) - 1][1] is None
    assert kept.losses == pytest.approx(alone(data[0], base)[0], rel=TOLERANCE)


def test_the_best_epoch_is_tested_and_patience_ends_a_candidate() -> None:
    patient = preset("training.epochs=12", "optimizer.learning_rate=0.05", "validation.test_fraction=0.2")
    presets = [patient, patient.override(["training.early_stopping_patience=2"])]
    full, early = stacked(presets)
    assert len(full.epochs) == 12
    accuracies = [(each.validation or {})["accuracy"] or 0.0 for each in full.epochs]
    assert full.best_epoch == accuracies.index(max(accuracies)) + 1
    assert full.validation is not None
    assert full.test is not None
    assert full.validation.metrics["accuracy"] == max(accuracies)
    assert full.validation.metrics["f1_macro"] > 0
    assert full.validation.scores is not None
    assert full.validation.scores.shape == (18, 3)
    assert set(full.test.metrics) == set(full.validation.metrics)
    assert early.best_epoch is not None
    assert len(early.epochs) == early.best_epoch + 2 < 12
    assert early.losses == full.losses[: len(early.losses)]


def test_dropout_is_drawn_for_each_candidate() -> None:
    """The same seed and rate: they differ by dropout alone, and without it in evaluation they do not."""
    base = preset("model.dropout=0.5", "model.hidden=[32]")
    one, two, other = stacked([base, base, base.override(["model.dropout=0.01"])])
    assert one.losses != two.losses
    assert one.losses[0] == pytest.approx(two.losses[0], rel=0.5)
    assert {course.status for course in (one, two, other)} == {"completed"}


def test_what_differs_in_more_than_numbers_is_refused() -> None:
    presets = [preset(), preset("model.hidden=[9]")]
    with pytest.raises(CannotStackError, match="differ in more than numbers"):
        stacked(presets)
    with pytest.raises(CannotStackError, match="'lion' is not written for stacked weights"):
        stacked([preset("optimizer.name=lion")])
