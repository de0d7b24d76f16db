"""The interface of the main screen that controllers use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from textual.screen import Screen

Result = TypeVar("Result")


class Host(Protocol):
    """The main screen, as controllers see it; tests use one that records the calls."""

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        """Shows a sentence until the next key; while_it_holds: until the run's state changes too.

        kind: "text", "warning" or "error".
        """

    def poll(self) -> None:
        """Reads the run's new events, and shows them."""

    def show_run(self) -> None:
        """Shows the run in all panels."""

    def redraw_charts(self) -> None:
        """Draws the charts again: the way they are shown has changed."""

    def show_settings(self) -> None:
        """Shows the settings being edited."""

    def show_setting(self, path: str) -> None:
        """Shows the settings being edited, with the cursor on one of them."""

    def show_advice(self) -> None:
        """Shows the current finding."""

    def show_charts(self) -> None:
        """Brings up the charts if the screen shows the settings alone."""

    def show_wrong_setting(self, wrong: str) -> None:
        """Moves to the setting that the message `wrong` names."""

    def show_notice(self, title: str, message: str, keys: str) -> None:
        """Shows an error that stays until it is dismissed."""

    def dismiss_notice(self) -> None:
        """Hides the error of `show_notice`."""

    @property
    def is_covered(self) -> bool:
        """Whether a dialog or another screen lies over this one."""

    def open(self, dialog: Screen[Result]) -> None:
        """Opens a dialog that has no answer."""

    async def ask(self, dialog: Screen[Result]) -> Result | None:
        """Opens a dialog and waits for its answer; None if the user leaves it."""

    async def may_train(self) -> bool:
        """Whether something may be trained or measured now: asks while a study is being trained."""

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Runs `work` in a thread. Raises what it raises."""
