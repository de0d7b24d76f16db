"""Recognises that a watched loop has diverged: its losses became NaN or infinite, and stayed so."""

from __future__ import annotations

import math

from workbench.errors import not_finite_in_words


class Divergence:
    """What is known of it. A loop that continues may recover, as mixed precision does, which leaves out such steps."""

    def __init__(self) -> None:
        self.since: tuple[str, int] | None = None
        """The first of the losses that have not been finite since, and its step; None while the last one is finite."""
        self._is_said = False

    def take(self, what: str, step: int, loss: float) -> str:
        """Takes a loss; returns the warning, once, else an empty text. what: loss or validation loss."""
        if math.isfinite(loss):
            self.since = None
            return ""
        self.since = self.since or (what, step)
        if self._is_said:
            return ""
        self._is_said = True
        return f"{not_finite_in_words(what, step)} is not a finite number ({loss:g}); the loop continues"

    @property
    def reason(self) -> str:
        """Why the loop has failed; empty if it has not diverged."""
        if self.since is None:
            return ""
        return f"{not_finite_in_words(*self.since)} is not a finite number, nor is any loss after it"
