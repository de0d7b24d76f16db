"""Passes on one key at a time: the next one waits until the last one has had its effect.

A workaround for Textual (8.2). `App.on_event` chooses a key's target the moment the key arrives: it puts the key into
the message queue of the widget that has the focus then, and proceeds to the next key. The widget handles the key later,
in its own task, and `Widget.focus` and `push_screen` take effect later still. Over a slow line, `/` and the word typed
after it arrive together. The field that `/` opens has no focus yet, so the letters would act as keys of the screen: x
stops a run. The same happens with dialogs. Textual's issues 1199 and 4704 describe cases of it.

This file becomes unnecessary once Textual chooses a key's target only after the previous key was handled and the
changes of focus and screen that it caused have taken effect. Then tests/ui/test_key_order.py passes without it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.widgets import Input

SETTLE_SECONDS = 0.02
"""After this time a key's effect has begun: a worker has opened its dialog, or the focus has moved."""
PATIENCE_SECONDS = 0.5
"""No key delays the next one longer than this: its widget may be gone, or its dialog have no field."""


class Passed(Message):
    """Follows a key through the same queues: when it arrives at the app, the key has been handled."""


class KeyOrder:
    """Decides which keys wait."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[events.Key] = deque()
        self._next: events.Key | None = None
        """The first of the waiting keys, sent again."""
        self._under_way = 0
        """The number of the key that is being handled; 0: none."""
        self._count = 0

    def may_pass(self, key: events.Key) -> bool:
        """Whether to pass on a key now; otherwise it is kept, and sent again later."""
        if key is self._next:
            self._next = None
        elif self._under_way or self._next is not None:
            self._waiting.append(key)
            return False
        return True

    def passed(self, key: events.Key) -> None:
        """Notes that a key is on its way to the widget with the focus."""
        target = self._app.focused or self._app.screen
        is_text = isinstance(target, Input) and key.is_printable  # it changes neither focus nor screen
        if is_text or not target.post_message(Passed()):
            self._send_next()
            return
        self._count += 1
        self._under_way = number = self._count
        self._app.set_timer(PATIENCE_SECONDS, lambda: self._let_go(number))

    def answered(self) -> None:
        """Notes that a key has been handled."""
        number = self._under_way
        self._app.set_timer(SETTLE_SECONDS, lambda: self._settled(number))

    def _settled(self, number: int) -> None:
        if number == self._under_way and self._waiting and self._app.focused is None:
            self.answered()  # a dialog is open, and its field has no focus yet
        else:
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        """Sends the next key, if it waits for this one."""
        if number == self._under_way:
            self._under_way = 0
            self._send_next()

    def _send_next(self) -> None:
        if self._waiting and self._next is None:
            self._next = self._waiting.popleft()
            self._app.post_message(self._next)
