"""Shades of heat maps: more is stronger, in colour, in sixteen colours and in plain ASCII."""

from __future__ import annotations

import asyncio

import pytest
from rich.style import Style

from workbench.ui.look.shades import STEPS, Shades
from workbench.ui.look.styled_app import StyledApp


@pytest.fixture(autouse=True)
def true_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


def luminance(red: int, green: int, blue: int) -> float:
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("theme", "direction"), [("workbench-dark", 1), ("workbench-light", -1)])
def test_each_shade_differs_more_from_the_background(theme: str, direction: int) -> None:
    async def drawn() -> list[tuple[str, Style]]:
        app = StyledApp(theme=theme)
        async with app.run_test():
            return [Shades(app).cell(step / (STEPS - 1)) for step in range(STEPS)]

    cells = asyncio.run(drawn())
    assert {character for character, _ in cells} == {"█"}
    colours = [style.color.get_truecolor() for _, style in cells if style.color is not None]
    brightness = [direction * luminance(*colour) for colour in colours]
    assert brightness == sorted(brightness)
    assert len(set(colours)) == STEPS


@pytest.mark.parametrize(
    ("how", "row"),
    [
        ({"ascii_only": True}, ".:-=+*# #."),
        ({"theme": "workbench-ansi"}, "░░▒▓▓██ █░"),
    ],
)
def test_without_colours_to_mix_characters_are_the_shades(how: dict[str, object], row: str) -> None:
    shades = Shades(StyledApp(**how))  # type: ignore[arg-type]
    fractions = [*(step / 6 for step in range(7)), None, 2.0, -1.0]
    assert shades.row(fractions).plain == row


def test_without_any_colour_characters_are_the_shades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert Shades(StyledApp()).row([0.0, 1.0]).plain == "░█"
