"""Losses: what training minimises. Each names the tasks that it fits.

Losses that compare numbers (mean squared error, KL divergence, ...) train on class labels by way of one-hot targets,
which `label_smoothing` can soften.
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


class LossChoice(Choice):
    """A loss."""

    tasks: ClassVar[frozenset[str]]
    independent_classes: ClassVar[bool] = False
    """True where a score is a class's own log-odds (sigmoid), False where classes compete (softmax)."""

    own_activation: ClassVar[str] = ""
    """What the loss itself makes of raw scores first: softmax, sigmoid or nothing."""

    def build(self, class_counts: Tensor | None) -> LossFunction:
        """The loss as a function of raw scores and targets.

        class_counts: how often each class occurs in the training split, int64 (classes,), on the device of
        training; None for regression, where targets are float32 (n, outputs). Class targets are int64 (n,).
        Raises PresetError where the settings do not fit the classes.
        """
        raise NotImplementedError

    def batch_weight(self, class_counts: Tensor | None) -> Callable[[Tensor], Tensor | int]:
        """A function of a batch's targets: how much its mean loss counts in the mean over several batches.

        class_counts: what the loss was built with.
        """
        return len

    def probabilities(self, scores: Tensor) -> Tensor:
        """Raw scores (n, classes) as the probabilities that the loss takes them for."""
        return scores.sigmoid() if self.independent_classes else scores.softmax(dim=1)


def label_smoothing() -> float:
    """The setting shared by the losses that compare with one-hot targets."""
    smoothing: float = setting(0.0, "fraction of a target spread evenly over all classes", ge=0, lt=1)
    return smoothing


class CrossEntropy(LossChoice):
    """-log of the probability given to the right class: the usual choice for classes."""

    tasks: ClassVar[frozenset[str]] = frozenset({CLASSIFICATION})
    own_activation: ClassVar[str] = "softmax"
    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: float = label_smoothing()
    class_weights: Literal["equal", "balanced"] | tuple[Annotated[float, Field(ge=0)], ...] = setting(
        "equal", "weight of each class: equal, balanced (rarer classes weigh more), or one number per class"
    )

    def build(self, class_counts: Tensor | None) -> LossFunction:
        import torch
        from torch.nn import functional as F

        weight = None if class_counts is None else self._weight(class_counts)

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(scores, targets, weight=weight)

        def sum_over_weight(scores: Tensor, targets: Tensor) -> Tensor:
            """The same mean, in two steps.

            It is 0 and not 0 / 0 for a batch in which no class has a weight. And it does not wait for the device:
            PyTorch's own mean with label smoothing does, at each step, and cannot be captured in a CUDA graph.
            """
            total = F.cross_entropy(
                scores, targets, weight=weight, label_smoothing=self.label_smoothing, reduction="sum"
            )
            if weight is None:
                return total / len(targets)
            weighed = weight[targets].sum()
            return total / torch.where(weighed > 0, weighed, 1.0)

        has_zeros = weight is not None and not bool((weight > 0).all())
        return sum_over_weight if has_zeros or self.label_smoothing else loss

    def batch_weight(self, class_counts: Tensor | None) -> Callable[[Tensor], Tensor | int]:
        weight = None if class_counts is None else self._weight(class_counts)
        return len if weight is None else lambda targets: weight[targets].sum()

    def _weight(self, class_counts: Tensor) -> Tensor | None:
        import torch

        from workbench.errors import PresetError

        if self.class_weights == "equal":
            return None
        if self.class_weights == "balanced":
            # As scikit-learn's class_weight="balanced": n / (classes * count).
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


def one_hot(targets: Tensor, scores: Tensor, smoothing: float) -> Tensor:
    """Class numbers (n,) as rows (n, classes) of the scores' type: 1 - smoothing + smoothing / classes at the
    class, smoothing / classes elsewhere, as in torch's own cross entropy."""
    import torch

    classes = scores.shape[1]
    rows = torch.full_like(scores, smoothing / classes)
    return rows.scatter_(1, targets.unsqueeze(1), 1 - smoothing + smoothing / classes)


Loss = Annotated[
    CrossEntropy | MeanSquaredError | KlDivergence | BinaryCrossEntropy | L1 | Huber,
    Field(discriminator="name"),
]

LOSSES = Family("loss", members(Loss), CrossEntropy, plural="losses")


def losses_for(task: str) -> list[str]:
    """The names of the losses that fit a task."""
    return [label for label in LOSSES.labels if task in getattr(LOSSES.choice(label), "tasks", ())]
