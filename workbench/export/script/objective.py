"""What a script minimises: its function `compute_loss`, and how much a batch's loss counts in a mean over batches."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.loss import (
    L1,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    KlDivergence,
    LossChoice,
    MeanSquaredError,
)
from workbench.settings.preset import Preset

LOSS = '''
def compute_loss(scores: Tensor, targets: Tensor$more) -> Tensor:
    """The mean loss of a batch."""
    $body
'''

WEIGHTED_SUM = """
total = F.cross_entropy(scores, targets, weight=class_weights$smoothing, reduction="sum")
weight = class_weights[targets].sum()
return total / torch.where(weight > 0, weight, 1.0)
"""

ONE_HOT = """
classes = scores.shape[1]
expected = torch.full_like(scores, LABEL_SMOOTHING / classes)
expected.scatter_(1, targets.unsqueeze(1), 1 - LABEL_SMOOTHING + LABEL_SMOOTHING / classes)
return $loss
"""

TOKENS = """
# Token by token; padding (-100) is left out.
by_token, expected = scores.transpose(1, 2).flatten(0, 1), targets.flatten()
total = F.cross_entropy(by_token, expected, ignore_index=-100$smoothing, reduction="sum")
return total / (targets != -100).sum().clamp(min=1)
"""

COMPARISONS = {
    MeanSquaredError: "F.mse_loss(scores, $to)",
    L1: "F.l1_loss(scores, $to)",
    Huber: "F.huber_loss(scores, $to, delta=$delta)",
    KlDivergence: 'F.kl_div(F.log_softmax(scores, dim=1), $to, reduction="batchmean")',
    BinaryCrossEntropy: "F.binary_cross_entropy_with_logits(scores, $to)",
}


def weighs_classes(preset: Preset) -> bool:
    """Whether classes have weights."""
    return isinstance(preset.loss, CrossEntropy) and preset.loss.class_weights != "equal"


def loss_part(preset: Preset, facts: Facts, *, on_gpu: bool = False) -> Part:
    """The loss. `use` of the part: the lines that make the class weights of `splits`, if there are any."""
    loss, weighs = preset.loss, weighs_classes(preset)
    body = _cross_entropy(loss, facts) if isinstance(loss, CrossEntropy) else _comparison(loss, facts)
    settings: list[tuple[str, object]] = []
    if "LABEL_SMOOTHING" in body:
        settings.append(("LABEL_SMOOTHING", getattr(loss, "label_smoothing", 0.0)))
    if isinstance(loss, Huber):
        settings.append(("HUBER_DELTA", loss.delta))
    weights = ""
    if isinstance(loss, CrossEntropy) and loss.class_weights == "balanced":
        weights = (
            f'counts = torch.bincount(splits["train"][1], minlength={facts.outputs}).float()\n'
            "class_weights = counts.sum() / (len(counts) * counts.clamp(min=1))  # rarer classes weigh more"
        )
    elif isinstance(loss, CrossEntropy) and weighs:
        settings.append(("CLASS_WEIGHTS", loss.class_weights))
        weights = "class_weights = torch.tensor(CLASS_WEIGHTS, dtype=torch.float32)" + ".to(DEVICE)" * on_gpu
    code = fill(LOSS, body=body, more=", class_weights: Tensor" * weighs)
    return Part(code, ("import torch.nn.functional as F",), tuple(settings), weights)


def _cross_entropy(loss: CrossEntropy, facts: Facts) -> str:
    """The lines of `compute_loss`, as `workbench.settings.loss` computes it."""
    smoothed = ", label_smoothing=LABEL_SMOOTHING" * bool(loss.label_smoothing)
    if facts.task == "language_modeling":
        return fill(TOKENS, smoothing=smoothed)
    if loss.class_weights == "equal":
        summed = f'F.cross_entropy(scores, targets{smoothed}, reduction="sum") / len(targets)'
        return f"return {summed if smoothed else 'F.cross_entropy(scores, targets)'}"
    if smoothed or (isinstance(loss.class_weights, tuple) and 0 in loss.class_weights):
        return fill(WEIGHTED_SUM, smoothing=smoothed)
    return "return F.cross_entropy(scores, targets, weight=class_weights)"


def _comparison(loss: LossChoice, facts: Facts) -> str:
    """The lines of `compute_loss` for a loss that compares numbers; classes become one-hot targets."""
    if type(loss) not in COMPARISONS:
        raise UsageError(f'--to script does not know loss.name = "{loss.label()}"')
    is_regression = facts.task == "regression"
    compared = fill(COMPARISONS[type(loss)], to="targets" if is_regression else "expected", delta="HUBER_DELTA")
    if is_regression:
        return f"return {compared}"
    if getattr(loss, "label_smoothing", 0.0):
        return fill(ONE_HOT, loss=compared)
    return f"expected = F.one_hot(targets, {facts.outputs}).to(scores.dtype)\nreturn {compared}"


def batch_weight(preset: Preset, facts: Facts) -> str:
    """How much a batch's mean loss counts in the mean over a split, as an expression of `targets`."""
    if facts.task == "language_modeling":
        return "(expected != -100).sum()"
    return "class_weights[expected].sum().double()" if weighs_classes(preset) else "len(expected)"
