"""Losses: what training minimises. Each declares the tasks that it fits.

Losses that compare numbers (mean squared error, KL divergence, ...) train on class labels as one-hot targets, which
`label_smoothing` can soften.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from workbench.settings.base import Choice, Family, members, setting

if TYPE_CHECKING:
    from torch import Tensor

    LossFunction = Callable[[Tensor, Tensor], Tensor]
    """(raw scores (n, outputs) float32, targets) -> mean loss, a scalar."""

CLASSIFICATION = "classification"
REGRESSION = "regression"
LANGUAGE_MODELING = "language_modeling"

IGNORED = -100
"""The target of a token that is not predicted, as padding: PyTorch's own `ignore_index`."""


class LossChoice(Choice):
    """A loss."""

    tasks: ClassVar[frozenset[str]]
    independent_classes: ClassVar[bool] = False
    """True if a score is the log-odds of its class (sigmoid), False if classes exclude each other (softmax)."""

    own_activation: ClassVar[str] = ""
    """The activation that the loss itself applies to raw scores: softmax, sigmoid or empty."""

    def build(self, class_counts: Tensor | None) -> LossFunction:
        """Returns the loss as a function of raw scores and targets.

        class_counts: how often each class occurs in the training split, int64 (classes,), on the training device; None
        for regression and language models. Targets are int64 (n,) for classes and float32 (n, outputs) for regression;
        for language models int64 (n, length), IGNORED among them, and scores are (n, vocabulary, length). Raises
        PresetError if the settings do not fit the classes.
        """
        raise NotImplementedError

    def batch_weight(self, class_counts: Tensor | None) -> Callable[[Tensor], Tensor | int]:
        """Returns a function of a batch's targets: the weight of its mean loss in the mean over several batches.

        class_counts: as in `build`.
        """
        return len

    def probabilities(self, scores: Tensor) -> Tensor:
        """Converts raw scores (n, classes) to the probabilities that the loss assumes."""
        return scores.sigmoid() if self.independent_classes else scores.softmax(dim=1)


def label_smoothing() -> float:
    """The label smoothing setting of losses that compare with one-hot targets."""
    smoothing: float = setting(
        0.0,
        "fraction of a target spread evenly over all classes",
        only_if={"data.predicts": (CLASSIFICATION, LANGUAGE_MODELING)},
        ge=0,
        lt=1,
    )
    return smoothing


class CrossEntropy(LossChoice):
    """-log of the predicted probability of the correct class: the usual choice for classes."""

    tasks: ClassVar[frozenset[str]] = frozenset({CLASSIFICATION, LANGUAGE_MODELING})
    own_activation: ClassVar[str] = "softmax"
    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: float = label_smoothing()
    class_weights: Literal["equal", "balanced"] | tuple[Annotated[float, Field(ge=0)], ...] = setting(
        "equal",
        "weight of each class: equal, balanced (rarer classes weigh more), or one number per class",
        only_if={"data.predicts": (CLASSIFICATION,)},
    )

    def build(self, class_counts: Tensor | None) -> LossFunction:
        import torch
        from torch.nn import functional as F

        weight = None if class_counts is None else self.weight(class_counts)

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(scores, targets, weight=weight)

        def weighted_mean(scores: Tensor, targets: Tensor) -> Tensor:
            """The same mean, computed in two steps.

            It is 0, not 0 / 0, for a batch whose classes all have weight 0. PyTorch's own mean with label smoothing
            synchronises with the device at each step and cannot be captured in a CUDA graph; this one does not.
            """
            total = F.cross_entropy(
                scores, targets, weight=weight, label_smoothing=self.label_smoothing, reduction="sum"
            )
            if weight is None:
                return total / len(targets)
            total_weight = weight[targets].sum()
            return total / torch.where(total_weight > 0, total_weight, 1.0)

        has_zeros = weight is not None and not bool((weight > 0).all())
        of_classes = weighted_mean if has_zeros or self.label_smoothing else loss

        def of_classes_or_tokens(scores: Tensor, targets: Tensor) -> Tensor:
            is_tokens = scores.dim() > 2
            return mean_over_tokens(scores, targets, self.label_smoothing) if is_tokens else of_classes(scores, targets)

        return of_classes if class_counts is not None else of_classes_or_tokens

    def batch_weight(self, class_counts: Tensor | None) -> Callable[[Tensor], Tensor | int]:
        weight = None if class_counts is None else self.weight(class_counts)
        if class_counts is None:
            return number_of_targets
        return len if weight is None else lambda targets: weight[targets].sum()

    def weight(self, class_counts: Tensor) -> Tensor | None:
        """The weight of each class, float32 (classes,); None where all weigh the same. Raises PresetError."""
        import torch

        from workbench.errors import PresetError

        if self.class_weights == "equal":
            return None
        if self.class_weights == "balanced":
            # Same as scikit-learn's class_weight="balanced": n / (classes * count).
            counts = class_counts.float()
            return counts.sum() / (len(counts) * counts.clamp(min=1))
        if len(self.class_weights) != len(class_counts):
            raise PresetError(
                f"loss.class_weights has {len(self.class_weights)} numbers, but the data has "
                f"{len(class_counts)} classes"
            )
        if not any(self.class_weights):
            raise PresetError("loss.class_weights must not all be zero")
        return class_counts.new_tensor(self.class_weights, dtype=torch.float32)


class KlDivergence(LossChoice):
    """Kullback-Leibler divergence of the predicted from the target distribution."""

    tasks: ClassVar[frozenset[str]] = frozenset({CLASSIFICATION})
    own_activation: ClassVar[str] = "softmax"
    name: Literal["kl_divergence"] = "kl_divergence"
    label_smoothing: float = label_smoothing()

    def build(self, class_counts: Tensor | None) -> LossFunction:
        from torch.nn import functional as F

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            expected = one_hot(targets, scores, self.label_smoothing)
            return F.kl_div(F.log_softmax(scores, dim=1), expected, reduction="batchmean")

        return loss


class BinaryCrossEntropy(LossChoice):
    """One yes-or-no question per class: classes need not exclude each other."""

    tasks: ClassVar[frozenset[str]] = frozenset({CLASSIFICATION})
    independent_classes: ClassVar[bool] = True
    own_activation: ClassVar[str] = "sigmoid"
    name: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    label_smoothing: float = label_smoothing()

    def build(self, class_counts: Tensor | None) -> LossFunction:
        from torch.nn import functional as F

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            return F.binary_cross_entropy_with_logits(scores, one_hot(targets, scores, self.label_smoothing))

        return loss


class NumberLoss(LossChoice):
    """A loss between two numbers; class labels become one-hot targets for the raw scores."""

    tasks: ClassVar[frozenset[str]] = frozenset({CLASSIFICATION, REGRESSION})
    label_smoothing: float = label_smoothing()

    def _compare(self, scores: Tensor, targets: Tensor) -> Tensor:
        raise NotImplementedError

    def build(self, class_counts: Tensor | None) -> LossFunction:
        if class_counts is None:
            return self._compare

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            return self._compare(scores, one_hot(targets, scores, self.label_smoothing))

        return loss


class MeanSquaredError(NumberLoss):
    """Mean of (prediction - target) squared: the usual choice for numbers."""

    name: Literal["mse"] = "mse"

    def _compare(self, scores: Tensor, targets: Tensor) -> Tensor:
        from torch.nn import functional as F

        return F.mse_loss(scores, targets)


class L1(NumberLoss):
    """Mean of |prediction - target|: outliers weigh less."""

    name: Literal["l1"] = "l1"

    def _compare(self, scores: Tensor, targets: Tensor) -> Tensor:
        from torch.nn import functional as F

        return F.l1_loss(scores, targets)


class Huber(NumberLoss):
    """Squared near the target, linear far from it."""

    name: Literal["huber"] = "huber"
    delta: float = setting(1.0, "distance at which the loss changes from squared to linear", gt=0, le=1e6)

    def _compare(self, scores: Tensor, targets: Tensor) -> Tensor:
        from torch.nn import functional as F

        return F.huber_loss(scores, targets, delta=self.delta)


def one_hot(targets: Tensor, scores: Tensor, smoothing: float | Tensor) -> Tensor:
    """One-hot encodes class numbers (n,) as rows (n, classes) with the dtype of the scores.

    With smoothing, as in torch's cross entropy: 1 - smoothing + smoothing / classes for the class, smoothing / classes
    elsewhere. It is a scalar tensor where candidates that are trained together have each their own.
    """
    import torch

    classes = scores.shape[1]
    if isinstance(smoothing, torch.Tensor):
        ones = torch.zeros_like(scores).scatter(1, targets.unsqueeze(1), 1.0)
        return ones * (1 - smoothing) + smoothing / classes
    rows = torch.full_like(scores, smoothing / classes)
    return rows.scatter_(1, targets.unsqueeze(1), 1 - smoothing + smoothing / classes)


def mean_over_tokens(scores: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The mean cross entropy of scores (n, vocabulary, length) for targets (n, length), without those IGNORED.

    Token by token, since PyTorch's own for three dimensions is not deterministic on a GPU; 0 for nothing but padding.
    """
    from torch.nn import functional as F

    total = F.cross_entropy(
        scores.transpose(1, 2).flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORED,
        label_smoothing=smoothing,
        reduction="sum",
    )
    return total / (targets != IGNORED).sum().clamp(min=1)


def number_of_targets(targets: Tensor) -> Tensor | int:
    """How many targets of a batch count: its samples (n,), or its tokens (n, length) without those IGNORED."""
    return len(targets) if targets.dim() == 1 else (targets != IGNORED).sum()


Loss = Annotated[
    CrossEntropy | MeanSquaredError | KlDivergence | BinaryCrossEntropy | L1 | Huber,
    Field(discriminator="name"),
]

LOSSES = Family("loss", members(Loss), CrossEntropy, plural="losses")


def losses_for(task: str) -> list[str]:
    """The names of the losses that fit a task."""
    return [label for label in LOSSES.labels if task in getattr(LOSSES.choice(label), "tasks", ())]
