"""The git revision of a folder, read from git's own files.

The program git is not run: it would follow the configuration of a folder that may have come from a stranger, and that
configuration can name programs to run (core.fsmonitor, filters, remotes of a partial clone).
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench.files import is_file

MOST_BYTES = 16 * 2**20
"""Of packed-refs, the one long file among them; what lies further back is not looked for."""
MOST_SYMBOLIC = 5
"""A reference may stand for another; git itself follows five."""
SHOWN_DIGITS = 12

_REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFERENCE = re.compile(r"ref: ?(refs/[^\x00-\x20\x7f~^:?*\[\\]+)")


def git_revision(folder: Path) -> str | None:
    """Returns the first 12 digits of the commit checked out around a folder; None where it cannot be found."""
    git = _git_folder(folder.absolute())
    if git is None:
        return None
    head = _read(git / "HEAD")
    for _ in range(MOST_SYMBOLIC):
        if _REVISION.fullmatch(head):
            return head[:SHOWN_DIGITS]
        named = _REFERENCE.fullmatch(head)
        if named is None or ".." in named[1]:
            return None
        head = _read(git / named[1]) or _read(_shared(git) / named[1]) or _packed(_shared(git), named[1])
    return None


def _git_folder(folder: Path) -> Path | None:
    """The repository: `.git`, or where a file of that name (of a worktree, of a submodule) says it is."""
    for around in (folder, *folder.parents):
        git = around / ".git"
        if git.is_dir():
            return git
        if is_file(git):
            path = _read(git).partition("gitdir:")[2].strip()
            return around / path if path and "\0" not in path else None
    return None


def _shared(git: Path) -> Path:
    """Where the branches lie: for a worktree that is the repository that it belongs to."""
    path = _read(git / "commondir")
    return git / path if path and "\0" not in path else git


def _packed(git: Path, name: str) -> str:
    """A branch from the file into which git packs them; empty if it is not there."""
    found = re.search(rf"^([0-9a-f]+) {re.escape(name)}$", _read(git / "packed-refs"), re.MULTILINE)
    return found[1] if found else ""


def _read(path: Path) -> str:
    """What a plain file holds; empty where there is none, so that nothing is waited for."""
    try:
        if not is_file(path):
            return ""
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace").strip()
    except (OSError, ValueError):
        return ""
