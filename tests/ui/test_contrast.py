"""Every word can be read: WCAG's contrast between a text and what is behind it, in every theme of the app's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.color import Color as RichColor
from textual.color import Color
from textual.pilot import Pilot
from textual.strip import Strip
from textual.theme import Theme

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import preset, write_run
from workbench.ui.app import WorkbenchApp
from workbench.ui.look.themes import DARK, HIGH_CONTRAST, LIGHT, STYLES, palette
from workbench.ui.panels.settings_editor import ChoiceList

LEAST = {DARK.name: 4.5, LIGHT.name: 4.5, HIGH_CONTRAST.name: 7.0}
"""WCAG 2's levels AA and AAA."""
NO_TEXT = ("line", "cursor")
"""Styles of rules and backgrounds; the phases' colours are those of blocks."""
BACKGROUNDS = ("background", "surface", "panel", "cursor-line")


def luminance(color: Color) -> float:
    """WCAG 2's relative luminance."""

    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_contrast_that_the_standard_says() -> None:
    assert contrast(Color.parse("#000000"), Color.parse("#ffffff")) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_every_style_of_text_can_be_read_on_every_background(theme: Theme) -> None:
    """screen/REPORT #8, and its kind."""
    variables = theme.to_color_system().generate() | theme.variables
    styles = palette(variables, is_reversed=False)
    for background in BACKGROUNDS:
        behind = Color.parse(variables[background])
        for name in STYLES:
            if name in NO_TEXT or name.startswith("phase-"):
                continue
            color = styles[name].color
            assert color is not None
            found = contrast(Color.from_rich_color(color), behind)
            assert found >= LEAST[theme.name], f"{name} on {background} in {theme.name}: {found:.2f}"


def lit(app: WorkbenchApp) -> list[Strip]:
    """The lines of the screen; of a dialog those of its box: what lies behind it is darkened."""
    strips = app.screen._compositor.render_strips()
    if not app.screen.is_modal:
        return strips
    box = app.screen.children[0].region
    return [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]


def hard_to_read(app: WorkbenchApp) -> list[str]:
    """The words on the screen whose contrast is too low, with their colours."""
    found = []
    for strip in lit(app):
        for text, style, _ in strip:
            if not any(character.isalnum() for character in text) or style is None:
                continue
            before, behind = style.color, style.bgcolor
            assert isinstance(before, RichColor), text
            assert isinstance(behind, RichColor), text
            assert not style.dim, text
            pair = Color.from_rich_color(before), Color.from_rich_color(behind)
            pair = pair[::-1] if style.reverse else pair
            if (value := contrast(*pair)) < LEAST[app.theme]:
                found.append(f"{text.strip()!r}: {pair[0].hex} on {pair[1].hex}, {value:.2f}")
    return found


def changed(app: WorkbenchApp) -> WorkbenchApp:
    app.draft.enter("optimizer.learning_rate", "-1")
    app.draft.enter("training.epochs", "3")
    return app


SCREENS: dict[str, tuple[Callable[[Path], dict[str, Any]], list[str]]] = {
    "idle": (lambda runs: {}, []),
    "training": (lambda runs: {"attach": write_run(runs, alive=True), "gpus": 2}, []),
    "charts": (lambda runs: {"attach": write_run(runs, alive=True)}, ["2", "home"]),
    "phases": (lambda runs: {"attach": write_run(runs, alive=True), "chart_count": 4}, ["2", "pagedown", "pagedown"]),
    "chosen charts": (lambda runs: {"attach": write_run(runs, alive=True)}, ["C"]),
    "completed": (lambda runs: {"attach": write_run(runs, steps=2000, ending="completed")}, ["4"]),
    "failed": (lambda runs: {"attach": write_run(runs, steps=700, diverges=True, ending="failed")}, ["5"]),
    "advice": (lambda runs: {"attach": write_run(runs, alive=True)}, ["i"]),
    "runs": (lambda runs: {"attach": write_run(runs, steps=2000, ending="completed")}, ["r", "space"]),
    "filtered runs": (lambda runs: {"attach": write_run(runs, alive=True)}, ["r", "slash", "f"]),
    "quit": (lambda runs: {"attach": write_run(runs, alive=True)}, ["q"]),
    "learning rate": (lambda runs: {"attach": write_run(runs, alive=True)}, ["l", "x"]),
    "open": (lambda runs: {}, ["ctrl+o"]),
    "save as": (lambda runs: {}, ["S"]),
    "changes": (lambda runs: {}, ["d"]),
    "unsaved": (lambda runs: {}, ["q"]),
    "keys": (lambda runs: {}, ["question_mark"]),
    "command": (lambda runs: {}, ["Y", "y"]),
    "choices": (lambda runs: {}, ["slash", *"optimizer", "enter", "enter", "a"]),
    "field": (lambda runs: {}, ["slash", *"learning rate", "enter", "enter", *"-1"]),
    "find": (lambda runs: {}, ["slash"]),
    "palette": (lambda runs: {}, ["ctrl+p", "s"]),
}
"""By what makes the app, and the keys that bring the screen up."""


@pytest.mark.parametrize(
    ("theme", "name"),
    [("light", name) for name in SCREENS]
    + [("dark", name) for name in ("training", "failed", "save as", "choices")]
    + [
        ("high-contrast", name)
        for name in ("training", "charts", "completed", "advice", "runs", "field", "choices", "open", "palette")
    ],
)
def test_every_word_on_the_screen_can_be_read(tmp_path: Path, theme: str, name: str) -> None:
    """screen/REPORT #8, and its kind: what is drawn, whatever made it."""
    make, keys = SCREENS[name]
    app = changed(make_app(tmp_path / "runs", theme=f"workbench-{theme}", chosen=preset(), **make(tmp_path / "runs")))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.3)
        assert hard_to_read(app) == []

    drive(app, steps)


@pytest.mark.parametrize("theme", ["workbench-high-contrast", "workbench-ansi"])
def test_a_list_underlines_the_choice_where_shades_do_not_tell(tmp_path: Path, theme: str) -> None:
    """Textual leaves out `reverse` in its lists: with sixteen colours the choice could not be seen."""
    app = make_app(tmp_path / "runs", theme=theme)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*SCREENS["choices"][1][:-1])
        await pilot.pause(0.3)
        inside = app.screen.query_one(ChoiceList).content_region
        strips = app.screen._compositor.render_strips()[inside.y : inside.bottom]
        rows = [strip.crop(inside.x, inside.right) for strip in strips]
        chosen = [row.text for row in rows if all(style and style.underline for text, style, _ in row if text.strip())]
        assert [text.split()[1] for text in chosen] == ["adam"]

    drive(app, steps)


def test_after_a_change_of_theme_everything_is_as_if_it_had_begun_in_it(tmp_path: Path) -> None:
    """screen/REPORT #8: the hint line kept the dark theme's colour on the light theme's ground."""
    runs = tmp_path / "runs"
    run = write_run(runs, alive=True)

    async def colours(app: WorkbenchApp, pilot: Pilot[None]) -> list[Any]:
        await settled(pilot)
        strips = app.screen._compositor.render_strips()
        return [[(text, style) for text, style, _ in strip] for strip in strips]

    for page, keys in (("settings", ["down"]), ("charts", ["home"])):
        seen: list[Any] = []

        async def turned(pilot: Pilot[None], app: WorkbenchApp, keys: list[str], seen: list[Any] = seen) -> None:
            await pilot.press(*keys)
            if app.theme != "workbench-light":
                app.theme = "workbench-light"
                await pilot.pause()
            seen.append(await colours(app, pilot))
            assert screen_text(app)

        for theme in ("workbench-dark", "workbench-light"):
            app = make_app(runs, theme=theme, chosen=preset(), attach=run, page=page)

            async def steps(pilot: Pilot[None], app: WorkbenchApp = app, keys: list[str] = keys) -> None:
                await turned(pilot, app, keys)

            drive(app, steps)
        assert seen[0] == seen[1]
