"""Changes of settings that rules propose, as `--set` takes them; empty where one does not apply."""

from __future__ import annotations

from workbench.advice.facts import Facts

BATCH_FACTOR = 4
LEAST_STEPS_PER_EPOCH = 10
"""A larger batch is proposed only where an epoch keeps so many steps."""
LEARNING_RATE_FACTOR = 0.1
CORE_NOISE = 0.1
"""Of a core, what a program that takes a whole one is measured to take more: the system's own work among it."""


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
    """Half the batch, twice accumulated: the steps stay the same."""
    if facts.preset is None or facts.preset.data.batch_size < 2:
        return ()
    batch, accumulation = facts.preset.data.batch_size, facts.preset.training.gradient_accumulation
    return (f"data.batch_size={batch // 2}", f"training.gradient_accumulation={2 * accumulation}")


def other_feed(facts: Facts) -> tuple[str, ...]:
    """Samples resident on the device if they fit, where the loader was asked for."""
    if facts.preset is None or facts.preset.runtime.data_loading != "dataloader":
        return ()
    return ("runtime.data_loading=auto",)


def more_workers(facts: Facts) -> tuple[str, ...]:
    """Twice the loader's workers, up to a core each."""
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
    """As many threads as other programs leave cores, where PyTorch has more and computes on the CPU."""
    if facts.preset is None or facts.prepared is None or not facts.prepared.num_threads:
        return ()
    if facts.prepared.device != "cpu" or facts.cores is None or facts.other_cores is None:
        return ()
    left = max(int(facts.cores - facts.other_cores + CORE_NOISE), 1)
    return (f"runtime.num_threads={left}",) if left < facts.prepared.num_threads else ()


def faster_engine(facts: Facts) -> tuple[str, ...]:
    """The engine chosen by the program, where a slow one was asked for."""
    if facts.preset is None or facts.preset.runtime.engine != "eager":
        return ()
    return ("runtime.engine=auto",)


def lower_learning_rate(facts: Facts) -> tuple[tuple[str, ...], float | None]:
    """A tenth of the learning rate: as a setting, and as a rate for the run that goes on."""
    if facts.learning_rate is None:
        return (), None
    rate = float(f"{LEARNING_RATE_FACTOR * facts.learning_rate:.3g}")
    return (f"optimizer.learning_rate={rate!r}",), rate if facts.is_live else None


def clipped(facts: Facts) -> tuple[str, ...]:
    """The gradient clipped to a norm of 1, where it is not clipped yet."""
    if facts.preset is None or facts.preset.training.gradient_clip_norm:
        return ()
    return ("training.gradient_clip_norm=1.0",)


def regularised(facts: Facts) -> tuple[str, ...]:
    """Dropout where the model has it and it is off; else weight decay where the optimizer has it; else stop early."""
    if facts.preset is None:
        return ()
    if getattr(facts.preset.model, "dropout", None) == 0.0:
        return ("model.dropout=0.2",)
    if getattr(facts.preset.optimizer, "weight_decay", None) == 0.0:
        return ("optimizer.weight_decay=0.0001",)
    return stopped_early(facts)


def stopped_early(facts: Facts) -> tuple[str, ...]:
    """Five validations of patience, where there is no patience yet."""
    if facts.preset is None or facts.preset.training.early_stopping_patience:
        return ()
    return ("training.early_stopping_patience=5",)


def other_activation(facts: Facts, name: str) -> tuple[str, ...]:
    """Another activation, where the built-in setting decides on it."""
    if facts.preset is None or facts.preset.activation.label() == name or facts.preset.model.label() == "module":
        return ()
    return (f"activation.name={name}",)


def balanced(facts: Facts) -> tuple[str, ...]:
    """Rare classes weigh more in the loss, where the loss can do that and does not yet."""
    if facts.preset is None or getattr(facts.preset.loss, "class_weights", None) != "equal":
        return ()
    return ("loss.class_weights=balanced",)
