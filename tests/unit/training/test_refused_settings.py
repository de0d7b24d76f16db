"""Settings that do not fit the data are refused before training."""

from __future__ import annotations

import pytest

from tests.unit.training.iris import MakeTrainer
from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.training.job import build_job


def refused(*assignments: str) -> str:
    with pytest.raises(PresetError) as error:
        build_job(Preset().override(["data.name=iris", "runtime.device=cpu", "model.hidden=[4]", *assignments]), print)
    return str(error.value)


def test_a_batch_larger_than_the_data_is_refused_with_both_numbers() -> None:
    message = refused("data.batch_size=110")
    assert "110" in message
    assert "109" in message


def test_a_batch_of_all_samples_is_taken(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("data.batch_size=109")
    trainer.train()
    assert trainer.state.step == 2


@pytest.mark.parametrize("loss", ["cross_entropy", "kl_divergence", "binary_cross_entropy"])
def test_a_loss_that_does_not_fit_the_task_is_refused_with_those_that_do(loss: str) -> None:
    message = refused("data.name=diabetes", f"loss.name={loss}")
    assert loss in message
    assert "numbers" in message
    assert "mse, l1, huber" in message


def test_a_wrong_number_of_class_weights_is_refused() -> None:
    assert "2 numbers, but the data has 3 classes" in refused("loss.class_weights=[1.0, 2.0]")


@pytest.mark.parametrize(
    ("assignments", "fitting"),
    [
        (["data.name=diabetes", "loss.name=mse", "training.monitor=accuracy"], "loss, rmse, mae, r2"),
        (["training.monitor=r2"], "loss, accuracy, f1_macro, roc_auc, mcc"),
        (["validation.method=none", "training.monitor=roc_auc"], "loss, accuracy"),
        (["data.name=diabetes", "loss.name=mse", "validation.method=none", "training.monitor=mae"], "loss"),
    ],
)
def test_a_monitor_that_does_not_fit_is_refused_with_those_that_do(assignments: list[str], fitting: str) -> None:
    message = refused(*assignments)
    assert message.startswith("training.monitor = ")
    assert message.endswith(f"these do: {fitting}")


def test_a_data_set_without_its_own_validation_split_says_so() -> None:
    assert "comes without a validation split" in refused("validation.method=predefined")
