"""Templates of Python code, whose lines can be left out.

A line that ends with `#? name` stays only where that name holds, with `#? !name` only where it does not; several names
must all fit. `$name` is replaced by a text. What is left is code as somebody would have written it for this one case.
"""

from __future__ import annotations

import re
import textwrap
from string import Template

CONDITION = re.compile(r"\s*#\? ?(?P<names>[!\w ]+)$")


def fill(template: str, holds: dict[str, bool] | None = None, **texts: str) -> str:
    """Leaves out lines whose condition does not hold, and puts texts in; returns code without blank ends.

    A text of several lines is indented as the line that names it; an empty one takes a line of its own away. Raises
    KeyError for a name that is not given.
    """
    holds = holds or {}
    lines = []
    for line in textwrap.dedent(template).strip("\n").splitlines():
        if (condition := CONDITION.search(line)) is not None:
            if not all(holds[name.lstrip("!")] != name.startswith("!") for name in condition["names"].split()):
                continue
            line = line[: condition.start()]
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip().startswith("$") and texts.get(line.strip()[1:]) == "":
            continue
        filled = Template(line).substitute(texts)
        lines += filled.replace("\n", f"\n{indent}").splitlines() or [""]
    return "\n".join(lines)
