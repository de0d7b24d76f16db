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
    """The loss. `model` of the part: the lines that make the class weights of `splits`, if there are any."""
    loss = preset.loss
    smoothing = getattr(loss, "label_smoothing", 0.0)
    settings: list[tuple[str, object]] = []
    weights, more = "", ""
    smoothed = ", label_smoothing=LABEL_SMOOTHING" * bool(smoothing)
    if smoothing:
        settings.append(("LABEL_SMOOTHING", smoothing))
    if isinstance(loss, CrossEntropy) and facts.task == "language_modeling":
        body = fill(TOKENS, smoothing=smoothed)
    elif isinstance(loss, CrossEntropy):
        more = ", class_weights: Tensor" * weighs_classes(preset)
        if loss.class_weights == "balanced":
            weights = (
                f'counts = torch.bincount(splits["train"][1], minlength={facts.outputs}).float()\n'
                "class_weights = counts.sum() / (len(counts) * counts.clamp(min=1))  # rarer classes weigh more"
            )
        elif weighs_classes(preset):
            settings.append(("CLASS_WEIGHTS", loss.class_weights))
            weights = "class_weights = torch.tensor(CLASS_WEIGHTS, dtype=torch.float32)" + ".to(DEVICE)" * on_gpu
        if not weighs_classes(preset):
            summed = f'F.cross_entropy(scores, targets{smoothed}, reduction="sum") / len(targets)'
            body = f"return {summed if smoothing else 'F.cross_entropy(scores, targets)'}"
        elif smoothing or (isinstance(loss.class_weights, tuple) and 0 in loss.class_weights):
            body = fill(WEIGHTED_SUM, smoothing=smoothed)
        else:
            body = "return F.cross_entropy(scores, targets, weight=class_weights)"
    elif type(loss) in COMPARISONS:
        comparison = COMPARISONS[type(loss)]
        delta = "HUBER_DELTA"
        if isinstance(loss, Huber):
            settings.append((delta, loss.delta))
        if facts.task == "regression":
            body = "return " + fill(comparison, to="targets", delta=delta)
            settings = [each for each in settings if each[0] != "LABEL_SMOOTHING"]
        elif smoothing:
            body = fill(ONE_HOT, loss=fill(comparison, to="expected", delta=delta))
        else:
            to = "expected"
            made = f"expected = F.one_hot(targets, {facts.outputs}).to(scores.dtype)"
            body = f"{made}\nreturn {fill(comparison, to=to, delta=delta)}"
    else:
        raise UsageError(f'--to script does not know loss.name = "{loss.label()}"')
    return Part(fill(LOSS, body=body, more=more), ("import torch.nn.functional as F",), tuple(settings), weights)


def batch_weight(preset: Preset, facts: Facts) -> str:
    """How much a batch's mean loss counts in the mean over a split, as an expression of `targets`."""
    if facts.task == "language_modeling":
        return "(expected != -100).sum()"
    return "class_weights[expected].sum().double()" if weighs_classes(preset) else "len(expected)"
