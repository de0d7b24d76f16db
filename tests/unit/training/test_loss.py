"""Losses against PyTorch's and scikit-learn's own, and which loss fits which task."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.errors import PresetError
from workbench.settings.loss import (
    CLASSIFICATION,
    IGNORED,
    L1,
    LANGUAGE_MODELING,
    LOSSES,
    REGRESSION,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    KlDivergence,
    LossChoice,
    MeanSquaredError,
    losses_for,
)

COUNTS = torch.tensor([10, 10, 10])


def random_case(seed: int, samples: int = 12, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(samples, classes, generator=generator)
    return scores, torch.randint(0, classes, (samples,), generator=generator)


def random_tokens(seed: int) -> tuple[Tensor, Tensor]:
    """Scores (4, 6, 5) of a vocabulary of 6, and 4 texts of 5 next tokens, some of them padding."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 6, (4, 5), generator=generator)
    targets[1, 3:] = targets[2, 1:] = IGNORED
    return 3 * torch.randn(4, 6, 5, generator=generator), targets


def entropy(smoothing: float, classes: int) -> float:
    """Of a smoothed target."""
    shares = [smoothing / classes] * (classes - 1) + [1 - smoothing + smoothing / classes]
    return -sum(share * math.log(share) for share in shares if share)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000), st.integers(2, 6), st.floats(0.0, 0.99))
def test_smoothed_kl_divergence_is_torchs_cross_entropy_less_the_targets_entropy(
    seed: int, classes: int, smoothing: float
) -> None:
    scores, targets = random_case(seed, classes=classes)
    divergence = KlDivergence(label_smoothing=smoothing).build(None)(scores, targets)
    expected = F.cross_entropy(scores, targets, label_smoothing=smoothing) - entropy(smoothing, classes)
    assert float(divergence) == pytest.approx(float(expected), rel=1e-4, abs=2e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_kl_divergence_has_the_gradient_of_cross_entropy(smoothing: float) -> None:
    gradients = []
    for choice in (KlDivergence(label_smoothing=smoothing), CrossEntropy(label_smoothing=smoothing)):
        scores, targets = random_case(4)
        scores.requires_grad_()
        choice.build(COUNTS)(scores, targets).backward()
        assert scores.grad is not None
        gradients.append(scores.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_losses_between_numbers_see_smoothed_one_hot_targets(smoothing: float) -> None:
    scores, targets = random_case(5)
    hot = F.one_hot(targets, 3) * (1 - smoothing) + smoothing / 3
    assert_same(MeanSquaredError(label_smoothing=smoothing), F.mse_loss(scores, hot), scores, targets)
    assert_same(L1(label_smoothing=smoothing), F.l1_loss(scores, hot), scores, targets)
    assert_same(Huber(label_smoothing=smoothing, delta=0.5), F.huber_loss(scores, hot, delta=0.5), scores, targets)
    expected = F.binary_cross_entropy_with_logits(scores, hot)
    assert_same(BinaryCrossEntropy(label_smoothing=smoothing), expected, scores, targets)


def assert_same(choice: LossChoice, expected: Tensor, scores: Tensor, targets: Tensor) -> None:
    torch.testing.assert_close(choice.build(COUNTS)(scores, targets), expected)


def test_losses_between_numbers_train_numbers() -> None:
    generator = torch.Generator().manual_seed(6)
    predictions, targets = torch.randn(9, 2, generator=generator), torch.randn(9, 2, generator=generator)
    for choice, expected in (
        (MeanSquaredError(), F.mse_loss(predictions, targets)),
        (L1(), F.l1_loss(predictions, targets)),
        (Huber(delta=0.3), F.huber_loss(predictions, targets, delta=0.3)),
    ):
        torch.testing.assert_close(choice.build(None)(predictions, targets), expected)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 500), min_size=2, max_size=6))
def test_balanced_weights_are_scikit_learns(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    weights = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    scores, targets = random_case(7, classes=len(counts))
    expected = F.cross_entropy(scores, targets, weight=torch.from_numpy(weights).float())
    found = CrossEntropy(class_weights="balanced").build(torch.tensor(counts))(scores, targets)
    torch.testing.assert_close(found, expected)


def test_balanced_weights_of_a_class_without_samples_are_finite() -> None:
    scores, targets = random_case(8)
    loss = CrossEntropy(class_weights="balanced").build(torch.tensor([0, 5, 7]))(scores, targets)
    assert math.isfinite(float(loss))


def test_weights_can_be_a_number_a_class() -> None:
    scores, targets = random_case(9)
    expected = F.cross_entropy(scores, targets, weight=torch.tensor([1.0, 0.0, 2.5]), label_smoothing=0.1)
    choice = CrossEntropy(class_weights=(1.0, 0.0, 2.5), label_smoothing=0.1)
    torch.testing.assert_close(choice.build(COUNTS)(scores, targets), expected)


def test_equal_weights_are_no_weights() -> None:
    scores, targets = random_case(10)
    assert torch.equal(CrossEntropy().build(COUNTS)(scores, targets), F.cross_entropy(scores, targets))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_batch_of_classes_that_weigh_nothing_has_an_ordinary_loss(smoothing: float) -> None:
    """Else a batch that happens to hold one class alone ends the training as diverged."""
    scores, _ = random_case(11)
    choice = CrossEntropy(class_weights=(0.0, 1.0, 1.0), label_smoothing=smoothing)
    assert 0 <= float(choice.build(COUNTS)(scores, torch.zeros(12, dtype=torch.int64))) < 100


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 2.0), (1.0, 2.0, 3.0, 4.0)])
def test_a_wrong_number_of_weights_is_refused_with_both_numbers(weights: tuple[float, ...]) -> None:
    with pytest.raises(PresetError, match=f"{len(weights)} numbers, but the data has 3 classes"):
        CrossEntropy(class_weights=weights).build(COUNTS)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(PresetError, match="must not all be zero"):
        CrossEntropy(class_weights=(0.0, 0.0, 0.0)).build(COUNTS)


@pytest.mark.parametrize("label", LOSSES.labels)
def test_every_loss_is_a_scalar_with_a_gradient_for_each_task_that_it_fits(label: str) -> None:
    kind = LOSSES.choice(label)
    assert kind is not None
    assert issubclass(kind, LossChoice)
    assert kind.tasks <= {CLASSIFICATION, REGRESSION, LANGUAGE_MODELING}
    for task in kind.tasks:
        scores, classes = random_case(12)
        numbers = torch.randn(12, 3, generator=torch.Generator().manual_seed(13))
        targets = {CLASSIFICATION: classes, REGRESSION: numbers}.get(task)
        if targets is None:
            scores, targets = random_tokens(12)
        scores.requires_grad_()
        loss = kind().build(COUNTS if task == CLASSIFICATION else None)
        value = loss(scores, targets)
        assert (value.shape, value.dtype) == ((), torch.float32)
        value.backward()
        assert scores.grad is not None
        assert bool(scores.grad.isfinite().all())
        assert float(scores.grad.abs().sum()) > 0


def test_losses_are_listed_by_the_task_that_they_fit() -> None:
    assert losses_for(CLASSIFICATION) == LOSSES.labels
    assert losses_for(REGRESSION) == ["mse", "l1", "huber"]
    assert losses_for(LANGUAGE_MODELING) == ["cross_entropy"]
    assert losses_for("clustering") == []


def test_binary_cross_entropy_alone_asks_each_class_on_its_own() -> None:
    assert [choice.label() for choice in LOSSES.choices if getattr(choice, "independent_classes", False)] == [
        "binary_cross_entropy"
    ]


class Operators(TorchDispatchMode):
    """Notes the operators that are called."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func._schema.name)
        if func._schema.name == "aten::index" and any(i is not None and i.dtype == torch.bool for i in args[1]):
            self.names.add("aten::nonzero")  # which it calls itself
        return func(*args, **(kwargs or {}))


SYNCHRONIZING = {"aten::masked_select", "aten::nonzero", "aten::_local_scalar_dense"}
"""Operators that wait for a GPU: to know how large their result is, or what it is."""
WEIGHTS = {"unweighted": None, "positive": (2.0, 1.0, 0.5), "with a zero": (0.0, 1.0, 2.0)}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_cross_entropy_is_pytorchs_and_waits_for_no_gpu(weights: tuple[float, ...] | None, smoothing: float) -> None:
    """PyTorch's mean with label smoothing waits at each step."""
    scores, targets = random_case(5)
    choice = CrossEntropy(label_smoothing=smoothing, class_weights=weights or "equal")
    loss = choice.build(COUNTS)
    with Operators() as called:
        found = loss(scores, targets)
    weight = None if weights is None else torch.tensor(weights)
    torch.testing.assert_close(found, F.cross_entropy(scores, targets, weight=weight, label_smoothing=smoothing))
    assert called.names
    assert not called.names & SYNCHRONIZING


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_tokens_is_the_mean_over_those_that_are_no_padding(smoothing: float) -> None:
    """PyTorch's own with `ignore_index`, which waits for no GPU here; 0 where all is padding."""
    choice = CrossEntropy(label_smoothing=smoothing)
    scores, targets = random_tokens(7)
    loss, weight = choice.build(None), choice.batch_weight(None)
    with Operators() as called:
        found = loss(scores, targets)
    kept = targets != IGNORED
    by_hand = F.cross_entropy(scores.permute(0, 2, 1)[kept], targets[kept], label_smoothing=smoothing)
    torch.testing.assert_close(found, by_hand)
    torch.testing.assert_close(found, F.cross_entropy(scores, targets, label_smoothing=smoothing))
    assert int(weight(targets)) == int(kept.sum()) == 14
    assert called.names
    assert not called.names & SYNCHRONIZING
    assert float(loss(scores, torch.full_like(targets, IGNORED))) == 0.0


@pytest.mark.parametrize("kind", LOSSES.choices, ids=LOSSES.labels)
@pytest.mark.parametrize("settings_of_loss", [{}, {"label_smoothing": 0.1}], ids=["plain", "smoothed"])
def test_no_loss_waits_for_a_gpu(kind: type[LossChoice], settings_of_loss: dict[str, float]) -> None:
    scores, targets = random_case(6)
    loss = kind(**settings_of_loss).build(COUNTS)
    with Operators() as called:
        loss(scores, targets)
    assert called.names
    assert not called.names & SYNCHRONIZING


def test_the_operators_that_wait_are_seen() -> None:
    scores, _ = random_case(7)
    with Operators() as called:
        scores[scores > 0].sum().item()
    assert called.names >= {"aten::nonzero", "aten::_local_scalar_dense"}
