"""Describes the problems of a preset: the place, the value found, the allowed values, and the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from workbench.settings.base import Choice, Family
from workbench.settings.renamed import RENAMED_VALUES, renamed_setting, renamed_value
from workbench.suggestion import nearest
from workbench.units import count

MOST_PROBLEMS = 20
"""Problems that are described; further ones are only counted."""
MOST_CHARACTERS = 80
"""The most characters of a name or a value in a message."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""What may be a setting's name, misspelt; anything else might be a value at the place of a name."""


def describe_syntax_error(error: Exception, where: str, *, quotes: bool = True) -> str:
    """Describes a TOML syntax error; tomllib's message contains line and column.

    quotes: whether names from the file may be in it; without, there is only the place.
    """
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if not quotes and not isinstance(error, RecursionError):
        place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", reason)
        reason = f"look at {place[1]}" if place else "a value in it cannot be read"
    if len(reason) > 4 * MOST_CHARACTERS:  # a key of thousands of characters; the place is at the end
        reason = f"{reason[: 3 * MOST_CHARACTERS]} ... {reason[-MOST_CHARACTERS:]}"
    return f"{where} is not valid TOML: {reason}"


def describe_validation_error(
    error: ValidationError,
    values: Mapping[str, Any],
    preset: type[BaseModel],
    families: Mapping[str, Family],
    where: str,
    text: str,
    *,
    quotes: bool = True,
) -> str:
    """Describes all problems of a preset, one per line.

    values: the validated mapping; where: the name of the source; text: its TOML text, for line numbers.
    quotes: whether values of the file may be in it; those of a file with secrets never are, whatever is wrong.
    """
    lines: dict[str, None] = {}  # a union reports a problem once per member: keep each sentence once
    known: set[tuple[str, ...]] = set()
    beyond: set[tuple[str, ...]] = set()
    for problem in error.errors(include_url=False):
        path, model = _locate(problem["loc"], values, preset, families)
        if problem["type"] == "union_tag_invalid":
            path.append(families[path[0]].tag)
        if (here := (*path, problem["type"])) in known:
            continue
        if len(lines) >= MOST_PROBLEMS:  # only counted, because each sentence needs a search through the whole text
            beyond.add(tuple(path))
            continue
        known.add(here)
        sentence = _sentence(problem, path, model, families, quotes)
        line = _line_number(text, path)
        lines[f"line {line}, {sentence}" if line else sentence] = None
    problems = list(lines)
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    more = [f"and {count(len(beyond))} more"] if beyond else []
    listed = "\n".join(f"  {problem}" for problem in [*problems, *more])
    return f"{where} has {count(len(problems) + len(beyond))} problems:\n{listed}"


def table_problems(error: ValidationError, table: type[BaseModel]) -> dict[str, str]:
    """Describes the problems of one table by key, briefly, for a form that shows key and value beside it.

    A problem of several settings together has the key "".
    """
    problems: dict[str, list[Any]] = {}
    for problem in error.errors():
        problems.setdefault(str(problem["loc"][0]) if problem["loc"] else "", []).append(problem)
    return {key: _short_sentence(found, _help(table, key)) for key, found in problems.items()}


def _short_sentence(problems: list[Any], help: str) -> str:
    """Describes the first problem of one setting. A union reports every member; the deepest one was meant."""
    depth = max(len(problem["loc"]) for problem in problems)
    deepest = [problem for problem in problems if len(problem["loc"]) == depth]
    is_union = depth > 1 and isinstance(deepest[0]["loc"][1], str)
    return " or ".join(dict.fromkeys(_short(problem, help) for problem in deepest[: None if is_union else 1]))


_SHORT_NEEDS = {
    "bool_type": "needs on or off",
    "string_type": "needs text",
    "tuple_type": "needs a list, such as 1, 2",
    "dict_type": "needs name=value, name=value",
}


def _short(problem: Any, help: str) -> str:
    kind, location, context = problem["type"], problem["loc"], problem.get("ctx", {})
    entry = location[-1] if len(location) > 1 and isinstance(location[-1], int) else None
    if kind == "missing":
        return "is needed" if entry is None else f"needs at least {entry + 1} entries"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"must be {help.partition(';')[0].rpartition(': ')[2]}"
    if kind == "literal_error":
        paths = [path for path in RENAMED_VALUES if path.endswith(f".{location[0]}")]
        if renamed := "".join(renamed_value(path, problem["input"]) for path in paths):
            return renamed
    sentence = _SHORT_NEEDS.get(kind) or _needs(kind, context, problem["msg"])
    return sentence if entry is None else f"entry {entry + 1} {sentence}"


def _locate(
    location: tuple[int | str, ...],
    values: Mapping[str, Any],
    preset: type[BaseModel],
    families: Mapping[str, Family],
) -> tuple[list[str], type[BaseModel]]:
    """Returns the key path as the user wrote it, and the model that its last key belongs to.

    pydantic adds the name of the choice (optimizer.adam.betas) and of a union's member to a location.
    """
    path = [str(location[0])] if location else []
    rest = list(location[1:])
    if not path or path[0] not in families:
        if path and rest and path[0] in preset.model_fields:
            return path + [str(part) for part in rest], _plain_table(preset, path[0])
        return path + [str(part) for part in rest], preset
    family = families[path[0]]
    model: type[BaseModel] = family.default
    if rest and isinstance(values.get(path[0]), Mapping):
        choice = family.choice(str(rest[0]))
        if choice is not None:
            model, rest = choice, rest[1:]
    if rest:
        path.append(str(rest[0]))
        path += [str(part) for part in rest[1:] if isinstance(part, int)]
    return path, model


def _plain_table(preset: type[BaseModel], name: str) -> type[BaseModel]:
    annotation: Any = preset.model_fields[name].annotation
    if get_origin(annotation) is tuple:  # an array of tables
        annotation = get_args(annotation)[0]
    elif get_origin(annotation) is dict:  # tables by name
        annotation = get_args(annotation)[1]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else preset


def _sentence(
    problem: Any, path: list[str], model: type[BaseModel], families: Mapping[str, Family], quotes: bool
) -> str:
    written = ".".join(path if quotes else [part if PLAIN_NAME.fullmatch(part) else "…" for part in path])
    key = written or "the preset"
    key = shortened(re.sub(r"\.(\d+)", lambda index: f"[{index[1]}]", key))
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    found = f"found {_show(value)}; " if quotes else ""
    if kind == "extra_forbidden" and (renamed := renamed_setting(written, value, model.model_fields)):
        return renamed
    if kind == "literal_error" and (renamed := renamed_value(written, value)):
        return f"{key}: {renamed}"
    if kind == "extra_forbidden":
        choice = f" of {model.label()}" if issubclass(model, Choice) and len(path) > 1 else ""
        what = "setting" if len(path) > 1 else "table or setting"
        return f"{key}: unknown {what}{choice}{nearest(path[-1], model.model_fields)}"
    if kind == "union_tag_invalid":
        family = families[path[0]]
        tag = context["tag"]
        return f"{key}: {renamed_value(written, tag) or f'{_show(tag)} is not known{nearest(tag, family.labels)}'}"
    if kind == "union_tag_not_found":
        return f"{key}: the name must be text"
    if kind == "missing":
        return f"{key}: is needed: {_help(model, path[-1])}"
    if kind == "value_error":
        return f"{key}: {context['error']!s}"
    if kind == "string_pattern_mismatch":
        return f"{key}: {found}must be {_help(model, path[-1])}"
    return f"{key}: {found}{_needs(kind, context, problem['msg'])}"


_NEEDS = {
    "int_type": "needs a whole number",
    "float_type": "needs a number",
    "bool_type": "needs true or false",
    "string_type": 'needs text in "quotes"',
    "tuple_type": "needs a list in [brackets]",
    "dict_type": "needs a table",
    "model_type": "needs a table",
    "model_attributes_type": "needs a table",
    "finite_number": "needs a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "too_short": "needs at least {min_length} entries",
    "too_long": "needs at most {max_length} entries",
}


def _needs(kind: str, context: Mapping[str, Any], message: str) -> str:
    known = _NEEDS.get(kind)
    if known is None:
        return message[0].lower() + message[1:]
    return known.format(**{name: _short_number(value) for name, value in context.items()})


def _short_number(value: Any) -> Any:
    """Shortens a bound: 0 for 0.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _help(model: type[BaseModel], name: str) -> str:
    field = model.model_fields.get(name)
    return field.description or "" if field else ""


def _show(value: Any) -> str:
    """Formats a value as in TOML, shortened."""
    if isinstance(value, bool):
        shown = str(value).lower()
    elif isinstance(value, str):
        return f'"{shortened(value)}" (text)'
    elif isinstance(value, tuple):
        shown = f"the list {list(value)}"
    elif isinstance(value, dict):
        shown = "a table"
    elif isinstance(value, int) and value.bit_length() > 1000:
        shown = "a number with hundreds of digits"  # Python refuses to print it
    else:
        shown = str(value)
    return shortened(shown)


def shortened(text: str) -> str:
    """Cuts a text to the length for a message."""
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def _line_number(text: str, path: list[str]) -> int | None:
    """Finds the line (from 1) of a key, or else of its table; None if it is not found.

    tomllib keeps no positions, so this searches for `[table]` and `key =` lines, which is enough for a message.
    """
    table, found = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            table = header[1]
            if path[:1] == [table]:
                found = number
        elif (key := re.match(r"\s*\"?([\w.-]+)\"?\s*=", line)) and [*filter(None, [table]), key[1]] == path[
            : len(path) if not table else 2
        ]:
            return number
    return found
