"""Chooses the quantities that the charts show, from a list that typing narrows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.plotting.quantities import Quantity
from workbench.runs.history import RunHistory
from workbench.ui.dialogs.choose import ChooseSeveralDialog


class ChartsDialog(ChooseSeveralDialog):
    """Dismisses with the ids of the chosen quantities; each has its place before it, those first that are chosen."""

    def __init__(self, quantities: Sequence[Quantity], chosen: Sequence[str], history: RunHistory | None) -> None:
        """history: of the run whose latest values are shown."""
        places = {name: place for place, name in enumerate(chosen)}
        ordered = sorted(quantities, key=lambda each: places.get(each.id, len(places)))
        super().__init__("charts", [(each.id, each.full_name, _latest(each, history)) for each in ordered], chosen)

    def mark_of(self, key: str) -> str:
        """Which chart it is."""
        place = f"{self.app.glyphs.done}{self.chosen.index(key) + 1:>3}" if key in self.chosen else ""
        return f"{place:<5}"


def _latest(quantity: Quantity, history: RunHistory | None) -> str:
    """The latest value of each of its curves, with the curve's name."""
    curves = {} if history is None else history.curves
    last = [(name, curves[key].last) for name, key, _ in quantity.curves if key in curves]
    known = [(name, value) for name, value in last if value is not None and math.isfinite(value)]
    return "  ".join(f"{name} {quantity.write(value)}".strip() for name, value in known)
