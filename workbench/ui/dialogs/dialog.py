"""The base of all dialogs: a bordered box in the middle, a title, and a line of the keys that close it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.ui.keys.app_actions import app_bindings
from workbench.ui.keys.copying import Copied
from workbench.ui.keys.key_names import key_name
from workbench.ui.panels.lines import GAPS, KeysLine, fitting_dialog_keys
from workbench.ui.panels.panel import EDGE_CELLS

Result = TypeVar("Result")
BORDER_CELLS = 3
"""Cells between the keys in the lower border and the box's right edge."""


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A dialog; escape always closes it and changes nothing."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog > #box {
        width: 84;
        max-width: 100%;
        height: auto;
        max-height: 94%;
        border: round $accent;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $dim;
        background: $surface;
        padding: 0 1;
    }
    Dialog > #box > * { height: auto; }
    Dialog Static { width: 1fr; }
    Dialog .dim { color: $dim; }
    Dialog .error { color: $error; }
    Dialog .warning { color: $warning; }
    Dialog Input {
        border: none;
        height: 1;
        padding: 0 1;
        background: $panel;
        width: 1fr;
    }
    Dialog Input:focus { border: none; background: $cursor-line; }
    Dialog OptionList {
        border: none;
        padding: 0;
        background: $surface;
        max-height: 16;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    Dialog OptionList:focus { border: none; }
    Dialog OptionList > .option-list--option-highlighted { background: $cursor-line; text-style: $chosen; }
    Dialog OptionList:focus > .option-list--option-highlighted {
        background: $cursor-line; color: $foreground; text-style: $chosen;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", show=True),
        *app_bindings("app."),
    ]

    title_text = ""
    """The text in the upper border."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Text(self.title_text).markup
            yield from self.body()

    def body(self) -> Iterable[Widget]:
        """The content of the box."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """For dialogs to extend."""

    def on_resize(self) -> None:
        """Shows the keys for which there is room, once the box has its size."""
        self.call_after_refresh(self.renew_keys)

    def shown_keys(self) -> list[tuple[str, str]]:
        """The keys of the dialog that are shown, from its bindings; its own labels replace inherited ones."""
        seen: dict[str, str] = {}
        for binding in self._shown_bindings():
            if (key := _key_of(binding)) not in seen.values():
                seen.setdefault(binding.description, key)
        return [(key, label) for label, key in seen.items()]

    def renew_keys(self) -> None:
        """Shows other keys, in the lower border and in the line of keys below."""
        self.query_one("#box").border_subtitle = self._keys_text()
        for line in (line for screen in self.app.screen_stack for line in screen.query(KeysLine)):
            line.redraw()

    def _keys_text(self) -> str:
        """The keys for which the lower border has room, as markup."""
        room = self.query_one("#box").outer_size.width - EDGE_CELLS
        kept = fitting_dialog_keys(self.shown_keys(), room + GAPS - 1)
        return Text("  ".join(f"{each.key} {each.label}" for each in kept)).markup

    def _shown_bindings(self) -> list[Binding]:
        found = [item for owner in type(self).__mro__ for item in owner.__dict__.get("BINDINGS", [])]
        return [item for item in found if item.show and self.check_action(item.action, ())]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key, in the lower border or in the line of keys below, does what the key does."""
        clicked = self._key_in_border(event) or self._key_below(event)
        for binding in self._shown_bindings():
            if clicked == _key_of(binding):
                await self.run_action(binding.action)
                return

    def _key_in_border(self, event: events.Click) -> str:
        box = self.query_one("#box")
        keys = Text.from_markup(str(box.border_subtitle or "")).plain
        x = event.screen_x - (box.region.right - BORDER_CELLS - len(keys))
        if event.screen_y != box.region.bottom - 1 or not 0 <= x < len(keys):
            return ""
        return keys[keys.rfind("  ", 0, x + 1) + 1 :].split()[0]

    def _key_below(self, event: events.Click) -> str:
        """Of a line of keys on a screen below, which gets no clicks while the dialog is open."""
        for line in (line for screen in self.app.screen_stack for line in screen.query(KeysLine)):
            if line.region.contains(event.screen_x, event.screen_y):
                return line.key_at(event.screen_x - line.region.x)
        return ""

    def copyable(self) -> Copied | None:
        """What is copied of a dialog: its text, as it stands on the screen."""
        inside = self.query_one("#box").content_region
        strips = self._compositor.render_strips()[inside.y : inside.bottom]
        lines = [strip.crop(inside.x, inside.right).text.rstrip() for strip in strips]
        return Copied("the text of the dialog", "\n".join(lines).strip("\n"))

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Closes the dialog, once: what is left of a key that is held down must not close the screen below too."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def action_cancel(self) -> None:
        """Closes the dialog without an answer."""
        self.dismiss(None)


def _key_of(binding: Binding) -> str:
    return key_name(binding.key.split(",")[0])


def plain(text: str | Text, *, id: str | None = None, classes: str | None = None) -> Static:
    """A text whose brackets are shown, not read as markup."""
    return Static(text, id=id, classes=classes, markup=False)


def options(rows: Iterable[tuple[str, Text | str]], id: str = "choices") -> OptionList:
    """A list to choose from: (id, what is shown)."""
    return OptionList(*(Option(Text(row) if isinstance(row, str) else row, id=key) for key, row in rows), id=id)
