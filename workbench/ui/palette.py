"""The command palette's search: what the user most likely means comes first."""

from __future__ import annotations

from textual.command import Hit, Hits
from textual.system_commands import SystemCommandsProvider

BEGINS_NAME, BEGINS_WORD = 2000.0, 1000.0
"""What is added to a score of Textual's, which ranks by single letters."""


class PaletteCommands(SystemCommandsProvider):
    """The app's commands. First those whose name begins with what was typed, then those with a word that does."""

    async def search(self, query: str) -> Hits:
        async for hit in super().search(query):
            if isinstance(hit, Hit):
                name = str(hit.text)
                yield Hit(hit.score + bonus(query, name), hit.match_display, hit.command, name, hit.help)


def bonus(query: str, name: str) -> float:
    """What is added to the score of a command; the first of several names, before a comma, counts more."""
    typed, own, others = query.casefold().strip(), *name.casefold().partition(",")[::2]
    if not typed:
        return 0.0
    if own.startswith(typed):
        return BEGINS_NAME
    if f" {typed}" in own:
        return BEGINS_WORD
    return BEGINS_WORD / 2 if f" {typed}" in others else 0.0
