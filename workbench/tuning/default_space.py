"""What a search varies where nobody says it: what matters most, around what the preset has."""

from __future__ import annotations

from typing import Any

from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.space import SearchSpace

OPTIMIZERS_TO_TRY = ("adamw", "sgd")
ACTIVATIONS_TO_TRY = ("relu", "gelu", "silu")
SCHEDULES_TO_TRY = ("constant", "cosine", "one_cycle")
"""Beside the preset's own."""

FACTOR = 10.0
"""Of the learning rate, below the smallest and above the largest that the preset and its optimizers begin with."""
BATCH_FACTOR = 4
MOST_BATCH = 1024
MOST_WIDTH = 2048
MOST_DROPOUT = 0.5


def default_ranges(preset: Preset) -> dict[str, Range]:
    """Ranges of the settings that matter most, by path: those that the preset has."""
    ranges: dict[str, Range] = {}
    optimizers = _with_own(preset.optimizer.name, OPTIMIZERS_TO_TRY)
    ranges["optimizer.name"] = Range(choices=optimizers)
    ranges["optimizer.learning_rate"] = _learning_rates(preset, optimizers)
    ranges["optimizer.weight_decay"] = Range(low=1e-6, high=0.1, log=True)
    ranges["optimizer.momentum"] = Range(low=0.5, high=0.99)
    ranges["schedule.name"] = Range(choices=_with_own(preset.schedule.name, SCHEDULES_TO_TRY))
    if preset.model.name not in ("torchvision", "module"):  # they bring their own
        ranges["activation.name"] = Range(choices=_with_own(preset.activation.name, ACTIVATIONS_TO_TRY))
    ranges["data.batch_size"] = Range(choices=_batch_sizes(preset.data.batch_size))
    hidden = getattr(preset.model, "hidden", None)
    if isinstance(hidden, tuple):
        ranges["model.hidden"] = Range(choices=_hidden(hidden))
    if hasattr(preset.model, "dropout"):
        ranges["model.dropout"] = Range(low=0.0, high=MOST_DROPOUT)
    return ranges


def default_space(preset: Preset) -> SearchSpace:
    """The space of `default_ranges`."""
    return SearchSpace.parse(default_ranges(preset), preset, "the default search")


def _with_own(own: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((own, *others)))


def _learning_rates(preset: Preset, optimizers: tuple[str, ...]) -> Range:
    """A decade below the smallest and above the largest of the preset's rate and the optimizers' defaults."""
    choices = [OPTIMIZERS.choice(name) for name in optimizers[1:]]
    rates = [choice.model_fields["learning_rate"].default for choice in choices if choice is not None]
    rates.append(preset.optimizer.learning_rate)
    low, high = min(rates) / FACTOR, min(max(rates) * FACTOR, 1000.0)
    return Range(low=float(f"{low:.3g}"), high=float(f"{high:.3g}"), log=True)


def _batch_sizes(own: int) -> tuple[int, ...]:
    """Powers of two from a quarter to four times the preset's, and the preset's own."""
    low, high = own / BATCH_FACTOR, min(own * BATCH_FACTOR, MOST_BATCH)
    return tuple(sorted({own, *(2**power for power in range(3, 11) if low <= 2**power <= high)}))


def _hidden(own: tuple[int, ...]) -> tuple[Any, ...]:
    """The preset's own widths, half of them, twice as many, and a layer more and less."""
    if not own:
        return ((), (64,), (128, 64))
    found = [
        own,
        tuple(max(width // 2, 1) for width in own),
        tuple(min(width * 2, max(width, MOST_WIDTH)) for width in own),
        (*own, max(own[-1] // 2, 1)),
        own[:-1] or (*own, *own),
    ]
    return tuple(dict.fromkeys(found))
