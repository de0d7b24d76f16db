"""Ranges as they are typed: `1e-4..1e-1`, `16..512 step 16 x20`, `relu|gelu|mish`.

    LOW..HIGH [log | linear] [step S] [xTRIALS]
    CHOICE|CHOICE|...                 [xTRIALS]

Choices are TOML values; bare words are text. `--search` takes `key.path=RANGE`, a field of the app's form takes RANGE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from workbench.errors import PresetError
from workbench.settings.problems import shortened
from workbench.settings.search import Range
from workbench.settings.toml_text import from_toml, toml

HOW = "write a range as 1e-4..1e-1, or choices as relu|gelu|mish"

_NUMBER = re.compile(r"[+-]?\d+(_\d+)*(\.\d+)?([eE][+-]?\d+)?")
_TRIALS = re.compile(r"\s+[x×]\s*(\d{1,9})\s*$")
_ENDS = re.compile(r"\s*(\S*?)\s*\.\.\s*(\S*)(.*)", re.DOTALL)
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_.:/+-]*")
_PARTS = re.compile(r"""("(?:\\.|[^"\\])*"|'[^']*'|[^][|"']+|.)""", re.DOTALL)


def is_range(text: str) -> bool:
    """Whether a text is meant as a range or as choices, so that a field of the form is to be searched."""
    ends = _ENDS.fullmatch(text)
    return len(_split(text)) > 1 or (ends is not None and all(map(_NUMBER.fullmatch, ends.groups()[:2])))


def parse_range(text: str, where: str) -> tuple[Range, int | None]:
    """The range, and the number of trials if the text names one.

    where: what error messages call the source. Raises PresetError.
    """
    shown = f"{where}: {shortened(text.strip()) or 'nothing'}"
    trials = None
    if found := _TRIALS.search(text):
        trials = int(found[1])
        if trials < 1:
            raise PresetError(f"{shown}: the number of trials must be at least 1")
        text = text[: found.start()]
    pieces = _split(text)
    if len(pieces) > 1:
        if not all(pieces):
            raise PresetError(f"{shown}: a choice is empty; {HOW}")
        given: dict[str, Any] = {"choices": tuple(_tuples(from_toml(piece)) for piece in pieces)}
    elif ends := _ENDS.fullmatch(text):
        given = _numbers(ends, shown)
    else:
        raise PresetError(f"{shown} is no range: {HOW}")
    try:
        return Range.model_validate(given), trials
    except ValidationError as error:
        problem = error.errors()[0]
        raise PresetError(f"{shown}: {problem.get('ctx', {}).get('error', problem['msg'])}") from None


def range_text(range_: Range) -> str:
    """A range as it is typed. A single choice is shown alone, which is no range when it is typed."""
    if range_.choices is not None:
        return "|".join(map(_choice_text, range_.choices))
    words = [f"{toml(range_.low)}..{toml(range_.high)}"]
    if range_.log is not None:
        words.append("log" if range_.log else "linear")
    if range_.step is not None:
        words.append(f"step {toml(range_.step)}")
    return " ".join(words)


def parse_searches(options: Iterable[str]) -> tuple[dict[str, Range], int | None]:
    """The ranges of `--search key.path=RANGE` by path, and the number of trials if one names it.

    Raises PresetError.
    """
    ranges: dict[str, Range] = {}
    trials: int | None = None
    for option in options:
        path, equals, text = (part.strip() for part in option.partition("="))
        if not equals or not path:
            raise PresetError(
                f"--search {shortened(option)}: write it as key.path=RANGE, e.g. optimizer.learning_rate=1e-4..1e-1"
            )
        if path in ranges:
            raise PresetError(f"--search {shortened(path)}: is given twice")
        ranges[path], named = parse_range(text, f"--search {shortened(path)}")
        if named is not None and trials not in (None, named):
            raise PresetError(f"--search: both {trials} and {named} trials are asked for; name one number")
        trials = trials if named is None else named
    return ranges, trials


def _numbers(ends: re.Match[str], shown: str) -> dict[str, Any]:
    low, high, rest = ends.groups()
    given = {"low": _number(low, "low", shown), "high": _number(high, "high", shown)}
    words = rest.split()
    while words:
        word = words.pop(0)
        if word in ("log", "linear") and "log" not in given:
            given["log"] = word == "log"
        elif word == "step" and words and "step" not in given:
            given["step"] = _number(words.pop(0), "step", shown)
        else:
            raise PresetError(f"{shown}: {shortened(word)} is not understood; after {low}..{high} may stand log, "
                              "linear, step S, and x20 for 20 trials")  # fmt: skip
    return given


def _number(text: str, what: str, shown: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise PresetError(f"{shown}: {what} is {shortened(text) or 'missing'}, but must be a number; {HOW}")
    digits = text.replace("_", "")
    # A whole number of hundreds of digits is beyond any range, but int() of thousands is refused by Python itself.
    return int(digits) if re.fullmatch(r"[+-]?\d{1,100}", digits) else float(digits)


def _choice_text(choice: Any) -> str:
    if isinstance(choice, str) and _PLAIN_TEXT.fullmatch(choice) and from_toml(choice) == choice:
        return choice
    return toml(choice)


def _split(text: str) -> list[str]:
    """The choices: the text at each | that stands in no quotes and no brackets."""
    pieces, depth = [""], 0
    for part in _PARTS.findall(text):
        depth += (part == "[") - (part == "]")
        if part == "|" and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += part
    return [piece.strip() for piece in pieces]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
