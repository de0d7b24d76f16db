"""A part of a script: some code, with the imports and the settings that it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.export.script.written import literal

LONGEST_LINE = 120


@dataclass(frozen=True)
class Part:
    """What one idea (the data, the model, the loss) adds to a script."""

    code: str = ""
    """Functions and classes, with two blank lines between them."""
    imports: tuple[str, ...] = ()
    """`import x`, `import x as y` or `from x import y`, one name each."""
    settings: tuple[tuple[str, object], ...] = ()
    """Names of constants and their values; a value that is `Code` is written as it is."""
    use: str = ""
    """How the loop uses it: an expression, or lines of code."""


class Code(str):
    """An expression, in place of a value."""

    __slots__ = ()


def written_settings(parts: Iterable[Part]) -> str:
    """The constants of all parts, one a line."""
    lines = []
    for part in parts:
        for name, value in part.settings:
            written = value if isinstance(value, Code) else literal(value)
            too_long = len(f"{name} = {written}") > LONGEST_LINE and not isinstance(value, Code)
            lines.append(f"{name} = {literal(value, wrapped=True) if too_long else written}")
    return "\n".join(lines)


def written_imports(parts: Iterable[Part]) -> str:
    """The imports of all parts: the standard library's first, each group sorted, names of one module together."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for part in parts:
        for line in part.imports:
            if line.startswith("from "):
                _, module, _, name = line.split(maxsplit=3)
                named.setdefault(module, set()).add(name)
            else:
                plain.add(line)
    groups: tuple[list[str], list[str]] = ([], [])
    for line in sorted(plain):
        groups[_is_foreign(line.split()[1])].append(line)
    for module in sorted(named):
        names = ", ".join(sorted(named[module], key=_order))
        groups[_is_foreign(module)].append(f"from {module} import {names}")
    return "\n\n".join("\n".join(group) for group in groups if group)


def _is_foreign(module: str) -> bool:
    return module.partition(".")[0] not in sys.stdlib_module_names


def _order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: as ruff and isort order them."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)
