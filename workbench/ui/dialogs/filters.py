"""The saved filters of the table of runs: one is taken, or deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.ui.dialogs.choose import ChooseOneDialog


class FiltersDialog(ChooseOneDialog):
    """Dismisses with the name of the filter to use."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete", "delete", "delete", show=True, priority=True),
    ]

    def __init__(self, filters: Mapping[str, str], delete: Callable[[str], object]) -> None:
        """filters: by name. delete: forgets one of that name."""
        super().__init__("saved filters", [(name, name, text) for name, text in filters.items()], ())
        self._delete = delete

    def action_delete(self) -> None:
        """Deletes the filter under the cursor."""
        if (choice := self.highlighted) is not None:
            self._delete(choice[0])
            self._choices = [each for each in self._choices if each != choice]
            self._narrow()
