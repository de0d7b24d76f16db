"""The only place where the command writes to stdout and stderr.

Only our own control characters reach a terminal: text is escaped, and text for rich is cleaned before it is styled.
Output that cannot be written (a full disk) does not end training; the failure is reported at the end.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from workbench.errors import EXIT_DONE, EXIT_FAILED, StorageError
from workbench.printable import escaped

if TYPE_CHECKING:
    from workbench.console import SafeConsole


class Edge(io.TextIOBase):
    """Replaces stdout or stderr: escapes text, and remembers failed writes instead of raising."""

    def __init__(self, stream: TextIO, *, narrates: bool = False) -> None:
        """narrates: whether a broken pipe is ignored, as on stderr, which nobody needs to read."""
        self._stream = stream
        self._narrates = narrates
        self.lost = ""
        """Why output was lost; empty if none was."""
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for "×" in an ASCII terminal

    def write(self, text: str) -> int:
        return self.write_styled(escaped(text))

    def write_styled(self, text: str) -> int:
        """Writes safe text with our own styles. Raises BrokenPipeError if nobody reads it."""
        with self._remembering():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._remembering():
            self._stream.flush()

    def abandon(self) -> None:
        """Discards further output: the reader is gone, or no space is left."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, BrokenPipeError) and not self._narrates:
                raise
            self.lost = error.strerror or str(error)
            self.abandon()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream, which typer and rich ask for."""
        return self._stream.encoding

    @property
    def stream(self) -> TextIO:
        """The stream itself."""
        return self._stream


_EDGES: dict[str, Edge] = {}
"""By the name of the stream; rich's live display puts streams of its own in their place for a while."""


def install() -> None:
    """Replaces stdout and stderr with edges; closed descriptors are opened to /dev/null."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # or the next file that is opened would be "stdout"
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name) or open(number, "w", closefd=False)  # noqa: SIM115
        if not isinstance(stream, Edge):
            _EDGES[name] = Edge(stream, narrates=number == 2)
            setattr(sys, name, _EDGES[name])


@contextmanager
def styled() -> Iterator[None]:
    """Lets a library print our own words in its colours (help texts) on a terminal."""
    before = sys.stdout
    if isinstance(before, Edge) and before.isatty():
        sys.stdout = before.stream
    try:
        yield
    finally:
        sys.stdout = before


def abandon() -> None:
    """Discards further output on stdout, because nobody reads it any more."""
    if isinstance(sys.stdout, Edge):
        sys.stdout.abandon()


def take_loss() -> str:
    """Returns why output on stdout was lost, empty if none was; the caller reports it."""
    if not isinstance(sys.stdout, Edge):
        return ""
    sys.stdout.flush()
    reason, sys.stdout.lost = sys.stdout.lost, ""
    return reason


def check() -> None:
    """Raises StorageError where output on stdout was lost, for a command that has nothing to do without it."""
    if reason := take_loss():
        raise StorageError(f"the output could not be written: {reason}")


def settle(code: int) -> int:
    """Flushes stdout at the very end; returns the exit code, or that of a failure if output was lost."""
    try:
        reason = take_loss()
    except BrokenPipeError:
        abandon()  # like any command piped to `head`
        return code
    if not reason:
        return code
    print(f"error: the output could not be written: {reason}", file=sys.stderr)
    return EXIT_FAILED if code == EXIT_DONE else code


def to_terminal(sequence: str) -> bool:
    """Writes control sequences of our own to the terminal of stderr, or else of stdout; False if neither is one."""
    for name in ("stderr", "stdout"):
        edge = _EDGES.get(name)
        if edge is not None and edge.isatty():
            edge.write_styled(sequence)
            edge.flush()
            return True
    return False


def console(*, stderr: bool = False, **options: Any) -> SafeConsole:
    """A rich console on stdout or stderr that cleans all text."""
    from workbench.console import SafeConsole

    edge = sys.stderr if stderr else sys.stdout
    if isinstance(edge, Edge):
        options["file"] = _Styled(edge)
    return SafeConsole(highlight=False, markup=False, stderr=stderr, **options)


class _Styled(io.TextIOBase):
    """The edge as rich sees it: what rich writes is clean and styled."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def write(self, text: str) -> int:
        return self._edge.write_styled(text)

    def flush(self) -> None:
        self._edge.flush()

    def isatty(self) -> bool:
        return self._edge.isatty()

    def fileno(self) -> int:
        return self._edge.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return self._edge.encoding
