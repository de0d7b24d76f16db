"""What a run of a cross-validation answers for the samples that it left out, and how that is judged together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from tests.unit.training.iris import ALONE, MakeTrainer, saved_weights, weights
from workbench.data.samples import InMemory
from workbench.errors import PresetError, StorageError
from workbench.processes.out_of_fold import OutOfFold
from workbench.runs.directory import RunDirectory
from workbench.training.processes.out_of_fold import judge
from workbench.training.trainer import Trainer
from workbench.training.validation_scores import ValidationScores

FOLDS = ("validation.method=k_fold", "validation.folds=3")


def train(make_trainer: MakeTrainer, *assignments: str) -> Trainer:
    trainer = make_trainer(*ALONE, *assignments)
    trainer.train()
    return trainer


def left_out(trainer: Trainer) -> InMemory:
    split = trainer.job.preset.validation.build(trainer.job.samples).validation
    assert isinstance(split, InMemory)
    return split


def judged_of(*runs: RunDirectory) -> OutOfFold:
    return judge(runs[0].preset, [run.validation_scores for run in runs])


def answers(trainer: Trainer, split: InMemory) -> torch.Tensor:
    with torch.inference_mode():
        scores: torch.Tensor = trainer.job.model.eval()(trainer.job.batch_encoding(split.inputs))
    return scores


def test_the_scores_kept_are_those_of_the_best_epoch(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(*ALONE, *FOLDS, "validation.fold=1", "training.epochs=3", "validation.test_fraction=0")
    seen = []
    genuine = trainer._held_out._evaluator.evaluate

    def evaluate(source, split, interrupted, keep=None):  # type: ignore[no-untyped-def]
        seen.append(weights(trainer))
        metrics = genuine(source, split, interrupted, keep)
        assert metrics is not None
        return metrics if keep else metrics | {"accuracy": [0.5, 0.9, 0.7][len(seen) - 1]}

    monkeypatch.setattr(trainer._held_out._evaluator, "evaluate", evaluate)
    trainer.train()
    assert torch.equal(seen[3], seen[1])
    assert not torch.equal(seen[3], seen[2])
    kept, split = ValidationScores.read(trainer.run.validation_scores), left_out(trainer)
    assert torch.equal(kept.targets, split.targets)
    torch.testing.assert_close(kept.scores, answers(trainer, split))  # the model still has those weights
    assert kept.metrics["accuracy"] == accuracy_score(split.targets, kept.scores.argmax(1))


@pytest.mark.parametrize(
    ("assignments", "best_epoch"),
    [(("training.keep_best=false", *FOLDS), 1), (("validation.method=leave_one_out",), 2)],
)
def test_the_last_epoch_is_judged_where_no_best_is_kept_and_where_one_sample_would_choose_it(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, assignments: tuple[str, ...], best_epoch: int
) -> None:
    few = ("validation.test_fraction=0", "training.epochs=2")
    trainer = make_trainer(*ALONE, *assignments, "validation.fold=1", *few)
    kept_calls = []
    genuine = trainer._held_out._evaluator.evaluate

    def evaluate(source, split, interrupted, keep=None):  # type: ignore[no-untyped-def]
        metrics = genuine(source, split, interrupted, keep)
        assert metrics is not None
        if keep:
            kept_calls.append(weights(trainer))
            return metrics
        return metrics | {"accuracy": 0.9 - trainer.state.epoch}

    monkeypatch.setattr(trainer._held_out._evaluator, "evaluate", evaluate)
    trainer.train()
    assert trainer.state.best_epoch == best_epoch
    last = saved_weights(trainer.run.last_checkpoint)
    assert torch.equal(kept_calls[0], torch.cat([tensor.flatten() for tensor in last.values()]))


def test_one_sample_stops_no_training_early_and_the_run_says_so(make_trainer: MakeTrainer) -> None:
    few = ("validation.test_fraction=0", "training.epochs=4", "training.early_stopping_patience=1")
    patient = ("training.monitor=loss", "training.early_stopping_min_delta=1000")
    trainer = train(make_trainer, "validation.method=leave_one_out", "validation.fold=1", *few, *patient)
    assert (trainer.state.epoch, trainer.state.best_epoch) == (4, 4)
    assert trainer.job.notes[-1].startswith("one sample cannot choose the best epoch")
    other = train(make_trainer, *FOLDS, "validation.fold=1", *few, *patient)
    assert (other.state.epoch, other.state.best_epoch) == (2, 1)
    assert not [note for note in other.job.notes if "one sample" in note]


def test_other_ways_of_validating_keep_no_scores(make_trainer: MakeTrainer) -> None:
    assert not train(make_trainer, "training.epochs=1").run.validation_scores.exists()


def test_folds_are_judged_together_as_by_hand(make_trainer: MakeTrainer) -> None:
    trainers = [train(make_trainer, *FOLDS, f"validation.fold={fold}") for fold in range(3)]
    judged = judged_of(*(trainer.run for trainer in trainers))
    splits = [left_out(trainer) for trainer in trainers]
    kept = [ValidationScores.read(trainer.run.validation_scores) for trainer in trainers]
    targets = torch.cat([split.targets for split in splits])
    probabilities = torch.cat([each.scores.softmax(1) for each in kept])
    assert judged.monitor == "accuracy"
    assert judged.samples == tuple(len(split) for split in splits)
    assert sum(judged.samples) == 128  # of 150, without the test split of 22
    assert judged.pooled["accuracy"] == accuracy_score(targets, probabilities.argmax(1))
    expected = roc_auc_score(targets, probabilities, multi_class="ovr")
    assert judged.pooled["roc_auc"] == pytest.approx(expected, abs=1e-9)
    assert judged.pooled["support"] == targets.bincount().tolist()
    by_fold = [accuracy_score(split.targets, each.scores.argmax(1)) for split, each in zip(splits, kept, strict=True)]
    assert [fold["accuracy"] for fold in judged.folds] == by_fold
    loss = torch.nn.functional.cross_entropy(torch.cat([each.scores for each in kept]), targets)
    assert judged.pooled["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert [trainer.state.best_validation["accuracy"] for trainer in trainers] == by_fold  # type: ignore[index]


def test_numbers_are_pooled_in_their_own_units(make_trainer: MakeTrainer) -> None:
    diabetes = ("data.name=diabetes", "loss.name=mse", "training.epochs=3", "training.monitor=rmse", *FOLDS)
    trainers = [train(make_trainer, *diabetes, f"validation.fold={fold}") for fold in range(3)]
    judged = judged_of(*(trainer.run for trainer in trainers))
    kept = [ValidationScores.read(trainer.run.validation_scores) for trainer in trainers]
    scores, targets = torch.cat([each.scores for each in kept]), torch.cat([each.targets for each in kept])
    own = torch.cat([left_out(trainer).targets for trainer in trainers])
    # The data's own numbers are from 25 to 346: the splits of a trainer hold them as they were read.
    torch.testing.assert_close(targets.double(), own.double(), rtol=1e-4, atol=1e-3)
    assert judged.monitor == "rmse"
    assert judged.pooled["rmse"] == pytest.approx(float((scores - targets).square().mean().sqrt()), rel=1e-6)
    assert judged.pooled["r2"] == pytest.approx(r2_score(targets, scores), rel=1e-5)


def test_single_samples_have_no_area_but_all_of_them_together_have(make_trainer: MakeTrainer) -> None:
    few = ("data.name=iris", "validation.method=leave_one_out", "validation.test_fraction=0.9", "training.epochs=1",
           "data.batch_size=8")  # fmt: skip
    trainers = [train(make_trainer, *few, f"validation.fold={fold}") for fold in range(15)]
    judged = judged_of(*(trainer.run for trainer in trainers))
    assert judged.samples == (1,) * 15
    assert {fold["roc_auc"] for fold in judged.folds} == {None}
    assert 0 <= judged.pooled["roc_auc"] <= 1
    assert judged.pooled["accuracy"] == pytest.approx(sum(fold["accuracy"] for fold in judged.folds) / 15)
    assert judged.pooled["support"] == [5, 5, 5]


@pytest.mark.parametrize("monitor", ["roc_auc", "r2"])
def test_what_one_sample_does_not_define_cannot_choose_the_best_epoch(make_trainer: MakeTrainer, monitor: str) -> None:
    data = ["data.name=diabetes", "loss.name=mse"] if monitor == "r2" else []
    with pytest.raises(PresetError, match=f'"{monitor}" is not defined for a validation split of 1 sample'):
        make_trainer(*data, "validation.method=leave_one_out", "validation.fold=3", f"training.monitor={monitor}")


def test_the_test_split_of_all_folds_is_the_same_and_trained_on_by_none(make_trainer: MakeTrainer) -> None:
    trainers = [make_trainer(*FOLDS, f"validation.fold={fold}") for fold in range(3)]
    splits = [trainer.job.preset.validation.build(trainer.job.samples) for trainer in trainers]
    rows = [[{tuple(row) for row in split.inputs.tolist()} for split in (each.train, each.validation, each.test)]  # type: ignore[union-attr]
            for each in splits]  # fmt: skip
    assert rows[0][2] == rows[1][2] == rows[2][2]
    numbers = [len(each.test or ()) for each in splits]
    assert numbers == [22, 22, 22]


def test_a_resumed_fold_has_the_same_split_and_gives_the_same_scores(make_trainer: MakeTrainer) -> None:
    fold = (*FOLDS, "validation.fold=2", "training.epochs=3")
    whole = train(make_trainer, *fold)
    part = make_trainer(*ALONE, *fold)
    part.train_epoch()
    part.checkpoint()
    resumed = make_trainer(*ALONE, *fold, run=part.run)
    resumed.restore()
    resumed.train()
    expected, found = (ValidationScores.read(each.run.validation_scores) for each in (whole, resumed))
    assert torch.equal(found.targets, expected.targets)
    assert torch.equal(found.scores, expected.scores)
    assert found.metrics == expected.metrics


def test_scores_that_are_missing_or_damaged_are_named(make_trainer: MakeTrainer) -> None:
    run = train(make_trainer, *FOLDS, "validation.fold=0", "training.epochs=1").run
    whole = run.validation_scores.read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], b"\x93NUMPY"):
        run.validation_scores.write_bytes(content)
        with pytest.raises(StorageError, match=r"validation_scores.npz is damaged .*train that run again"):
            judged_of(run)
    with run.validation_scores.open("wb") as file:
        np.savez(file, scores=np.zeros((3, 2)), targets=np.zeros(2), metrics=np.array("{}"))
    with pytest.raises(StorageError, match="3 scores for 2 samples"):
        judged_of(run)
    run.validation_scores.unlink()
    with pytest.raises(StorageError, match=r"cannot read .*validation_scores.npz: No such file"):
        judged_of(RunDirectory(run.path))
