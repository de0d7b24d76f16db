"""What must hold before a change lands is said once, in .ci/run; the commit hooks call the same."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_commit_hooks_call_what_ci_calls() -> None:
    ci = re.findall(r"^uv run (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    hooks = re.findall(r"^ +entry: uv run (.+)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert len(ci) >= 5
    # A hook formats, and gets the files; ci only looks, at all of them.
    assert sorted(hooks) == sorted(re.sub(r" --check| \.$", "", command).strip() for command in ci)
