"""A rich console that shows texts of others without obeying them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from workbench.printable import escaped, without_controls


class SafeConsole(Console):
    """Cleans every piece of text after it has been laid out and before it is coloured."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(_cleaned(segment.text), segment.style)

    def say(self, line: str) -> None:
        """Writes a line as it is, without wrapping it."""
        self.file.write(f"{escaped(line)}\n")

    def on_broken_pipe(self) -> None:
        """Whoever follows a run must hear that nobody reads it; rich would end the program."""
        raise BrokenPipeError


def _cleaned(text: str) -> str:
    """Lines stay lines: texts that are not wrapped carry them."""
    return "\n".join(map(without_controls, text.split("\n")))
