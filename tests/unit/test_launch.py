"""Where the app cannot be shown, it says so at once, and how to train without it."""

from __future__ import annotations

import gc
import io
import sys

import pytest

from workbench import launch
from workbench.errors import EXIT_USAGE
from workbench.ui import start


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Names that the app was opened with."""
    names: list[str | None] = []

    def open_app(name: str | None, *_: object) -> int:
        names.append(name)
        return 0

    monkeypatch.setattr(start, "open_app", open_app)
    monkeypatch.setattr(gc, "disable", lambda: None)  # until the first screen, which there is none of here
    return names


def in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(sys, "stdout", _Terminal())


@pytest.mark.parametrize("kind", ["dumb", "unknown", "", None])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(
    opened: list[str | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str | None
) -> None:
    """screen/REPORT #9: the app painted once, took no key, and only SIGTERM ended it."""
    in_a_terminal(monkeypatch)
    if kind is None:
        monkeypatch.delenv("TERM", raising=False)
    else:
        monkeypatch.setenv("TERM", kind)
    assert launch.open_plainly("fast", ()) == EXIT_USAGE
    assert opened == []
    said = capsys.readouterr().err
    assert ("TERM is not set" if not kind else f"TERM is {kind}") in said
    assert "workbench --preset NAME" in said


@pytest.mark.parametrize("kind", ["xterm-256color", "screen", "tmux-256color", "linux", "vt100"])
def test_other_terminals_are_taken(opened: list[str | None], monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    in_a_terminal(monkeypatch)
    monkeypatch.setenv("TERM", kind)
    assert launch.open_plainly("fast", ()) == 0
    assert opened == ["fast"]


def test_a_pipe_is_refused(
    opened: list[str | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert launch.open_plainly(None, ()) == EXIT_USAGE
    assert opened == []
    assert "the app needs a terminal; to train without it: workbench --preset NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "lacks"),
    [
        ({}, False),
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8"}, False),
        ({"TERM": "xterm-256color", "LANG": "de_DE.utf8"}, False),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # Python adds the second by itself
        ({"TERM": "xterm", "LC_ALL": "POSIX"}, True),
        ({"TERM": "xterm", "LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ({"TERM": "xterm", "LC_CTYPE": "en_US.ISO-8859-1", "LANG": "C.UTF-8"}, True),
    ],
)
def test_a_terminal_without_the_glyphs_gets_ascii(environment: dict[str, str], lacks: bool) -> None:
    """screen/REPORT: TERM=linux and LANG=C got braille."""
    assert launch.lacks_glyphs(environment) is lacks
