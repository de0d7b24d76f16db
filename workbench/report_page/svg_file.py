"""A chart as an SVG file of its own: with the colours of a light background, its title and its legend."""

from __future__ import annotations

from workbench.plotting.colours import LIGHT_VARIABLES
from workbench.report_page.html import escaped
from workbench.report_page.svg import WIDTH, Chart, Line, draw_content, opened, style, swatch_mark

INK = "#1f2630"
ROW_PIXELS = 20
MOST_LEGEND_LETTERS = 70
"""Of a name in the legend, which does not wrap."""


def standalone(chart: Chart) -> str:
    """The text of the file."""
    content, height = draw_content(chart, chart.heading)
    rows = [line for line in chart.lines if line.name]
    full = height + ROW_PIXELS * len(rows) + (10 if rows else 0)
    legend = "".join(_legend_row(line, height + ROW_PIXELS * n + 6, chart) for n, line in enumerate(rows))
    styles = f"<style>{style(LIGHT_VARIABLES | {'ink': INK})}</style>"
    background = f'<rect width="{WIDTH}" height="{full}" fill="#ffffff"/>'
    head = opened(chart, full, f' width="{WIDTH}" height="{full}"')
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{styles}{background}{content}{legend}</svg>\n'


def _legend_row(line: Line, y: float, chart: Chart) -> str:
    name = f"{line.letter}  {line.name}" if line.letter else line.name
    shown = name if len(name) <= MOST_LEGEND_LETTERS else f"{name[: MOST_LEGEND_LETTERS - 1]}…"
    mark = swatch_mark(line, 14, y, stacked=chart.is_stacked)
    return f'{mark}<text x="56" y="{y:g}" dy=".32em">{escaped(shown)}</text>'
