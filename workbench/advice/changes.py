"""Changes of settings that rules propose, as `--set` takes them; empty where a change does not apply."""

from __future__ import annotations

from workbench.advice.facts import Facts

BATCH_FACTOR = 4
LEAST_STEPS_PER_EPOCH = 10
"""Steps that an epoch must still have for a larger batch to be proposed."""
LEARNING_RATE_FACTOR = 0.1
MOST_TIMES_DEFAULT = 10
"""Times the optimizer's default learning rate: a higher one is not proposed."""
CORE_NOISE = 0.1
"""Cores that a program with one busy thread is measured to take beyond 1: the work of the system for it."""


def larger_batch(facts: Facts) -> tuple[str, ...]:
    """Four times the batch, or twice, where an epoch keeps ten steps."""
    if facts.preset is None or facts.prepared is None:
        return ()
    batch = facts.preset.data.batch_size
    for factor in (BATCH_FACTOR, BATCH_FACTOR // 2):
        if factor * batch * LEAST_STEPS_PER_EPOCH <= facts.prepared.train_samples:
            return (f"data.batch_size={factor * batch}",)
    return ()


def halved_batch(facts: Facts) -> tuple[str, ...]:
    """Half the batch and twice the gradient accumulation: the optimizer steps stay the same."""
    if facts.preset is None or facts.preset.data.batch_size < 2:
        return ()
    batch, accumulation = facts.preset.data.batch_size, facts.preset.training.gradient_accumulation
    return (f"data.batch_size={batch // 2}", f"training.gradient_accumulation={2 * accumulation}")


def on_device_loading(facts: Facts) -> tuple[str, ...]:
    """Samples on the device if they fit, where the preset asks for a DataLoader."""
    if facts.preset is None or facts.preset.runtime.data_loading != "dataloader":
        return ()
    return ("runtime.data_loading=auto",)


def more_workers(facts: Facts) -> tuple[str, ...]:
    """Twice as many DataLoader workers, at most one per core."""
    if (
        facts.preset is None
        or facts.prepared is None
        or facts.prepared.data_loading != "dataloader"
        or facts.cores is None
    ):
        return ()
    workers = facts.preset.runtime.num_workers
    more = min(max(2 * workers, 2), max(facts.cores, 1), 256)
    return (f"runtime.num_workers={more}",) if more > workers else ()


def fewer_threads(facts: Facts) -> tuple[str, ...]:
    """As many threads as other programs leave cores free, where PyTorch has more threads and trains on the CPU."""
    if facts.preset is None or facts.prepared is None or not facts.prepared.num_threads:
        return ()
    if facts.prepared.device != "cpu" or facts.cores is None or facts.other_cores is None:
        return ()
    left = max(int(facts.cores - facts.other_cores + CORE_NOISE), 1)
    return (f"runtime.num_threads={left}",) if left < facts.prepared.num_threads else ()


def faster_engine(facts: Facts) -> tuple[str, ...]:
    """The automatic engine, where the preset asks for the eager one."""
    if facts.preset is None or facts.preset.runtime.engine != "eager":
        return ()
    return ("runtime.engine=auto",)


def lower_learning_rate(facts: Facts) -> tuple[tuple[str, ...], float | None]:
    """A lower learning rate: as a setting, and as a rate for the run in progress.

    The one that a range test of these settings names, where it is lower. Else a tenth; from a rate so high that a tenth
    says nothing, the optimizer's default.
    """
    if facts.learning_rate is None:
        return (), None
    tested = None if facts.range_test is None else facts.range_test.suggested.best
    rate = float(f"{LEARNING_RATE_FACTOR * facts.learning_rate:.3g}")
    if tested is not None and tested < facts.learning_rate:
        rate = float(f"{tested:.3g}")
    elif facts.preset is not None:
        default = float(type(facts.preset.optimizer).model_fields["learning_rate"].default)
        rate = default if rate > MOST_TIMES_DEFAULT * default else rate
    return (f"optimizer.learning_rate={rate!r}",), rate if facts.is_live else None


def clipped(facts: Facts) -> tuple[str, ...]:
    """Clips the gradient to a norm of 1, where it is not clipped yet."""
    if facts.preset is None or facts.preset.training.gradient_clip_norm:
        return ()
    return ("training.gradient_clip_norm=1.0",)


def regularised(facts: Facts) -> tuple[str, ...]:
    """Dropout, where the model has it and it is off; else weight decay, where it is off; else early stopping."""
    if facts.preset is None:
        return ()
    if getattr(facts.preset.model, "dropout", None) == 0.0:
        return ("model.dropout=0.2",)
    if getattr(facts.preset.optimizer, "weight_decay", None) == 0.0:
        return ("optimizer.weight_decay=0.0001",)
    return stopped_early(facts)


def stopped_early(facts: Facts) -> tuple[str, ...]:
    """Early stopping with a patience of five validations, where it is off."""
    if facts.preset is None or facts.preset.training.early_stopping_patience:
        return ()
    return ("training.early_stopping_patience=5",)


def other_activation(facts: Facts, name: str) -> tuple[str, ...]:
    """Another activation, where the setting decides which one the model has."""
    if facts.preset is None or facts.preset.activation.label() == name or facts.preset.model.label() == "module":
        return ()
    return (f"activation.name={name}",)


def balanced(facts: Facts) -> tuple[str, ...]:
    """Weighs rare classes more in the loss, where the loss can and does not yet."""
    if facts.preset is None or getattr(facts.preset.loss, "class_weights", None) != "equal":
        return ()
    return ("loss.class_weights=balanced",)
