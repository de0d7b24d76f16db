"""`workbench data`: prints what the data of a preset holds and what its samples look like, without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

from rich.style import Style

from workbench import output
from workbench.errors import EXIT_DONE
from workbench.headless.measuring import measure, run
from workbench.headless.options import Options
from workbench.headless.train import check_trust
from workbench.pictures.facts import fact_lines, size_words
from workbench.pictures.gallery import gallery_lines
from workbench.pictures.look import Look
from workbench.processes.data import DataSummary, Request, look_at_data
from workbench.processes.modules import Module
from workbench.settings import library

STYLES = {
    "text": "none",
    "strong": "bold",
    "dim": "dim",
    "accent": "cyan",
    "warning": "yellow",
    "train": "cyan",
    "validation": "yellow",
}
COLOUR_SYSTEMS = ("256", "truecolor")
"""Those with enough colours for pixels, as rich names them."""


def show_data(preset_name: str, overrides: tuple[str, ...], options: Options, *, samples: int, seed: int) -> int:
    """Reads the data of a preset and prints what it holds; returns the exit code. Raises WorkbenchError."""
    preset = library.load(preset_name).override(overrides).with_absolute_paths()
    request = Request.of(preset, samples, seed)
    check_trust(preset, options.trust_code)
    summary = run(read_summary(request, options))
    if options.json_output:
        print(json.dumps({"type": "result"} | asdict(summary)))
    elif options.quiet:
        print(f"{summary.learns}: {size_words(summary)}")
    else:
        _print(summary)
    return EXIT_DONE


async def read_summary(request: Request, options: Options) -> DataSummary:
    """Asks a process for the summary, and narrates. Raises WorkbenchError."""
    return await measure(Module.DATA, partial(look_at_data, request=request), DataSummary, None, options)


def _print(summary: DataSummary) -> None:
    console = output.console()
    look = Look(
        style_of=lambda name: Style.parse(STYLES[name]),
        colours=console.color_system in COLOUR_SYSTEMS and not console.no_color,
        ascii=console.options.ascii_only,
    )
    lines = fact_lines(summary, console.width, look) + gallery_lines(summary.samples, console.width, look)
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
