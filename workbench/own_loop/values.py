"""Turns what a loop logs into numbers without waiting: a tensor on a GPU is read once its copy has arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from workbench.metrics import METRICS, metric
from workbench.printable import as_text
from workbench.runs.typed import WELL_KNOWN

if TYPE_CHECKING:
    from workbench.training.loss_log import LossLog

Key = TypeVar("Key")
"""What a value belongs to: a step, or a step and a name."""


def detached(value: Any) -> Any:
    """The value without its autograd graph, whose activations would otherwise stay in memory until it is read."""
    detach = getattr(value, "detach", None)
    return value if detach is None else detach()


class ValueReader(Generic[Key]):
    """Reads logged values in the order in which they were logged."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        """What could not be read, in words; emptied by who has said it."""
        self._order: deque[tuple[Key, float | None]] = deque()
        """None: the number is still on its way from the device."""
        self._on_device: LossLog | None = None
        self._arrived: deque[float] = deque()

    def read(self, logged: Iterable[tuple[Key, Any]], *, wait: bool = False) -> list[tuple[Key, float]]:
        """Takes what was logged since the last call; returns what is known now. wait: all of it."""
        for key, value in logged:
            self._take(key, value)
        if self._on_device is not None:
            self._arrived.extend(each.loss for each in self._on_device.read(wait))
        known = []
        while self._order:
            key, number = self._order[0]
            if number is None:
                if not self._arrived:
                    break
                number = self._arrived.popleft()
            self._order.popleft()
            known.append((key, number))
        return known

    @property
    def is_waiting(self) -> bool:
        """Whether values are still on their way."""
        return bool(self._order)

    def _take(self, key: Key, value: Any) -> None:
        shape = getattr(value, "shape", ())
        if any(size != 1 for size in shape):
            self.refused.add(f"a value of shape {tuple(shape)} is not one number: log its mean or its sum")
        elif getattr(getattr(value, "device", None), "type", "cpu") == "cpu":
            if (read := number(value)) is None:
                self.refused.add(f"{type(value).__name__} is not a number")
            else:
                self._order.append((key, read))
        else:
            if self._on_device is None:
                # Only here, because it needs PyTorch, which the loop may not.
                from workbench.training.loss_log import LossLog

                self._on_device = LossLog(value.device)
            self._on_device.append(value, 1)
            self._order.append((key, None))


def number(value: Any) -> float | None:
    """One number of Python, NumPy or PyTorch, waiting for its device; None for anything else."""
    try:
        item = getattr(value, "item", None)
        return float(value if item is None else item())
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def scalars(what: str, values: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, float]:
    """The metrics that are numbers, under names that readers take for numbers. what: they belong to, for warnings."""
    found = {}
    for name, value in values.items():
        read = number(value)
        if read is None:
            warn(f"{what}: {name} is not one number, and is left out")
        else:
            found[_scalar_name(as_text(str(name)))] = read
            if metric(name).is_fraction and read > 1:
                warn(f"{what}: {name} is {read:g}, and is taken as a fraction, which is 1 at most")
    return found


def _scalar_name(name: str) -> str:
    """The name of a number: where readers expect a list by class under it (precision), that of scikit-learn."""
    is_list = name in WELL_KNOWN and all(each.name != name for each in METRICS)
    return f"{name}_score" if is_list else name
