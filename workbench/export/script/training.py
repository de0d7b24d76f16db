"""The loop of a script: it reads top to bottom as `workbench.training.trainer` does, without what was not chosen."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.export.script.evaluation import ACCURACIES
from workbench.export.script.facts import Facts
from workbench.export.script.models import convolves
from workbench.export.script.objective import weighs_classes
from workbench.export.script.optimizers import has_schedule
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.export.script.written import literal
from workbench.metrics import metric
from workbench.settings.preset import Preset
from workbench.settings.schedule import Plateau
from workbench.settings.validation import CrossValidation

LOAD = '''
def load_splits() -> dict[str, Split]:  #? !scaled
def load_splits() -> tuple[dict[str, Split], Split]:  #? scaled
    """Model input and targets of each split."""  #? !scaled
    """Model input and targets of each split; mean and deviation of the targets before."""  #? scaled
    splits = load_data()
    $divide
    $encode
    return splits  #? !scaled
    return splits, scale  #? scaled
'''

TRAIN = '''
def train(most_steps: int | None = None) -> Trained:
    """Trains; returns the model, the loss of each step, and what was measured after each epoch.

    most_steps: stops after that many steps; None trains to the end.
    """
    configure()
    with AsInTheRun():  #? chooses
        return train_epochs(most_steps)  #? chooses
  #? chooses
  #? chooses
def train_epochs(most_steps: int | None) -> Trained:  #? chooses
    """The loop of `train`."""  #? chooses
    torch.manual_seed(SEED)
    splits = load_splits()  #? !scaled
    splits, scale = load_splits()  #? scaled
    splits = {name: (inputs.to(DEVICE), targets.to(DEVICE)) for name, (inputs, targets) in splits.items()}  #? gpu
    scale = (scale[0].to(DEVICE), scale[1].to(DEVICE))  #? gpu scaled
    inputs, targets = splits["train"]
    widths, needed = fit_widths(inputs$cpu)  #? cuts
    $weights
    torch.manual_seed(SEED)
    model = $model
    model = model.to(DEVICE)  #? gpu
    model = model.to(memory_format=torch.channels_last)  # faster convolutions  #? channels_last
    optimizer = $optimizer
    losses, epochs = [], []
    best = None  #? keeps
    best_weights = None  #? best
    waited = 0  #? waits
    reduction, lowest, bad = 1.0, math.inf, 0  #? plateau
    for epoch in range(EPOCHS):
        model.train()
        # A generator of its own, so that the order depends on the seed and the epoch alone.
        generator = torch.Generator().manual_seed(SEED * 1_000_003 + epoch)
        order = torch.randperm(len(targets), generator=generator)
        order = by_length(order, needed, generator)  #? grouped
        order = order[:SAMPLES_PER_EPOCH]  # without the last batch, which is short  #? drops
        loss_sum, correct = 0.0, 0  #? counts
        loss_sum = 0.0  #? !counts
        for indices in order.split(BATCH_SIZE):  #? !accumulates
            $rate  #? !accumulates
            width = widths[needed[indices].max()]  #? !accumulates cuts
            scores = model($batch)  #? !accumulates
            loss = compute_loss(scores, targets[indices]$class_weights)  #? !accumulates
            loss.backward()  #? !accumulates
            correct += int((scores.argmax(1) == targets[indices]).sum())  #? !accumulates counts
        for of_step in order.split(BATCH_SIZE * BATCHES_PER_STEP):  #? accumulates
            $rate  #? accumulates
            loss = 0.0  #? accumulates
            for indices in of_step.split(BATCH_SIZE):  #? accumulates
                width = widths[needed[indices].max()]  #? accumulates cuts
                scores = model($batch)  #? accumulates
                batch_loss = compute_loss(scores, targets[indices]$class_weights)  #? accumulates
                batch_loss = batch_loss * (len(indices) / len(of_step))  #? accumulates
                batch_loss.backward()  #? accumulates
                loss = loss + batch_loss.detach()  #? accumulates
                correct += int((scores.argmax(1) == targets[indices]).sum())  #? accumulates counts
            nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)  #? clips
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            loss_sum += losses[-1] * len($of_step)
            if len(losses) == most_steps:
                return model, losses, epochs
        results = {"train": {"loss": loss_sum / len(order), "$accuracy": correct / $predictions}}  #? counts
        results = {"train": {"loss": loss_sum / len(order)}}  #? !counts
        epochs.append(results)
        if (epoch + 1) % VALIDATE_EVERY == 0 or epoch + 1 == EPOCHS:  #? seldom
            $judge  #? seldom
        $judge  #? !seldom
        print(f"epoch {epoch + 1}: {results}")
        if waited >= PATIENCE:  #? waits
            break  #? waits
    if best_weights is not None:  #? best
        model.load_state_dict(best_weights)  #? best
    print(f"test: {evaluate(model, *splits['test']$more)}")  #? tests
    return model, losses, epochs
'''

JUDGE = """
results["validation"] = evaluate(model, *splits["validation"]$more)  #? validates
measured = results[$split]  #? looks
if measured["loss"] < lowest * (1 - PLATEAU_THRESHOLD):  #? plateau
    lowest, bad = measured["loss"], 0  #? plateau
else:  #? plateau
    bad += 1  #? plateau
if bad > PLATEAU_PATIENCE:  #? plateau
    reduction, bad = max(reduction * PLATEAU_GAMMA, PLATEAU_MINIMUM), 0  #? plateau
waited += 1  #? waits
if $better:  #? keeps
    best = measured[$monitor]  #? keeps
    best_weights = copy.deepcopy(model.state_dict())  #? best
    waited = 0  #? waits
"""

MAIN = """
if __name__ == "__main__":
    trained, _, _ = train()
    torch.save(trained.state_dict(), $file)
"""


@dataclass(frozen=True)
class Pieces:
    """What the other parts put into the loop."""

    model: str
    """The expression that builds the model."""
    optimizer: str
    batch: str
    """The model's input of a training batch."""
    divide: str
    """Lines that divide `splits`."""
    encode: str
    """Lines that encode `splits`."""
    class_weights: str
    """Lines that make the class weights; empty for none."""
    scaled: bool
    """Whether targets are standardised."""
    more: str
    """Arguments of `evaluate` behind the split."""
    on_gpu: bool
    """Whether training moves to a GPU."""
    chooses_library: bool
    """Whether each multiplication is done by a library of its own."""
    needs_steps: bool
    """Whether the schedule needs the number of steps of an epoch."""


def training_part(preset: Preset, facts: Facts, pieces: Pieces) -> Part:
    """The functions `load_splits` and `train`."""
    training, counts = preset.training, facts.task != "regression"
    validates = facts.validation_samples is not None
    takes_last = isinstance(preset.validation, CrossValidation) and not preset.validation.chooses_epoch
    waits = bool(training.early_stopping_patience) and not takes_last
    plateau, scheduled = isinstance(preset.schedule, Plateau), has_schedule(preset)
    best = training.keep_best and not takes_last  # else the weights at the end count
    keeps = best or waits
    seldom = training.validate_every > 1 and (validates or keeps or plateau)
    drops = facts.samples_per_epoch < facts.train_samples
    accumulates = training.gradient_accumulation > 1
    judge = fill(
        JUDGE,
        {
            "validates": validates,
            "looks": keeps or plateau,
            "plateau": plateau,
            "waits": waits,
            "keeps": keeps,
            "best": best,
        },
        more=pieces.more,
        split=literal("validation" if validates else "train"),
        better=_better(facts.monitor, bool(training.early_stopping_min_delta)),
        monitor=literal(facts.monitor),
    )
    rate = f'optimizer.param_groups[0]["lr"] = learning_rate(len(losses) + 1{", reduction" * plateau})'
    code = fill(
        TRAIN,
        {
            "scaled": pieces.scaled,
            "gpu": pieces.on_gpu,
            "cuts": facts.cuts_padding,
            "grouped": facts.groups_by_length,
            "chooses": pieces.chooses_library,
            "channels_last": convolves(preset),
            "keeps": keeps,
            "best": best,
            "waits": waits,
            "plateau": plateau,
            "drops": drops,
            "counts": counts,
            "accumulates": accumulates,
            "clips": bool(training.gradient_clip_norm),
            "seldom": seldom,
            "tests": facts.test_samples is not None,
        },
        cpu=".cpu()" * pieces.on_gpu,
        weights=pieces.class_weights,
        model=pieces.model,
        optimizer=pieces.optimizer,
        rate=rate if scheduled else "",
        batch=pieces.batch,
        class_weights=", class_weights" * weighs_classes(preset),
        of_step="of_step" if accumulates else "indices",
        accuracy=ACCURACIES.get(facts.task, ""),
        predictions="len(order)" if facts.task != "language_modeling" else "(len(order) * CONTEXT)",
        judge=judge,
        more=pieces.more,
    )
    load = fill(LOAD, {"scaled": pieces.scaled}, divide=pieces.divide, encode=pieces.encode)
    settings: list[tuple[str, object]] = [
        ("SEED", training.seed),
        ("EPOCHS", training.epochs),
        ("BATCH_SIZE", preset.data.batch_size),
    ]
    settings += [("BATCHES_PER_STEP", training.gradient_accumulation)] * accumulates
    settings += [("SAMPLES_PER_EPOCH", facts.samples_per_epoch)] * drops
    if pieces.needs_steps:
        batch = preset.data.batch_size * training.gradient_accumulation
        settings.append(("STEPS_PER_EPOCH", -(-facts.samples_per_epoch // batch)))
    settings += [("CLIP_NORM", training.gradient_clip_norm)] * bool(training.gradient_clip_norm)
    settings += [("VALIDATE_EVERY", training.validate_every)] * seldom
    settings += [("PATIENCE", training.early_stopping_patience)] * waits
    settings += [("MIN_DELTA", training.early_stopping_min_delta)] * ("MIN_DELTA" in judge)
    imports = ["import torch", "from torch import Tensor", "from torch import nn"]
    imports += ["import copy"] * best + ["import math"] * plateau
    return Part(f"{load}\n\n\n{code}", tuple(imports), tuple(settings))


def main_part(file: str) -> Part:
    """What happens when the script is started. file: where the weights are saved."""
    return Part(fill(MAIN, file=literal(file)))


def _better(monitor: str, has_least: bool) -> str:
    higher, measured = metric(monitor).higher_is_better, f"measured[{literal(monitor)}]"
    more, less = (measured, "best") if higher else ("best", measured)
    return f"best is None or {more} - {less} > MIN_DELTA" if has_least else f"best is None or {more} > {less}"
