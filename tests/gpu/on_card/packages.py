"""Says which dependencies of the project the GPU machine would lack: `python -m tests.gpu.on_card.packages`.

Needs Python's own library only.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

KIT = Path(__file__).parent
ROOT = KIT.parents[2]


def names(requirements: Iterable[str]) -> set[str]:
    """The packages that lines of requirements name, in lower case with dashes; comments and empty lines name none."""
    lines = (line.strip() for line in requirements)
    return {
        re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0].lower().replace("_", "-")
        for line in lines
        if line and not line.startswith("#")
    }


def missing() -> set[str]:
    """Dependencies that are neither installed on the GPU machine nor carried there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    there = {
        name for file in ("installed.txt", "wheels.txt") for name in names((KIT / file).read_text("utf-8").splitlines())
    }
    return names(project["dependencies"]) - there


if __name__ == "__main__":
    if lacking := missing():
        sys.exit(
            f"the GPU machine lacks {', '.join(sorted(lacking))}: add them, and what they need, to {KIT}/wheels.txt"
        )
