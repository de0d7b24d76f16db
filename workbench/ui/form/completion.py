"""Completions of a value being typed: files and folders, the columns of a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from workbench.files import expanded
from workbench.ui.form.parsing import shown, typed

MOST_FILES = 500
"""At most this many entries of a folder are offered."""


@dataclass(frozen=True)
class Candidate:
    """One of the values that are offered."""

    text: str
    """The text of the field if it is taken."""
    label: str
    help: str = ""
    is_whole: bool = True
    """Whether the value is complete with it; after a folder, or one of several columns, more is typed."""


def paths(text: str, *, only_folders: bool) -> list[Candidate]:
    """The files and folders whose path begins with what is typed; none where the folder cannot be read."""
    folder, beginning = os.path.split(text)
    try:
        with os.scandir(expanded(folder or ".")) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in islice(entries, 10 * MOST_FILES))
    except (OSError, ValueError):
        return []
    stem = text[: len(text) - len(beginning)]
    kept = [
        (name, is_folder)
        for name, is_folder in found
        if name.startswith(beginning) and (beginning or not name.startswith(".")) and (is_folder or not only_folders)
    ]
    labels = [(f"{name}{os.sep}" if is_folder else name, is_folder) for name, is_folder in kept[:MOST_FILES]]
    return [Candidate(stem + label, label, is_whole=not is_folder) for label, is_folder in labels]


def columns(text: str, found: Iterable[tuple[str, str]], *, several: bool) -> list[Candidate]:
    """The columns (name, explanation) that match the typed words, the likeliest first.

    several: the field holds several columns, separated by commas; the last one is being typed.
    """
    before, entry = _last_entry(text) if several else ("", text)
    named = {name.strip(' "') for name in before.split(",")}
    left = [(name, help) for name, help in found if name not in named]
    lead = f"{before}, " if before else ""
    return [
        Candidate(lead + (shown((name,)) if several else typed(name)), name, help, not several)
        for name, help in (left[number] for number in narrowed(left, entry))
    ]


def examples(text: str, known: Sequence[str]) -> list[Candidate]:
    """The values that match the typed words, the likeliest first."""
    return [Candidate(known[number], known[number]) for number in narrowed([(each, "") for each in known], text)]


def common_beginning(candidates: Sequence[Candidate]) -> str:
    """The beginning that all of them share."""
    texts = [candidate.text for candidate in candidates]
    pairs = zip(min(texts, default=""), max(texts, default=""), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def entry_of(text: str, *, several: bool) -> str:
    """The entry being typed: the last of several."""
    return _last_entry(text)[1] if several else text.strip()


def narrowed(choices: Sequence[tuple[str, str]], typed: str) -> list[int]:
    """The indices of the choices (name, explanation) that match all typed words, the likeliest first."""
    typed = " ".join(typed.lower().split())
    words = typed.split()
    found = [
        number for number, (name, help) in enumerate(choices) if all(word in f"{name} {help}".lower() for word in words)
    ]

    def unlikeliness(number: int) -> tuple[bool, bool, bool]:
        name = choices[number][0].lower()
        return name != typed, not name.startswith(typed), typed not in name

    return sorted(found, key=unlikeliness) if typed else found


def _last_entry(text: str) -> tuple[str, str]:
    """The text before the last comma outside quotes, and the text after it."""
    cuts = [place for place, character in enumerate(text) if character == "," and text[:place].count('"') % 2 == 0]
    if not cuts:
        return "", text.strip()
    return text[: cuts[-1]].rstrip(), text[cuts[-1] + 1 :].strip()
