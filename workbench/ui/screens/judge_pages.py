"""The pages of the Judge screen, by the kind of task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page of the screen."""

    id: str
    title: str
    panels: tuple[str, ...]
    """All that stand side by side where there is room; else the one that is chosen."""


CONFUSION = Page("confusion", "confusion", ("judge-confusion", "judge-gallery"))
CURVES = Page("curves", "curves", ("judge-roc", "judge-precision", "judge-calibration", "judge-sureness"))
CALIBRATION = Page("curves", "calibration", ("judge-calibration", "judge-sureness"))
FIT = Page("fit", "predicted against true", ("judge-fit", "judge-residuals"))
SAMPLES = Page("samples", "samples", ("judge-list", "judge-picture"))
PAGES: dict[str, tuple[Page, ...]] = {
    "classification": (CONFUSION, CURVES, SAMPLES),
    "regression": (FIT, SAMPLES),
    "language_modeling": (CALIBRATION, SAMPLES),
}
"""By the kind of task."""
