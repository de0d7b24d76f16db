"""The question before something is trained or measured beside a study."""

from __future__ import annotations

from typing import Any, Literal

from workbench.ui.dialogs.question import QuestionDialog

BesideAnswer = Literal["show", "beside"]


class BesideStudyDialog(QuestionDialog):
    """Dismisses with show, beside, or None to do neither; the default shows the study."""

    ANSWERS: dict[str, BesideAnswer] = {"T": "show", "b": "beside"}

    def __init__(self, name: str, counted: str) -> None:
        """counted: how many trials the study has, and how they stand; empty before the first."""
        so_far = f" ({counted})" if counted else ""
        super().__init__(
            "a study is being trained",
            f"The study {name} is being trained{so_far}. On the same cores or GPU, each slows the other, often many "
            "times.",
            (("T", "show the study: space there pauses it, x stops it"), ("b", "train beside it")),
            "T",
        )

    def dismiss(self, result: str | None = None) -> Any:
        """The answer in a word."""
        return super().dismiss(self.ANSWERS.get(result or ""))
