"""Completions for a value being typed: files, folders, and the columns of the data's table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from workbench.errors import WorkbenchError
from workbench.ui.form import completion
from workbench.ui.form.column_reader import Column, ColumnReader
from workbench.ui.form.completion import Candidate
from workbench.ui.form.draft import Draft
from workbench.ui.form.rows import Row
from workbench.ui.panels.settings_completion import CompletedField
from workbench.ui.panels.settings_editor import Leave, ValueField

FILE, DELIMITER = "data.file", "data.delimiter"


class Offers:
    """Makes the field in which a setting's value is typed."""

    def __init__(self) -> None:
        self.reader = ColumnReader()
        self._columns: list[Column] = []
        """Of the file, while a setting that names some of them is edited."""

    def field(self, row: Row, leave: Leave) -> ValueField:
        """Makes a field for a value, with its completions."""
        match row.completes:
            case "file" | "folder":
                return CompletedField(row.typed, leave, partial(_paths, kind=row.completes), row.empty)
            case "column" | "columns":
                self._columns = []
                offer = partial(self._some_columns, several=row.completes == "columns")
                return CompletedField(row.typed, leave, offer, row.empty)
            case "examples":
                return CompletedField(row.typed, leave, partial(_examples, known=row.examples), row.empty)
        return ValueField(row.typed, leave, row.empty)

    async def read_columns(self, draft: Draft, say: Callable[[str], None]) -> None:
        """Reads the columns of the file, in a process; say: takes the sentence to show while there are none."""
        file = draft.value_of(FILE)
        if not file:
            say(f"set {FILE} first: its columns are then listed here")
            return
        say(f"reading the columns of {file} ...")
        try:
            self._columns = await self.reader.read(file, draft.value_of(DELIMITER) or "auto")
        except WorkbenchError as error:
            say(str(error))
        else:
            say("no column of that name")

    def _some_columns(self, text: str, has_typed: bool, *, several: bool) -> tuple[list[Candidate], bool]:
        """The columns that match what is typed; enter completes a column that the user began to type."""
        if not has_typed:
            text = f"{text}, " if several and text else ""
        entry = completion.entry_of(text, several=several)
        is_begun = bool(entry) and entry not in [name for name, _ in self._columns]
        return completion.columns(text, self._columns, several=several), is_begun


def _paths(text: str, has_typed: bool, *, kind: str) -> tuple[list[Candidate], bool]:
    """The files and folders beside the present one, or those that match what is typed; enter takes what is typed."""
    folder = text[: text.rfind(os.sep) + 1]
    return completion.paths(text if has_typed else folder, only_folders=kind == "folder"), False


def _examples(text: str, has_typed: bool, *, known: Sequence[str]) -> tuple[list[Candidate], bool]:
    """Usual values, all of them until the user types; enter takes what is typed."""
    return completion.examples(text if has_typed else "", known), False
