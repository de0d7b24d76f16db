"""Which quantities the charts show: those that the user chose, then all others, some at a time."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.plotting.quantities import Quantity
from workbench.runs.history import RunHistory
from workbench.runs.quantities import run_quantities
from workbench.ui.live.remembered import Remembered


class ChartChoice:
    """The charts in their order, and the page of them that is up."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        self.quantities: Sequence[Quantity] = run_quantities(None, ())
        """Those that the run has, in their usual order."""
        self._page = 0

    def follow(self, history: RunHistory | None) -> bool:
        """Takes the quantities that a run has by now; True if there are others than before."""
        before = [quantity.id for quantity in self.quantities]
        task, curves = (None, ()) if history is None else (history.view.task, history.curves)
        self.quantities = run_quantities(task, curves)
        return [quantity.id for quantity in self.quantities] != before

    @property
    def chosen(self) -> list[Quantity]:
        """The quantities that the user chose, in order; those that this run does not have are left out."""
        by_id = {quantity.id: quantity for quantity in self.quantities}
        return [by_id[name] for name in dict.fromkeys(self._remembered.charts) if name in by_id]

    def choose(self, names: Sequence[str]) -> None:
        """Shows these quantities first; none: all in their usual order. Those that this run lacks stay chosen."""
        have = {quantity.id for quantity in self.quantities}
        lacking = [name for name in self._remembered.charts if name not in have]
        self._remembered.charts = [*names, *lacking]
        self._page = 0

    def pages(self, count: int) -> list[list[Quantity]]:
        """All quantities, `count` a page: first the chosen ones, then those that are left."""
        chosen = self.chosen
        rest = [quantity for quantity in self.quantities if quantity not in chosen]
        return [part[at : at + count] for part in (chosen, rest) for at in range(0, len(part), count)]

    def up(self, count: int) -> list[Quantity]:
        """The quantities of the page that is up."""
        pages = self.pages(count)
        return pages[min(self._page, len(pages) - 1)]

    def turn(self, direction: int, count: int) -> str:
        """Turns to the next page, or to the one before; says which it is."""
        pages = len(self.pages(count))
        self._page = (min(self._page, pages - 1) + direction) % pages
        return f"charts: page {self._page + 1} of {pages}"

    def next_to(self, name: str, direction: int) -> Quantity:
        """The quantity after one, or before it, in the order of the pages."""
        order = [page[0] for page in self.pages(1)]
        place = next((place for place, quantity in enumerate(order) if quantity.id == name), 0)
        return order[(place + direction) % len(order)]
