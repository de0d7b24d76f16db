"""One key at a time: the next one is passed on when what the last one brought about is there.

Textual hands a key to whatever has the focus the moment it arrives. Typed quickly over a slow line, `/` and the word
after it arrive as one: the word's letters would be keys of the screen (x stops a run), for the field that `/` opens
has the focus a moment later only. The same is true of a dialog.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.widgets import Input

SETTLE_SECONDS = 0.02
"""What a key has brought about, a dialog in a worker's task or another focus, has begun by then."""
PATIENCE_SECONDS = 0.5
"""No key holds the next ones back longer than this: its widget may have gone, and a dialog may have no field."""


class Passed(Message):
    """Goes the way of a key, one place behind it: when it arrives at the app, the key has been acted on."""


class KeyOrder:
    """Which keys wait for which."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[events.Key] = deque()
        self._next: events.Key | None = None
        """The first of those that waited, on its way again."""
        self._under_way = 0
        """The number of the key that is being acted on; 0 for none."""
        self._count = 0

    def may_pass(self, key: events.Key) -> bool:
        """Whether a key is passed on now; otherwise it is kept, and comes again."""
        if key is self._next:
            self._next = None
        elif self._under_way or self._next is not None:
            self._waiting.append(key)
            return False
        return True

    def passed(self, key: events.Key) -> None:
        """A key is on its way to what has the focus."""
        target = self._app.focused or self._app.screen
        is_text = isinstance(target, Input) and key.is_printable  # it changes neither focus nor screen
        if is_text or not target.post_message(Passed()):
            self._send_next()
            return
        self._count += 1
        self._under_way = number = self._count
        self._app.set_timer(PATIENCE_SECONDS, lambda: self._let_go(number))

    def answered(self) -> None:
        """A key has been acted on."""
        number = self._under_way
        self._app.set_timer(SETTLE_SECONDS, lambda: self._settled(number))

    def _settled(self, number: int) -> None:
        if number == self._under_way and self._waiting and self._app.focused is None:
            self.answered()  # a dialog has come up, and its field has no focus yet
        else:
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        """Lets the next key go, if it is this one that it waits for."""
        if number == self._under_way:
            self._under_way = 0
            self._send_next()

    def _send_next(self) -> None:
        if self._waiting and self._next is None:
            self._next = self._waiting.popleft()
            self._app.post_message(self._next)
