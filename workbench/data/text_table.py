"""Reads texts and what to predict of them from a table: CSV, TSV or JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from workbench.data.column_names import check_names
from workbench.data.columns import Formats
from workbench.data.fit_tokens import Tokens, fit_texts
from workbench.data.groups import group_numbers
from workbench.data.missing import without_missing
from workbench.data.readers.texts import TextReader
from workbench.data.samples import Samples, Texts
from workbench.data.target import targets
from workbench.data.text_rows import read_text_rows
from workbench.errors import DataError

ENOUGH_TEXTS, MANY_REPEATED = 30, 0.05
"""With fewer texts, a column may well hold the same one twice; and so may a few of many."""


def text_table(
    file: Path,
    text: str,
    target: str,
    group: str,
    task: Literal["auto", "classification", "regression"],
    delimiter: str,
    encoding: str,
    missing: Literal["error", "drop"],
    missing_values: tuple[str, ...],
    tokens: Tokens,
    max_length: int,
) -> Samples:
    """Reads the columns `text` and `target` of a table, and `group` unless it is empty: rows that belong together.

    A file whose name ends in .jsonl, .ndjson or .json holds an object a line, any other delimited rows with a header.
    task: see `target.targets`; delimiter: see `delimited.read_rows`; missing: what is done with a row without a target
    or group; tokens and max_length: see `fit_tokens`.

    Raises DataError, with file, line and column, for anything that cannot be trained on; PresetError for settings that
    do not fit together.
    """
    rows = read_text_rows(file, delimiter, encoding)
    notes = list(rows.notes)
    if not rows.values:
        raise DataError(f"{file} has no rows below its header")
    grouped = (group,) if group else ()
    check_names(rows, {"data.text": (text,), "data.target": (target,), "data.group": grouped})
    rows, left_out = without_missing(rows, list(grouped), target, missing, missing_values, ignorable=False)
    notes += [left_out] if left_out else []
    predicted, found_task, target_notes = targets(rows, target, task, Formats(rows, [target], "auto", "auto"))
    texts = rows.column(text)
    notes += [*target_notes, *_text_notes(texts, text)]
    return Samples(
        Texts(texts, predicted),
        found_task,
        notes=tuple(notes),
        columns=(text,),
        left_out=left_out,
        origins={"train": rows.origin},
        groups=group_numbers(rows.column(group)) if group else None,
        fit_encoding=partial(fit_texts, tokens=tokens, max_length=max_length),
        reader=TextReader(text, delimiter, encoding),
    )


def _text_notes(texts: Sequence[str], name: str) -> list[str]:
    """Notes on texts that occur more than once."""
    different = len(set(texts))
    notes = []
    if len(texts) >= ENOUGH_TEXTS and different < (1 - MANY_REPEATED) * len(texts):
        found = "text" if different == 1 else "texts"
        notes.append(
            f"column {name!r} has only {different:,} different {found} in {len(texts):,} rows: the same ones may be in "
            "several splits"
        )
    return notes
