"""Questions before quitting: whether to stop the run in progress, and whether to save unsaved settings."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from workbench.ui.dialogs.changes import written
from workbench.ui.dialogs.question import STAY, QuestionDialog

MOST_CHANGES = 6


class QuitDialog(QuestionDialog):
    """Dismisses with quit (the run continues), stop (then quit), or None to stay; the default is to quit."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "stay", show=True)]

    def __init__(self, run_name: str, state: str) -> None:
        super().__init__(
            "quit?",
            f"The run {run_name} is {state}. It keeps running without the app; this reattaches to it:\n"
            f"workbench --attach {run_name}",
            (("quit", "quit, and leave it running"), ("stop", "stop it, and quit"), (STAY, "stay")),
            "quit",
        )


class UnsavedDialog(QuestionDialog):
    """Dismisses with save, discard, or None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "keep editing", show=True)]

    def __init__(self, name: str, changes: dict[str, tuple[Any, Any]]) -> None:
        lines = [f"  {path}  {written(old)} to {written(new)}" for path, (old, new) in changes.items()]
        more = [f"  and {len(lines) - MOST_CHANGES} more"] if len(lines) > MOST_CHANGES else []
        super().__init__(
            "unsaved settings",
            "\n".join([f"These settings of {name} are not saved:", *lines[:MOST_CHANGES], *more]),
            (("save", "save them"), ("discard", "discard them"), (STAY, "keep editing")),
            "save",
        )
