"""The command palette: a line an action, with its key; what was chosen last comes first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.fuzzy import Matcher

from workbench.ui.keys.action import Action
from workbench.ui.look.styled_app import StyledApp

TITLE_CELLS, KEY_CELLS = 34, 7
MOST_RECENT = 8
BEGINS, LABELLED, NAMED, KNOWN_AS, DESCRIBED = 5.0, 4.0, 3.0, 2.0, 1.0
"""Where the typed words were found: at the beginning of the title, in the label, in the title, in other words, in the
help. A match of single letters scores less than 1."""


@dataclass(frozen=True)
class Entry:
    """An action that the palette offers."""

    action: Action
    run: Callable[[], Awaitable[None]]


@runtime_checkable
class HasPalette(Protocol):
    """An app with actions."""

    def palette_entries(self) -> Sequence[Entry]:
        """The actions of the screen that is in front, those chosen last first."""
        ...


class PaletteCommands(Provider):
    """The actions of the app and of the screen in front."""

    @property
    def _entries(self) -> Sequence[Entry]:
        return self.app.palette_entries() if isinstance(self.app, HasPalette) else ()

    async def discover(self) -> Hits:
        for entry in self._entries:
            yield DiscoveryHit(self._line(entry.action), entry.run, entry.action.title)

    async def search(self, query: str) -> Hits:
        for place, entry in enumerate(self._entries):
            if found := score(entry.action, query):
                # Of two that fit equally well, the one that the list without a query has first.
                yield Hit(found - place / 10_000, self._line(entry.action), entry.run, entry.action.title)

    def _line(self, action: Action) -> Text:
        assert isinstance(self.app, StyledApp)
        styles = self.app.palette
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{action.title:<{TITLE_CELLS}} ", styles["text"])
        line.append(f"{action.key:<{KEY_CELLS}} ", styles["accent"])
        line.append(action.help.partition(": ")[2], styles["dim"])
        return line


def score(action: Action, query: str) -> float:
    """How well an action fits what was typed; 0: not at all."""
    typed = query.casefold().strip()
    title, words = action.title.casefold(), typed.split()
    if title.startswith(typed):
        return BEGINS
    for text, worth in ((action.label, LABELLED), (title, NAMED), (f"{title} {action.words}", KNOWN_AS)):
        if _begins_words(words, text):
            return worth
    if _begins_words(words, f"{action.help} {action.words}"):
        return DESCRIBED
    return min(Matcher(query).match(action.title) / 100, 0.9)


def _begins_words(typed: Sequence[str], text: str) -> bool:
    """Whether each typed word begins a word of the text."""
    words = text.casefold().replace(",", " ").split()
    return all(any(word.startswith(each) for word in words) for each in typed)
