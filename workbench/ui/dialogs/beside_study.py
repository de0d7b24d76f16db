"""The question before something is trained or measured beside a study."""

from __future__ import annotations

from workbench.ui.dialogs.question import QuestionDialog


class BesideStudyDialog(QuestionDialog):
    """Dismisses with tune (show the study), start (train beside it), or None to do neither; the default shows it."""

    def __init__(self, name: str, counted: str) -> None:
        """counted: how many trials the study has, and how they stand; empty before the first."""
        so_far = f" ({counted})" if counted else ""
        super().__init__(
            "a study is running",
            f"The study {name} is running{so_far}. On the same cores or GPU they slow each other down, often "
            "several times.",
            (("tune", "show the study: space there pauses it, x stops it"), ("start", "train beside it")),
            "tune",
        )
