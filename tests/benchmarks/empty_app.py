"""The least that a Textual app can be: its first paint is what Python and Textual take by themselves."""

from textual.app import App, ComposeResult
from textual.widgets import Label


class EmptyApp(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        yield Label("batch size")


if __name__ == "__main__":
    EmptyApp().run()
