"""A panel of the Judge screen that shows a part of its page."""

from __future__ import annotations

from workbench.ui.keys.copying import Copied
from workbench.ui.panels.panel import Panel


class JudgePanel(Panel):
    """Leaves it to the screen what is copied: the numbers of the whole page, as a table."""

    def copyable(self) -> Copied | None:
        return None
