"""The HTML document around a report: head, styles, title and foot. It loads nothing and runs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

from workbench import __version__
from workbench.plotting.colours import DARK_VARIABLES, LIGHT_VARIABLES
from workbench.report_page import classes, svg
from workbench.report_page.html import escaped
from workbench.report_page.svg import Chart, Line, draw, swatch_mark

LIGHT = {"paper": "#fcfcfa", "card": "#f4f4f0", "ink": "#1c222b", "good": "#2f6f3e", "bad": "#b3261e"}
DARK = {"paper": "#12161d", "card": "#1a202a", "ink": "#dde3ec", "good": "#7fb069", "bad": "#f07f85"}
"""The colours of the page beside those of the curves."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing."""


def document(title: str, body: Iterable[str], made: str) -> str:
    """The whole page. body: its sections, as HTML. made: when, in words."""
    foot = f"<footer>workbench {escaped(__version__)}, {escaped(made)}</footer>"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escaped(title)}</title><style>{_styles()}</style></head>\n"
        f"<body><main>{''.join(body)}{foot}</main></body></html>\n"
    )


def _styles() -> str:
    colours = {name: f"var(--{name})" for name in (*LIGHT, *LIGHT_VARIABLES)}
    light, dark = _variables(LIGHT | LIGHT_VARIABLES), _variables(DARK | DARK_VARIABLES)
    schemes = f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    own = files("workbench.report_page").joinpath("page.css").read_text(encoding="utf-8")
    return schemes + own + classes.style() + svg.style(colours)


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def figure(chart: Chart) -> str:
    """A chart with its title and its legend."""
    named = [line for line in chart.lines if line.name]
    legend = "".join(
        f"<li>{swatch(line, is_stacked=chart.is_stacked)}{escaped(f'{line.letter} {line.name}'.strip())}</li>"
        for line in named
    )
    note = f'<span class="note">{escaped(chart.note)}</span>' if chart.note else ""
    keys = f'<ul class="legend">{legend}</ul>' if legend else ""
    return f"<figure><figcaption><b>{escaped(chart.heading)}</b>{note}{keys}</figcaption>{draw(chart)}</figure>"


def swatch(line: Line, *, is_stacked: bool = False) -> str:
    """A piece of a curve, to be put before its name."""
    mark = swatch_mark(line, 1, 7, stacked=is_stacked)
    return f'<svg class="chart swatch" viewBox="0 0 32 14" aria-hidden="true">{mark}</svg>'


def figures(charts: Sequence[Chart]) -> str:
    """Charts beside each other."""
    drawn = "".join(map(figure, charts))
    return f'<div class="charts">{drawn}</div>' if drawn else ""
