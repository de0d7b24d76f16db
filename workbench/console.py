"""A rich console that shows foreign text without letting it steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from workbench.printable import escaped, without_controls


class SafeConsole(Console):
    """Cleans all text after layout and before colouring."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(_cleaned(segment.text), segment.style)

    def say(self, line: str) -> None:
        """Writes a line without wrapping it."""
        self.file.write(f"{escaped(line)}\n")

    def on_broken_pipe(self) -> None:
        """Raises: a run that is followed must not end because nobody reads the output, as rich would do."""
        raise BrokenPipeError


def _cleaned(text: str) -> str:
    """Text without control characters; line breaks stay."""
    return "\n".join(map(without_controls, text.split("\n")))
