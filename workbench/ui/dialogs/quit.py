"""Questions before quitting: whether to stop the run in progress, and whether to save unsaved settings."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from workbench.ui.dialogs.changes import written
from workbench.ui.dialogs.question import QuestionDialog

MOST_CHANGES = 6


class QuitDialog(QuestionDialog):
    """Dismisses with leave, stop, or None to stay; the default leaves the run running."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "stay", show=True)]
    ANSWERS = {"l": "leave", "s": "stop"}

    def __init__(self, run_name: str, state: str) -> None:
        super().__init__(
            "quit?",
            f"The run {run_name} is {state}. It continues without workbench, and this brings it back:\n"
            f"workbench --attach {run_name}",
            (("l", "leave it running, and quit"), ("s", "stop it, and quit"), ("y", "stay")),
            "l",
        )

    def dismiss(self, result: str | None = None) -> Any:
        """The answer in a word."""
        return super().dismiss(self.ANSWERS.get(result or ""))


class UnsavedDialog(QuestionDialog):
    """Dismisses with save, discard, or None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "keep editing", show=True)]
    ANSWERS = {"s": "save", "d": "discard"}

    def __init__(self, name: str, changes: dict[str, tuple[Any, Any]]) -> None:
        lines = [f"  {path}  {written(old)} to {written(new)}" for path, (old, new) in changes.items()]
        more = [f"  and {len(lines) - MOST_CHANGES} more"] if len(lines) > MOST_CHANGES else []
        super().__init__(
            "unsaved settings",
            "\n".join([f"These settings of {name} are not saved:", *lines[:MOST_CHANGES], *more]),
            (("s", "save them"), ("d", "discard them"), ("k", "keep editing")),
            "s",
        )

    def dismiss(self, result: str | None = None) -> Any:
        """The answer in a word."""
        return super().dismiss(self.ANSWERS.get(result or ""))
