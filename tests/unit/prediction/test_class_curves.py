"""Curves of classes and fits of numbers, against scikit-learn and numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from workbench.prediction.class_curves import class_curves
from workbench.prediction.fit import fits_of
from workbench.processes.judging import CURVE_POINTS, MOST_POINTS, RESIDUAL_BINS

GRID = np.linspace(0, 1, CURVE_POINTS)


def drawn(*, rounded: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities of four classes, of which one is easy; rounded: with many ties."""
    generator = torch.Generator().manual_seed(3)
    true = torch.randint(0, 4, (600,), generator=generator)
    scores = torch.randn(600, 4, generator=generator)
    scores[torch.arange(600), true] += torch.tensor([0.5, 1.0, 1.5, 4.0])[true]
    probabilities = scores.softmax(1)
    return (probabilities * 10).round() / 10 if rounded else probabilities, true


@pytest.mark.parametrize("rounded", [False, True])
def test_areas_are_those_of_scikit_learn(rounded: bool) -> None:
    probabilities, true = drawn(rounded=rounded)
    found = class_curves(probabilities, true)
    assert sorted(each.number for each in found) == [0, 1, 2, 3]
    assert [each.average_precision for each in found] == sorted(each.average_precision for each in found)
    for each in found:
        labels, scores = (true == each.number).numpy(), probabilities[:, each.number].numpy()
        assert each.samples == labels.sum()
        assert each.area == pytest.approx(roc_auc_score(labels, scores))
        assert each.average_precision == pytest.approx(average_precision_score(labels, scores))


@pytest.mark.parametrize("rounded", [False, True])
def test_a_roc_curve_lies_on_the_points_of_scikit_learn(rounded: bool) -> None:
    probabilities, true = drawn(rounded=rounded)
    [found] = [each for each in class_curves(probabilities, true) if each.number == 1]
    false, hits, _ = roc_curve(true == 1, probabilities[:, 1].numpy(), drop_intermediate=False)
    for x, height in zip(GRID, found.found, strict=True):
        above = hits[false <= x + 1e-9].max()
        beyond = hits[false >= x - 1e-9].min()
        assert min(above, beyond) - 1e-4 <= height <= max(above, beyond) + 1e-4
    assert found.found[-1] == 1.0
    assert found.found[0] == pytest.approx(hits[false == 0].max(), abs=1e-4)


def test_precision_is_that_of_the_fewest_predictions_that_find_enough() -> None:
    probabilities, true = drawn()
    [found] = [each for each in class_curves(probabilities, true) if each.number == 0]
    precision, recall, _ = precision_recall_curve(true == 0, probabilities[:, 0].numpy())
    precision, recall = precision[-2::-1], recall[-2::-1]  # from the highest threshold on, without the point (0, 1)
    expected = [precision[np.flatnonzero(recall >= x - 1e-9)[0]] for x in GRID]
    assert found.precision == pytest.approx(expected, abs=1e-4)


def test_a_class_that_all_samples_have_or_none_has_no_curves() -> None:
    probabilities = torch.tensor([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]])
    assert class_curves(probabilities, torch.tensor([0, 0])) == []
    assert [each.number for each in class_curves(probabilities, torch.tensor([0, 1]))] == [0, 1]
    assert class_curves(probabilities, torch.tensor([0, 1]))[0].area == 1.0


def test_a_fit_counts_every_residual_and_keeps_the_largest_errors() -> None:
    generator = torch.Generator().manual_seed(4)
    true = torch.randn(5000, 2, generator=generator).double() * 10
    predicted = true + torch.randn(5000, 2, generator=generator).double()
    predicted[123, 0] = true[123, 0] + 40
    first, second = fits_of(predicted, true)
    residuals = (predicted - true).numpy()
    for fit, column in zip((first, second), residuals.T, strict=True):
        assert (fit.low, fit.high) == (column.min(), column.max())
        assert sum(fit.counts) == 5000
        assert fit.counts == np.histogram(column, RESIDUAL_BINS)[0].tolist()
        assert len(fit.true) == len(fit.predicted) <= MOST_POINTS
    worst = np.argmax(np.abs(np.array(first.predicted) - np.array(first.true)))
    assert first.predicted[worst] - first.true[worst] == pytest.approx(40, abs=1e-3)
    assert len(first.true) > 0.9 * MOST_POINTS


def test_equal_residuals_and_predictions_that_are_not_finite() -> None:
    true = torch.arange(5.0).double().unsqueeze(1)
    [fit] = fits_of(true + 2, true)
    assert fit.low < 2 < fit.high
    assert sum(fit.counts) == 5
    assert fits_of(true * torch.nan, true) == []
