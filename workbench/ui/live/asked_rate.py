"""The learning rates requested in this app: those not handled yet, and those that undo returns to."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.runs.events import RequestHandled


@dataclass
class AskedRates:
    """Steps start from the rate requested last, not from the present one: a held key is faster than the trainer."""

    _on_their_way: list[float] = field(default_factory=list)
    _before: list[float] = field(default_factory=list)
    """The rates that undo returns to, the latest last."""

    def ask(self, value: float, now: float | None) -> None:
        """Notes a requested rate; now: the rate that the trainer has reported."""
        if (rate := self.wanted(now)) is not None and rate != value:
            self._before.append(rate)
        self._on_their_way.append(value)

    def undo(self) -> float | None:
        """Returns the rate before the last change, to be requested now; None if there is nothing to undo."""
        if not self._before:
            return None
        self._on_their_way.append(self._before.pop())
        return self._on_their_way[-1]

    def wanted(self, now: float | None) -> float | None:
        """The rate requested last, else the present one."""
        return self._on_their_way[-1] if self._on_their_way else now

    def answered(self, event: RequestHandled, now: float | None) -> None:
        """Notes the answer to a set_learning_rate; now: the rate before it."""
        if self._on_their_way and not event.replayed and event.value == self._on_their_way[0]:
            del self._on_their_way[0]
            if not event.accepted and self._before:
                self._before.pop()
        elif event.accepted and now is not None and event.value != now:
            self._before.append(now)  # somebody else, or the preset, has set it

    def forget(self) -> None:
        """Forgets all requests: the run was started again, or its trainer has ended."""
        self._on_their_way.clear()
        self._before.clear()
