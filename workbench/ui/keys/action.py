"""An action: its keys, and the words for it in the line of keys, in the help and in the palette."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from textual.binding import Binding

from workbench.ui.keys.key_names import key_name


@dataclass(frozen=True)
class Action:
    """An action of a screen, carried out by its method `action_<name>`.

    One key means one thing on every screen: its label is the same wherever the key is bound.
    """

    name: str
    keys: tuple[str, ...]
    """As Textual names them; the first is the one that is shown. None: the palette alone has the action."""
    label: str
    """For the line of keys: a word or two."""
    help: str
    """For `?` and the palette: what it does, and after a colon what else there is to say."""
    group: str
    rank: int = 0
    """Priority in the line of keys: where room is short, lower ones are left out first; 0 is never in that line."""
    shown: str = ""
    """The key that the line of keys shows, if that is not the first one."""
    words: str = ""
    """Other words by which the palette and the help find it."""

    @property
    def title(self) -> str:
        """What it does, as the palette shows it."""
        title = self.help.partition(":")[0]
        return title[:1].upper() + title[1:]

    @property
    def key(self) -> str:
        """Its first key as people write it; empty without one."""
        return key_name(self.keys[0]) if self.keys else ""

    @property
    def shown_key(self) -> str:
        """The key that the line of keys shows, as people write it: ^s, [, space."""
        return self.shown or self.key


def bindings(actions: Iterable[Action]) -> list[Binding]:
    """Textual's bindings of a table of actions."""
    return [Binding(",".join(each.keys), each.name, each.label, show=False) for each in actions if each.keys]


@runtime_checkable
class HasActions(Protocol):
    """A screen with a table of actions, which the palette offers."""

    ACTIONS: ClassVar[Sequence[Action]]


@runtime_checkable
class Says(Protocol):
    """A screen with a line for an answer."""

    def say(self, text: str, kind: str = "text") -> None:
        """Shows a sentence until the next key. kind: "text", "warning" or "error"."""
        ...
