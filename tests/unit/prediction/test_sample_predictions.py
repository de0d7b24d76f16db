"""The statistics of an evaluation against scikit-learn, scipy, numpy and PyTorch, in batches as all at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, confusion_matrix, mean_absolute_error, mean_squared_error, r2_score
from torch import Tensor
from torch.nn import functional as F

from workbench.data.target_scale import TargetScale
from workbench.prediction.calibration import CalibrationSums, ClassPredictions
from workbench.prediction.confusion import confused_pairs
from workbench.prediction.residuals import residuals_of
from workbench.prediction.sample_predictions import PredictionCollector
from workbench.settings.loss import IGNORED, LOSSES, CrossEntropy, LossChoice

SAMPLES, CLASSES = 500, 4


def drawn(classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Scores that are right more often than not, and targets."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(0, classes, (SAMPLES,), generator=generator)
    scores = torch.randn(SAMPLES, classes, generator=generator) * 2
    scores[torch.arange(SAMPLES), targets] += 1.5
    return scores, targets


def collected(loss: LossChoice, scores: Tensor, targets: Tensor, batch: int = 64) -> PredictionCollector:
    counts = None if targets.dim() == 2 else torch.bincount(targets)
    collector = PredictionCollector(loss.build(counts), loss.probabilities, None)
    for some, expected in zip(scores.split(batch), targets.split(batch), strict=True):
        collector.add(some, expected)
    return collector


@pytest.mark.parametrize("batch", [7, SAMPLES])
def test_calibration_is_that_of_scikit_learn(batch: int) -> None:
    scores, targets = drawn()
    found = collected(CrossEntropy(), scores, targets, batch).calibration.calibration()
    assert found is not None
    probabilities = scores.softmax(1).double().numpy()
    confidence, right = probabilities.max(1), probabilities.argmax(1) == targets.numpy()
    accuracies, confidences = calibration_curve(right, confidence, n_bins=10)
    there = [each for each in found.bins if each.predictions]
    assert [each.accuracy for each in there] == pytest.approx(accuracies)
    assert [each.confidence for each in there] == pytest.approx(confidences)
    counts = np.histogram(confidence, np.linspace(0, 1, 11))[0]
    assert [each.predictions for each in found.bins] == counts.tolist()
    weights = counts[counts > 0] / SAMPLES
    assert found.expected_error == pytest.approx(float(np.sum(weights * np.abs(accuracies - confidences))))
    assert 0.02 < found.expected_error < 0.5
    one_hot = np.eye(CLASSES)[targets.numpy()]
    assert found.brier == pytest.approx(float(((probabilities - one_hot) ** 2).sum(1).mean()))


def test_the_brier_score_of_two_classes_is_twice_that_of_the_second_class() -> None:
    scores, targets = drawn(2)
    found = collected(CrossEntropy(), scores, targets).calibration.calibration()
    assert found is not None
    assert found.brier == pytest.approx(2 * brier_score_loss(targets.numpy(), scores.double().softmax(1)[:, 1].numpy()))


def test_a_probability_at_the_edge_of_two_bins_is_in_the_lower_one() -> None:
    sums = CalibrationSums()
    sums.add(ClassPredictions.of(torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]]), torch.tensor([0, 1, 0])))
    found = sums.calibration()
    assert found is not None
    assert [each.predictions for each in found.bins] == [0, 0, 0, 0, 1, 0, 0, 1, 0, 1]
    assert found.expected_error == pytest.approx((0.5 + 0.25 + 1) / 3)
    mistakes = sums.confident_mistakes()
    assert (mistakes.predictions, mistakes.mistakes) == (1, 1)


def test_no_predictions_and_no_numbers_have_no_calibration() -> None:
    sums = CalibrationSums()
    assert sums.calibration() is None
    sums.add(ClassPredictions.of(torch.full((1, 2), float("nan")), torch.tensor([0])))
    assert sums.calibration() is None


LOSSES_OF_CLASSES = [
    {"name": "cross_entropy"},
    {"name": "cross_entropy", "label_smoothing": 0.1},
    {"name": "cross_entropy", "class_weights": "balanced"},
    {"name": "binary_cross_entropy", "label_smoothing": 0.2},
    {"name": "kl_divergence"},
    {"name": "mse"},
    {"name": "huber", "delta": 0.5},
    {"name": "l1"},
]


@pytest.mark.parametrize("settings", LOSSES_OF_CLASSES)
def test_the_loss_of_each_sample_is_that_of_a_batch_that_has_it_alone(settings: dict[str, object]) -> None:
    choice = LOSSES.choice(str(settings["name"]))
    assert choice is not None
    loss = choice.model_validate(settings)
    assert isinstance(loss, LossChoice)
    scores, targets = drawn()
    predictions = collected(loss, scores, targets).predictions()
    alone = loss.build(torch.bincount(targets))
    expected = [float(alone(scores[i : i + 1], targets[i : i + 1])) for i in range(SAMPLES)]
    assert predictions.losses.tolist() == pytest.approx(expected, rel=1e-5)
    assert predictions.worst(3) == np.argsort(-np.array(expected), kind="stable")[:3].tolist()


def test_each_sample_has_its_prediction_and_both_probabilities() -> None:
    scores, targets = drawn()
    predictions = collected(CrossEntropy(), scores, targets).predictions()
    probabilities = scores.softmax(1)
    assert torch.equal(predictions.predicted, scores.argmax(1))
    assert torch.equal(predictions.true, targets)
    assert predictions.probability is not None
    torch.testing.assert_close(predictions.probability, probabilities.amax(1))
    mistakes = predictions.confident_mistakes(1000, 0.9)
    confident = (probabilities.amax(1) >= 0.9) & (scores.argmax(1) != targets)
    assert sorted(mistakes) == confident.nonzero().squeeze(1).tolist()
    assert 5 < len(mistakes) < 100
    of_mistakes = predictions.probability[torch.tensor(mistakes)]
    assert of_mistakes.tolist() == sorted(of_mistakes.tolist(), reverse=True)


def test_a_sample_without_a_number_is_the_worst() -> None:
    scores, targets = drawn()
    scores[17] = float("nan")
    assert collected(CrossEntropy(), scores, targets).predictions().worst(1) == [17]


def test_a_window_stands_for_its_least_expected_token_and_padding_counts_nowhere() -> None:
    generator = torch.Generator().manual_seed(2)
    scores, targets = torch.randn(6, 5, 9, generator=generator), torch.randint(0, 5, (6, 9), generator=generator)
    targets[2, 4:] = IGNORED
    collector = collected(CrossEntropy(), scores, targets, 4)
    predictions = collector.predictions()
    surprise = F.cross_entropy(scores, targets, reduction="none", ignore_index=IGNORED)
    counts = targets != IGNORED
    torch.testing.assert_close(predictions.losses.float(), surprise.sum(1) / counts.sum(1))
    assert predictions.places is not None
    assert torch.equal(predictions.places, surprise.masked_fill(~counts, -1.0).argmax(1))
    rows = torch.arange(6)
    assert torch.equal(predictions.true, targets[rows, predictions.places])
    assert torch.equal(predictions.predicted, scores.argmax(1)[rows, predictions.places])
    found = collector.calibration.calibration()
    assert found is not None
    assert sum(each.predictions for each in found.bins) == int(counts.sum()) == 49
    probabilities = scores.softmax(1).transpose(1, 2)[counts].double().numpy()
    squares = (probabilities - np.eye(5)[targets[counts].numpy()]) ** 2
    assert found.brier == pytest.approx(float(squares.sum(1).mean()), rel=1e-6)


def test_the_loss_of_numbers_is_in_the_scale_in_which_they_were_trained() -> None:
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(20, 2, generator=generator, dtype=torch.float64) * 100 + 1000
    targets = values + torch.randn(20, 2, generator=generator, dtype=torch.float64)
    scale = TargetScale(torch.tensor([1000.0, 900.0]), torch.tensor([100.0, 50.0]))
    loss = LOSSES.choice("mse")
    assert loss is not None
    built = loss.model_validate({"name": "mse"})
    assert isinstance(built, LossChoice)
    collector = PredictionCollector(built.build(None), built.probabilities, scale)
    collector.add(values, targets)
    predictions = collector.predictions()
    expected = (((values - targets) / torch.tensor([100.0, 50.0])) ** 2).mean(1)
    torch.testing.assert_close(predictions.losses, expected)
    assert predictions.confident_mistakes(5, 0.9) == []


def test_residuals_are_those_of_numpy_scipy_and_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    true = draw.normal(50, 10, size=(301, 2))
    predicted = true + draw.gamma(2, 3, size=(301, 2)) - 4
    first, second = residuals_of(torch.from_numpy(predicted), torch.from_numpy(true), ("a", "b"))
    assert (first.target, second.target) == ("a", "b")
    for place, found in enumerate((first, second)):
        residuals = predicted[:, place] - true[:, place]
        described = stats.describe(residuals, ddof=0)
        assert found.mean == pytest.approx(described.mean)
        assert found.deviation == pytest.approx(np.sqrt(described.variance))
        expected = np.percentile(residuals, [5, 25, 50, 75, 95])
        assert list(found.quantiles) == ["5", "25", "50", "75", "95"]
        assert list(found.quantiles.values()) == pytest.approx(expected.tolist())
        assert found.r2 == pytest.approx(r2_score(true[:, place], predicted[:, place]))
        assert found.mae == pytest.approx(mean_absolute_error(true[:, place], predicted[:, place]))
        assert found.rmse == pytest.approx(np.sqrt(mean_squared_error(true[:, place], predicted[:, place])))


def test_a_constant_target_has_no_r2_and_one_sample_has_quantiles() -> None:
    [found] = residuals_of(torch.tensor([[2.0]]).double(), torch.tensor([[1.5]]).double(), ())
    assert (found.target, found.r2, found.deviation) == ("", None, 0.0)
    assert set(found.quantiles.values()) == {0.5}


def test_confused_pairs_are_the_largest_outside_the_diagonal() -> None:
    scores, targets = drawn()
    predicted = scores.argmax(1)
    matrix = confusion_matrix(targets.numpy(), predicted.numpy())
    found = confused_pairs(predicted, targets, "abcd")
    assert {(each.true, each.predicted): each.samples for each in found} == {
        ("abcd"[row], "abcd"[column]): matrix[row, column]
        for row in range(4)
        for column in range(4)
        if row != column and matrix[row, column]
    }
    assert [each.samples for each in found] == sorted((each.samples for each in found), reverse=True)
    assert confused_pairs(targets, targets, "abcd") == []
