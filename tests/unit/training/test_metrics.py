"""Every metric against scikit-learn's."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.metrics import METRICS, metrics_for
from workbench.settings.loss import IGNORED
from workbench.training import metrics as metrics_module
from workbench.training.accumulators import CONFUSION_CLASSES, LISTED_CLASSES, KeptScores, MeanLoss, SplitFacts
from workbench.training.metrics import COMPUTATIONS, SplitMetrics, mean_area


def measured(task: str, scores: Tensor, targets: Tensor, batch: int, *, keeps_scores: bool = True) -> dict[str, Any]:
    """What a split's metrics are after batches of that size; scores are taken for probabilities."""
    facts = SplitFacts(len(scores), scores.shape[1], lambda scores: scores)
    metrics = SplitMetrics(metrics_for(task, scores.shape[1]), facts, keeps_scores=keeps_scores)
    for some, true in zip(scores.split(batch), targets.split(batch), strict=True):
        metrics.update(some, true)
    return metrics.compute()


def classification_metrics(scores: Tensor, targets: Tensor, batch: int = 7) -> dict[str, Any]:
    return measured("classification", scores, targets, batch)


def regression_metrics(predictions: Tensor, targets: Tensor, batch: int = 7) -> dict[str, Any]:
    return measured("regression", predictions, targets, batch)


def random_case(seed: int, samples: int, classes: int, levels: int) -> tuple[Tensor, Tensor]:
    """Scores out of a few levels, so that many are equal, and targets that may lack a class."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, levels, (samples, classes), generator=generator).float() / levels
    return scores, torch.randint(0, classes, (samples,), generator=generator)


def expected_mean_area(scores: Tensor, targets: Tensor) -> float | None:
    """One class against the rest, over the classes that have both, by scikit-learn."""
    areas = [
        sklearn_metrics.roc_auc_score((targets == label).numpy(), scores[:, label].numpy())
        for label in range(scores.shape[1])
        if 0 < int((targets == label).sum()) < len(targets)
    ]
    return float(np.mean(areas)) if areas else None


def check_against_scikit_learn(scores: Tensor, targets: Tensor) -> dict[str, Any]:
    found = classification_metrics(scores, targets)
    true, predicted = targets.numpy(), scores.argmax(1).numpy()
    labels = range(scores.shape[1])
    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))
    for average in ("macro", "weighted"):
        expected = sklearn_metrics.precision_recall_fscore_support(true, predicted, average=average, zero_division=0)
        names = [f"precision_{average}", f"recall_{average}", f"f1_{average}"]
        assert [found[name] for name in names] == pytest.approx(expected[:3])
    per_class = sklearn_metrics.precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), per_class, strict=True):
        assert found[name] == pytest.approx(values.tolist(), abs=1e-6)
    assert found["confusion"] == sklearn_metrics.confusion_matrix(true, predicted, labels=labels).tolist()
    # A single class leaves the correlation undefined; scikit-learn's own 0 / 0 in that case is 0 too.
    assert found["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(true, predicted), abs=1e-12)
    assert ("top5_accuracy" in found) == (scores.shape[1] > 5)
    if scores.shape[1] > 5:
        # scikit-learn prefers the last of equal scores, and the first class here is its last one.
        flipped = scores.flip(1).numpy()
        expected_top5 = sklearn_metrics.top_k_accuracy_score(scores.shape[1] - 1 - true, flipped, k=5, labels=labels)
        assert found["top5_accuracy"] == pytest.approx(expected_top5)
        assert found["top5_accuracy"] >= found["accuracy"]
    expected_area = expected_mean_area(scores, targets)
    assert found["roc_auc"] == (None if expected_area is None else pytest.approx(expected_area))
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 9), st.sampled_from([2, 3, 10, 10_000]), st.booleans())
def test_classification_agrees_with_scikit_learn(
    seed: int, samples: int, classes: int, levels: int, sorting: bool
) -> None:
    with mock.patch.object(metrics_module, "SORT_COSTS", 0 if sorting else 16):
        check_against_scikit_learn(*random_case(seed, samples, classes, levels))


@pytest.mark.parametrize("name", ["mcc", "top5_accuracy"])
def test_a_large_case_agrees_with_scikit_learn(name: str) -> None:
    generator = torch.Generator().manual_seed(6)
    targets = torch.randint(0, 120, (5_000,), generator=generator)
    scores = torch.randn(5_000, 120, generator=generator) + 3 * torch.nn.functional.one_hot(targets, 120)
    found = classification_metrics(scores, targets, batch=512)[name]
    true, predicted = targets.numpy(), scores.argmax(1).numpy()
    expected = {
        "mcc": sklearn_metrics.matthews_corrcoef(true, predicted),
        "top5_accuracy": sklearn_metrics.top_k_accuracy_score(true, scores.numpy(), k=5, labels=range(120)),
    }[name]
    assert 0.3 < found < 0.95
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_score_that_is_not_a_number_is_not_among_the_five_highest() -> None:
    scores = torch.arange(14.0).reshape(2, 7)
    scores[0, 6] = scores[1, 0] = torch.nan
    assert metrics_module.top5_accuracy(scores, torch.tensor([6, 6])).tolist() == [False, True]


def test_every_declared_metric_is_computed_and_every_computed_one_is_declared() -> None:
    assert {metric.name for metric in METRICS} == {"loss", *COMPUTATIONS}


def test_a_class_that_is_never_predicted_has_precision_zero() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.9, 0.0]])
    found = check_against_scikit_learn(scores, torch.tensor([0, 2, 1]))
    assert found["precision"][2] == found["recall"][2] == found["f1"][2] == 0


def test_a_class_that_never_occurs_but_is_predicted_has_recall_zero() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.1, 0.9, 0.0]])
    found = check_against_scikit_learn(scores, torch.tensor([0, 1, 1]))
    assert found["support"] == [1, 2, 0]
    assert found["recall"][2] == 0


def test_a_class_that_neither_occurs_nor_is_predicted_counts_in_no_mean() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    found = check_against_scikit_learn(scores, torch.tensor([0, 1]))
    assert found["f1_macro"] == found["precision_macro"] == found["recall_macro"] == 1.0


def test_the_area_of_probabilities_is_scikit_learns_macro_one_vs_rest() -> None:
    generator = torch.Generator().manual_seed(1)
    probabilities = torch.randn(200, 5, generator=generator).double().softmax(1)
    targets = torch.randint(0, 5, (200,), generator=generator)
    expected = sklearn_metrics.roc_auc_score(targets.numpy(), probabilities.numpy(), multi_class="ovr", average="macro")
    assert mean_area(probabilities, targets) == pytest.approx(expected)


def test_the_area_of_two_classes_is_that_of_the_positive_class() -> None:
    generator = torch.Generator().manual_seed(2)
    positive = torch.randint(0, 8, (100,), generator=generator).double() / 8
    targets = torch.randint(0, 2, (100,), generator=generator)
    expected = sklearn_metrics.roc_auc_score(targets.numpy(), positive.numpy())
    assert mean_area(torch.stack([1 - positive, positive], 1), targets) == pytest.approx(expected)


def test_equal_scores_for_all_have_area_one_half() -> None:
    assert mean_area(torch.ones(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])) == pytest.approx(0.5)


def test_one_class_alone_has_no_area() -> None:
    assert mean_area(torch.rand(4, 3), torch.zeros(4, dtype=torch.int64)) is None


def test_a_single_sample_has_all_metrics_but_the_area() -> None:
    found = check_against_scikit_learn(torch.tensor([[0.1, 0.9]]), torch.tensor([1]))
    assert (found["accuracy"], found["f1_macro"], found["roc_auc"]) == (1.0, 1.0, None)


@pytest.mark.parametrize("classes", [CONFUSION_CLASSES, CONFUSION_CLASSES + 1])
def test_with_very_many_classes_the_confusion_matrix_alone_is_left_out(classes: int) -> None:
    scores, targets = random_case(3, 300, classes, 1000)
    found = classification_metrics(scores, targets)
    assert ("confusion" in found) == (classes <= CONFUSION_CLASSES)
    expected = sklearn_metrics.f1_score(targets.numpy(), scores.argmax(1).numpy(), average="macro", zero_division=0)
    assert found["f1_macro"] == pytest.approx(expected)


class TensorSizes(TorchDispatchMode):
    """Notes the most numbers that a tensor made inside the `with` has."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, Tensor):
                self.most = max(self.most, tensor.numel())
        return result


@pytest.mark.parametrize(("samples", "classes"), [(15, 15_000), (15, 109_001), (800, 4_000)])
def test_metrics_take_memory_in_proportion_to_the_scores_never_to_the_classes_squared(
    samples: int, classes: int
) -> None:
    """data/REPORT 36, reliability R14."""
    generator = torch.Generator().manual_seed(4)
    scores, targets = torch.randn(samples, classes, generator=generator), torch.arange(samples) % 7
    with TensorSizes() as sizes:
        found = classification_metrics(scores, targets)
    assert sizes.most <= samples * classes
    assert ("f1" in found) == ("support" in found) == (classes <= LISTED_CLASSES)
    true, predicted = targets.numpy(), scores.argmax(1).numpy()
    for name in ("macro", "weighted"):
        expected = sklearn_metrics.f1_score(true, predicted, average=name, zero_division=0)
        assert found[f"f1_{name}"] == pytest.approx(expected)


@pytest.mark.parametrize("at_a_time", [1, 3, 100])
@pytest.mark.parametrize("sort_costs", [0, 10**6])
def test_areas_are_the_same_however_scores_are_ranked_and_how_many_together(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int, sort_costs: int
) -> None:
    """reliability R14."""
    scores, targets = random_case(5, 50, 7, 10)
    targets = targets.clamp(max=5)
    monkeypatch.setattr(metrics_module, "CHUNK_NUMBERS", at_a_time * 50)
    monkeypatch.setattr(metrics_module, "SORT_COSTS", sort_costs)
    assert mean_area(scores, targets) == pytest.approx(expected_mean_area(scores, targets), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(2, 50), st.integers(1, 3), st.sampled_from([1e-3, 1.0, 1e4]))
def test_regression_agrees_with_scikit_learn(seed: int, samples: int, outputs: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    targets = scale * torch.randn(samples, outputs, generator=generator)
    predictions = targets + scale * torch.randn(samples, outputs, generator=generator)
    found = regression_metrics(predictions, targets)
    true, predicted = targets.double().numpy(), predictions.double().numpy()
    assert found["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(true, predicted))
    assert found["rmse"] == pytest.approx(sklearn_metrics.mean_squared_error(true, predicted) ** 0.5)
    assert found["r2"] == pytest.approx(sklearn_metrics.r2_score(true, predicted))


def test_r2_stays_exact_far_from_zero() -> None:
    """In float32 the square of a year drowns its spread."""
    years = torch.arange(2000.0, 2020.0).unsqueeze(1)
    predictions = years + 0.5
    expected = sklearn_metrics.r2_score(years.double().numpy(), predictions.double().numpy())
    assert regression_metrics(predictions, years)["r2"] == pytest.approx(expected, rel=1e-12)


def test_a_constant_target_has_errors_but_no_r2() -> None:
    found = regression_metrics(torch.tensor([[1.0], [2.0], [4.0]]), torch.full((3, 1), 2.0))
    assert found == {"mae": 1.0, "rmse": pytest.approx((5 / 3) ** 0.5), "r2": None}


def test_one_constant_column_among_several_leaves_no_r2() -> None:
    targets = torch.tensor([[1.0, 5.0], [2.0, 5.0]])
    assert regression_metrics(targets, targets) == {"mae": 0.0, "rmse": 0.0, "r2": None}


def test_a_single_sample_has_errors_but_no_r2() -> None:
    assert regression_metrics(torch.tensor([[3.0]]), torch.tensor([[1.0]])) == {"mae": 2.0, "rmse": 2.0, "r2": None}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("batch", [1, 9, 1000])
def test_batches_of_any_size_give_the_metrics_of_all_samples_at_once(seed: int, batch: int) -> None:
    scores, targets = random_case(seed, 200, 8, 50)
    assert classification_metrics(scores, targets, batch) == pytest.approx(classification_metrics(scores, targets, 200))
    numbers = 1e6 + torch.randn(200, 2, generator=torch.Generator().manual_seed(seed)).double()
    found = regression_metrics(numbers + 0.25, numbers, batch)
    assert found["r2"] == pytest.approx(sklearn_metrics.r2_score(numbers.numpy(), numbers.numpy() + 0.25), rel=1e-9)


class Waits(TorchDispatchMode):
    """Notes operators whose result a host must wait for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(name in str(func) for name in ("_local_scalar_dense", "nonzero", "bincount", "unique", "_to_copy.cpu")):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


def held(metrics: SplitMetrics) -> int:
    """Numbers in all tensors that the accumulators hold."""
    found = 0
    for accumulator in metrics.accumulators.values():
        for value in vars(accumulator).values():
            tensors = value if isinstance(value, list) else [value]
            found += sum(tensor.numel() for tensor in tensors if isinstance(tensor, Tensor))
    return found


@pytest.mark.parametrize(("task", "classes"), [("classification", 10), ("classification", 200), ("regression", 3)])
def test_without_the_area_nothing_grows_with_the_samples_and_no_batch_is_waited_for(task: str, classes: int) -> None:
    samples, batch = 2_000, 20
    facts = SplitFacts(samples, classes, lambda scores: scores.softmax(1))
    metrics = SplitMetrics(metrics_for(task, classes), facts, keeps_scores=False)
    loss = MeanLoss(
        torch.nn.functional.cross_entropy if task == "classification" else torch.nn.functional.mse_loss, len
    )
    generator = torch.Generator().manual_seed(7)
    sizes = []
    for _ in range(samples // batch):
        scores = torch.randn(batch, classes, generator=generator)
        targets = torch.randint(0, classes, (batch,), generator=generator) if task == "classification" else scores + 1
        with Waits() as waits:
            loss.update(scores, targets)
            metrics.update(scores, targets)
        assert waits.found == []
        sizes.append(held(metrics))
    assert set(sizes) == {sizes[0]}
    assert sizes[0] <= max(classes**2, 3 * classes) + 10 if classes <= CONFUSION_CLASSES else 3 * classes + 10
    assert metrics.compute().get("roc_auc") is None


def test_the_area_alone_keeps_the_scores_of_all_samples() -> None:
    facts = SplitFacts(50, 10, lambda scores: scores.softmax(1))
    metrics = SplitMetrics(metrics_for("classification", 10), facts, keeps_scores=True)
    metrics.update(*random_case(8, 5, 10, 100))
    kept = [each for each in metrics.accumulators.values() if isinstance(each, KeptScores)]
    assert [each.buffers[0].shape for each in kept] == [(50, 10)]


@pytest.mark.parametrize("batch", [3, 8])
def test_metrics_of_tokens_leave_out_padding_and_do_not_depend_on_the_batches(batch: int) -> None:
    generator = torch.Generator().manual_seed(0)
    scores, targets = torch.randn(8, 6, 5, generator=generator), torch.randint(0, 6, (8, 5), generator=generator)
    targets[2, 1:] = targets[5] = targets[7, 4] = IGNORED
    found = measured("language_modeling", scores, targets, batch)
    kept = (targets != IGNORED).flatten()
    by_token, true = scores.permute(0, 2, 1).reshape(-1, 6)[kept], targets.flatten()[kept]
    surprise = sklearn_metrics.log_loss(true.numpy(), by_token.double().softmax(1).numpy(), labels=range(6))
    assert found == {
        "perplexity": pytest.approx(np.exp(surprise), rel=1e-5),
        "token_accuracy": pytest.approx(sklearn_metrics.accuracy_score(true.numpy(), by_token.argmax(1).numpy())),
        "bits_per_byte": None,
    }


def test_a_perplexity_that_is_too_large_for_a_number_is_absent() -> None:
    scores = torch.zeros(1, 2, 3)
    scores[:, 0] = 1000.0
    found = measured("language_modeling", scores, torch.ones(1, 3, dtype=torch.int64), 1)
    assert (found["perplexity"], found["token_accuracy"]) == (None, 0.0)
