"""Decides which panels a screen shows, by its size: those that fit whole and can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Size = Literal["compact", "normal", "wide"]

PAGES: dict[str, tuple[str, ...]] = {
    "settings": ("settings",),
    "charts": ("loss", "accuracy"),
    "timing": ("step-time", "memory"),
    "metrics": ("metrics",),
    "log": ("log",),
    "machine": ("machine",),
    "health": ("health",),
    "model": ("model", "data-preview", "schedule"),
}
"""The panels of each page, the one that gets the focus first. Of the charts, those of the first start."""

BELOW_CHARTS = ("timing", "metrics", "log", "machine", "health", "model")
"""Pages that take turns below the charts."""
TOGETHER = ("timing", "metrics", "log")
"""Those of them that a wide screen shows at once."""
CHART_COUNTS = (2, 4, 6)
"""How many charts a screen shows at once, as far as they fit."""
LEAST_CHART = (32, 8)
"""Cells of the smallest chart of several: columns and rows, with its border."""
BESIDE_CHARTS = {"compact": (0, 3), "normal": (40, 19), "wide": (56, 33)}
"""Columns and rows of a screen that are not the charts': the settings, what is below, the lines at the edges."""
NARROW = 70
"""Below this width a compact screen shows the model above the data, and no schedule."""


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


def chart_columns(charts: int, width: int, height: int) -> int:
    """In how many columns charts are shown on a screen of `width` × `height` cells; 0 if they do not fit."""
    size = size_class(width, height)
    columns_beside, rows_beside = BESIDE_CHARTS[size]
    if charts <= 2 and size == "compact":
        choices: tuple[int, ...] = (1, 2)
    elif charts <= 4:
        choices = (min(charts, 2), 1)
    else:
        choices = (3, 2, 1)
    for columns in choices:
        rows = math.ceil(charts / columns)
        if (width - columns_beside) // columns >= LEAST_CHART[0] and (height - rows_beside) // rows >= LEAST_CHART[1]:
            return columns
    return 0


def chart_counts(width: int, height: int) -> list[int]:
    """How many charts at once a screen of `width` × `height` cells has room for; it always shows the first count."""
    first, *more = CHART_COUNTS
    return [first, *(charts for charts in more if chart_columns(charts, width, height))]


def arrange(
    width: int,
    height: int,
    page: str,
    below: str,
    maximised: str | None,
    charts: Sequence[str] = PAGES["charts"],
    *,
    has_curves: bool = True,
) -> Layout:
    """The layout for a screen of `width` × `height` cells.

    page: the page of a compact screen; below: what is under the charts of a normal one; maximised: the id of the one
    panel to show; charts: the ids of the charts that are up; has_curves: whether they have anything to show: otherwise
    what would be trained has their place.
    """
    size = size_class(width, height)
    if maximised is not None:
        return Layout(size, frozenset({maximised}))
    on_page = {**PAGES, "charts": tuple(charts)}
    if size == "compact":
        shown = set(on_page["model" if page == "charts" and not has_curves else page])
        if width < NARROW:
            shown -= {"schedule"}
        return Layout(size, frozenset(shown))
    pages = ("settings", "charts", *(TOGETHER if size == "wide" and below in TOGETHER else (below,)))
    shown = {panel for name in pages for panel in on_page[name]}
    if not has_curves:
        shown -= set(on_page["charts"])
    return Layout(size, frozenset(shown))


def page_of(panel: str) -> str:
    """The page that a panel belongs to; charts are made as they are needed, so what is on no other is one of them."""
    return next((name for name, panels in PAGES.items() if panel in panels), "charts")
