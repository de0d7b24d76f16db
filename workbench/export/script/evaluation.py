"""How a script evaluates a split: its loss, and one number that people read."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.objective import batch_weight, weighs_classes
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.preset import Preset

EVALUATE = '''
@torch.inference_mode()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor$more) -> dict[str, float]:
    """The loss of a split, and $what."""
    model.eval()
    widths, needed = fit_widths(inputs.cpu())  #? cuts
    loss, weight = 0.0, 0  #? weighted
    loss = 0.0  #? !weighted
    correct = 0  #? counts
    error = 0.0  #? !counts
    for indices in torch.arange(len(targets)).split(EVALUATION_BATCH_SIZE):
        scores, expected = model(inputs[indices]), targets[indices]  #? !cuts
        width = widths[needed[indices].max()]  #? cuts
        scores, expected = model(inputs[indices, :width]), targets[indices]  #? cuts
        batch_weight = $batch_weight  #? weighted
        weight += batch_weight  #? weighted
        loss += compute_loss(scores, expected$class_weights).double() * batch_weight  #? weighted
        loss += compute_loss(scores, expected$class_weights).double() * len(expected)  #? !weighted
        correct += int((scores.argmax(1) == expected).sum())  #? counts
        predicted = scores.double() * scale[1] + scale[0]  #? scaled
        wanted = expected.double() * scale[1] + scale[0]  #? scaled
        error += (predicted - wanted).abs().sum(0)  #? scaled
        error += (scores.double() - expected.double()).abs().sum(0)  #? !counts !scaled
    mean_loss = float(loss) / float(weight)  #? weighted
    mean_loss = float(loss) / len(targets)  #? !weighted
    return {"loss": mean_loss, "$accuracy": correct / $predictions}  #? counts
    return {"loss": mean_loss, "mae": float(error.mean()) / len(targets)}  #? !counts
'''

ACCURACIES = {"classification": "accuracy", "language_modeling": "token_accuracy"}
"""The metric that is the fraction of right answers, by task."""
WHAT = {
    "classification": "the fraction of right answers",
    "language_modeling": "the fraction of tokens predicted right",
    "regression": "the mean absolute error in the data's own units",
}


def evaluation_part(preset: Preset, facts: Facts, *, scaled: bool) -> Part:
    """The function `evaluate`; `model` of the part: the arguments that follow the split in a call.

    scaled: whether targets were standardised. Raises UsageError where the best epoch is chosen by something else.
    """
    task = facts.task
    measured = ("loss", ACCURACIES.get(task, "mae"))
    if facts.monitor not in measured or (facts.monitor == "mae" and facts.validation_samples is None):
        raise UsageError(
            f'--to script cannot choose the best epoch by training.monitor = "{facts.monitor}", because the script '
            f"measures {' and '.join(measured)} alone"
        )
    weight, weighs = batch_weight(preset, facts), weighs_classes(preset)
    code = fill(
        EVALUATE,
        {
            "weighted": weight != "len(expected)",
            "counts": task != "regression",
            "cuts": facts.cuts_padding,
            "scaled": scaled,
        },
        more=", class_weights: Tensor" * weighs + ", scale: Split" * scaled,
        what=WHAT[task],
        batch_weight=weight,
        class_weights=", class_weights" * weighs,
        accuracy=measured[1],
        predictions="int((targets != -100).sum())" if task == "language_modeling" else "len(targets)",
    )
    size = preset.data.batch_size if facts.evaluates_by_training_batches else 0
    settings = (("EVALUATION_BATCH_SIZE", size or max(preset.data.batch_size, min(512, 4 * preset.data.batch_size))),)
    imports = ("import torch", "from torch import Tensor", "from torch import nn")
    return Part(code, imports, settings, ", class_weights" * weighs + ", scale" * scaled)
