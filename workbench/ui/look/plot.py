"""What to draw as a chart: curves in the units of their data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.plotting.points import Point


@dataclass(frozen=True)
class Series:
    """One curve."""

    style: str
    points: Sequence[Point]
    marker: str = "*"
    """The character of each point in plain ASCII."""
    letter: str = ""
    """Shown at the curve's right end, for curves that otherwise differ only in colour."""
    dashed: bool = False
    """Drawn with gaps, for terminals without colours."""
    dots: bool = False
    """Points that no line leads to are single dots, so that many of them can be told apart."""
    behind: bool = False
    """A range, from the least to the greatest value of each point; every curve hides it."""
    filled: bool = False
    """The range of each point reaches to that of the next: a band."""
    within: bool = False
    """Whether the y axis ignores it: only what lies among the values of the other curves is in view."""


@dataclass(frozen=True)
class Plot:
    """What to draw, in the units of the data."""

    series: Sequence[Series]
    x_range: tuple[float, float]
    x_label: Callable[[float], str]
    y_label: Callable[[float], str]
    log: bool = False
    whole_x: bool = True
    """Whether x ticks stand at whole numbers only."""
    marks: Sequence[tuple[float, str]] = ()
    """(x, letter) on the x axis."""
    cursor: float | None = None
    """x of the cursor."""
    spots: Sequence[tuple[float, float, str]] = ()
    """(x, value, style) of points that are marked."""
    notes: Sequence[tuple[str, str]] = ()
    """(text, style) of lines beside the cursor, in an upper corner."""
    breaks: Sequence[tuple[float, str]] = ()
    """(x, style) on the x axis, where a curve becomes not finite."""
    most: float | None = None
    """Values above this have no meaning: the y range ends there."""
    robust: bool = False
    """Leaves outliers out of the y range, and says at its edge how many there are."""
    whole: tuple[float, float] | None = None
    """The range of x that `x_range` is a part of; the axis shows which part."""
    sixties: bool = False
    """Ticks of x at round minutes rather than round numbers of seconds."""
    ascii: bool = False
    band: Sequence[Point] = ()
    """A range behind the curves, from the least to the greatest value of each point."""
    band_style: str = ""
    """Its background is that of the cells there."""
