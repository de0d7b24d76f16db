"""Colours with a meaning can be told apart, by colour-blind eyes too, as far as a simulation says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, product

import pytest
from textual.color import Color
from textual.theme import Theme

from workbench.plotting.colours import DARK_VARIABLES, HIGH_CONTRAST_VARIABLES, LIGHT_VARIABLES
from workbench.runs.phases import PHASES
from workbench.ui.look.themes import DARK, HIGH_CONTRAST, LIGHT

CURVES = ("train", "validation", *(f"overlay-{number}" for number in range(1, 9)))
NEVER_TOGETHER = ({"step", "forward"}, {"step", "backward"})
"""Phases of which a run has one only: a step in one piece has no parts."""
LEAST = 5.0
"""In hundredths of Oklab, whose black and white are 100 apart. About 2 can just be told apart side by side."""
VISIONS = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What is seen of linear red, green and blue: Machado, Oliveira and Fernandes (2009), severity 1."""
Triple = tuple[float, float, float]


def times(rows: tuple[Triple, ...], values: Triple) -> Triple:
    first, second, third = (sum(a * b for a, b in zip(row, values, strict=True)) for row in rows)
    return first, second, third


def oklab(color: Color, vision: tuple[Triple, ...] = VISIONS["normal"]) -> Triple:
    """Ottosson (2020), of what is seen of a colour."""

    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    seen = times(vision, (linear(color.r), linear(color.g), linear(color.b)))
    red, green, blue = (max(value, 0.0) for value in seen)
    cones = times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        (red, green, blue),
    )
    long, middle, short = (value ** (1 / 3) for value in cones)
    return times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        (long, middle, short),
    )


def distance(one: str, other: str, vision: str) -> float:
    places = (oklab(Color.parse(color), VISIONS[vision]) for color in (one, other))
    return 100 * float(sum((a - b) ** 2 for a, b in zip(*places, strict=True)) ** 0.5)


def test_black_and_white_are_as_far_apart_as_can_be_and_red_and_green_are_closer_to_some() -> None:
    assert distance("#000000", "#ffffff", "normal") == pytest.approx(100, abs=0.1)
    assert oklab(Color.parse("#ff0000")) == pytest.approx((0.628, 0.225, 0.126), abs=0.001)
    red, green = "#a05030", "#607030"
    assert distance(red, green, "deuteranopia") < 0.5 * distance(red, green, "normal")


def near(colours: Mapping[str, str], pairs: Iterable[tuple[str, str]], vision: str) -> list[str]:
    """The pairs of colours that can hardly be told apart."""
    return [
        f"{one} and {other}: {found:.1f}"
        for one, other in pairs
        if (found := distance(colours[one], colours[other], vision)) < LEAST
    ]


BACKGROUNDS = pytest.mark.parametrize(
    "colours",
    [DARK_VARIABLES, LIGHT_VARIABLES, HIGH_CONTRAST_VARIABLES],
    ids=["dark", "light", "high contrast"],
)


@pytest.mark.parametrize("vision", VISIONS)
@BACKGROUNDS
def test_any_two_curves_can_be_told_apart(colours: Mapping[str, str], vision: str) -> None:
    assert near(colours, combinations(CURVES, 2), vision) == []


@pytest.mark.parametrize("vision", VISIONS)
@BACKGROUNDS
def test_any_two_phases_of_a_step_can_be_told_apart(colours: Mapping[str, str], vision: str) -> None:
    pairs = [pair for pair in combinations(PHASES, 2) if set(pair) not in NEVER_TOGETHER]
    assert len(pairs) == 26
    assert near({phase: colours[f"phase-{phase}"] for phase in PHASES}, pairs, vision) == []


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_good_a_warning_and_an_error_can_be_told_apart_and_from_plain_text(theme: Theme, vision: str) -> None:
    states = {"good": theme.success, "warning": theme.warning, "error": theme.error}
    plain = {"text": theme.foreground, "dim": theme.variables["dim"]}
    assert None not in states.values()
    pairs = [*combinations(states, 2), *product(states, plain)]
    assert near({name: str(colour) for name, colour in (states | plain).items()}, pairs, vision) == []
