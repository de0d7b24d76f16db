"""Decides which panels a screen shows, by its size: those that fit whole and can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Size = Literal["compact", "normal", "wide"]

PAGES: dict[str, tuple[str, ...]] = {
    "settings": ("settings",),
    "charts": ("loss", "accuracy", "learning-rate", "throughput"),
    "timing": ("step-time", "memory"),
    "metrics": ("metrics",),
    "log": ("log",),
    "machine": ("machine",),
    "health": ("health",),
    "model": ("model", "data-preview", "schedule"),
}
"""The panels of each page, the one that gets the focus first."""

BELOW_CHARTS = ("timing", "metrics", "log", "machine", "health", "model")
"""Pages that take turns below the charts."""
TOGETHER = ("timing", "metrics", "log")
"""Those of them that a wide screen shows at once."""
SECOND_CHARTS = ("learning-rate", "throughput")


@dataclass(frozen=True)
class Layout:
    """The panels on a screen."""

    size: Size
    panels: frozenset[str]
    """Ids of the panels."""


def size_class(width: int, height: int) -> Size:
    """Compact: pages take turns. Normal: settings, charts and one page below. Wide: everything."""
    if width >= 170 and height >= 44:
        return "wide"
    return "normal" if width >= 110 and height >= 30 else "compact"


def arrange(width: int, height: int, page: str, below: str, maximised: str | None, four_charts: bool) -> Layout:
    """The layout for a screen of `width` × `height` cells.

    page: the page of a compact screen; below: what is under the charts of a normal one; maximised: the id of the one
    panel to show.
    """
    size = size_class(width, height)
    if maximised is not None:
        return Layout(size, frozenset({maximised}))
    if size == "compact":
        shown = set(PAGES[page])
        if height < 40 or not four_charts:
            shown -= set(SECOND_CHARTS)
        return Layout(size, frozenset(shown))
    pages = ("settings", "charts", *(TOGETHER if size == "wide" and below in TOGETHER else (below,)))
    shown = {panel for name in pages for panel in PAGES[name]}
    if not four_charts:
        shown -= set(SECOND_CHARTS)
    return Layout(size, frozenset(shown))


def page_of(panel: str) -> str:
    """The page that a panel belongs to."""
    return next(name for name, panels in PAGES.items() if panel in panels)
