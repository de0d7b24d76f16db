"""What the dialogs that measure a setting share: the process behind them, its progress, and how it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.processes.measuring import Progress
from workbench.ui.dialogs.dialog import Dialog
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.bars import thin_bar

Result = TypeVar("Result")
Report = Callable[[Any], None]
"""Called with each message of the process."""
Measure = Callable[[Report], Awaitable[None]]
"""Measures, and reports; raises WorkbenchError. Cancelled, it ends its process."""

POLL_SECONDS = 1.0
BAR_CELLS = 30


class MeasuringDialog(Dialog[Result]):
    """Measures while it is open. Closing it ends the process."""

    app: StyledApp
    DEFAULT_CSS = """
    MeasuringDialog > #box { width: 110; height: 92%; max-height: 40; }
    MeasuringDialog > #box > #picture { height: 1fr; min-height: 4; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "take", show=True),
        Binding("left,up", "select(-1)", show=False),
        Binding("right,down", "select(1)", show=False),
    ]

    def __init__(self, measure: Measure) -> None:
        super().__init__()
        self._measure = measure
        self._progress = Progress("importing PyTorch")
        self._seconds = 0
        self.is_done = False
        """Whether the answer is there, or the failure."""
        self.failure = ""

    # A subclass says what it shows.

    def take_message(self, message: Any) -> None:
        """Takes a message of the process that is no progress."""
        raise NotImplementedError

    def show_picture(self) -> None:
        """Shows what is known so far in #picture and #about."""
        raise NotImplementedError

    def found(self) -> list[Text]:
        """The lines below the picture, once the answer is there."""
        raise NotImplementedError

    @property
    def can_take(self) -> bool:
        """Whether a value is selected."""
        raise NotImplementedError

    # Measuring.

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(POLL_SECONDS, self._another_second)
        self.show_all()
        self.start()

    def start(self) -> None:
        """Starts the process, which is ended with the dialog."""
        self._seconds = 0
        self._run()

    @work(exclusive=True)
    async def _run(self) -> None:
        try:
            await self._measure(self._report)
        except WorkbenchError as error:
            self.failure = str(error)
        self.is_done = True
        self.show_all()

    def _report(self, message: Any) -> None:
        if isinstance(message, Progress):
            self._progress = message
            self._show_below()
        else:
            self.take_message(message)
            self.show_all()

    def _another_second(self) -> None:
        self._seconds += 1
        if not self.is_done:
            self._show_below()

    # What is shown.

    def show_all(self) -> None:
        """Shows everything again."""
        self.show_picture()
        self._show_below()
        self.renew_keys()

    def _show_below(self) -> None:
        below = self.query_one("#below", Static)
        below.set_class(bool(self.failure), "error")
        if self.failure:
            below.update(Text(f"{self.app.glyphs.wrong} {self.failure}"))
        else:
            below.update(Text("\n").join(self.found() if self.is_done else [self._doing()]))

    def _doing(self) -> Text:
        progress, glyphs, palette = self._progress, self.app.glyphs, self.app.palette
        text = Text(f"{progress.doing} {glyphs.ellipsis} {self._seconds} s")
        if not progress.total:
            return text
        bar = thin_bar(progress.done / progress.total, BAR_CELLS, glyphs, palette["train"], palette["line"])
        return Text.assemble(bar, "  ", text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.can_take if action == "take" else super().check_action(action, parameters)
