"""What the key to copy takes: of the panel with the focus, else of the dialog or the screen."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

from textual.screen import Screen


class Copied(NamedTuple):
    """A text for the clipboard."""

    what: str
    """What it is, in a few words."""
    text: str


@runtime_checkable
class Copyable(Protocol):
    """A panel, a dialog or a screen of which something can be copied."""

    def copyable(self) -> Copied | None:
        """What is copied; None if there is nothing now."""
        ...


def found_on(screen: Screen[Any]) -> Copied | None:
    """What is copied of a screen: of the widget with the focus, or of the nearest one around it."""
    focused = screen.focused
    around = [screen] if focused is None else focused.ancestors_with_self
    return next((found for each in around if isinstance(each, Copyable) and (found := each.copyable())), None)
