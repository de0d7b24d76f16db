"""The columns of the table of runs; those with results are in `runs_results`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any

from workbench.runs.row import RunRow
from workbench.runs.run_conditions import is_number
from workbench.settings.run_keys import labels_of_settings, sortable
from workbench.ui.form.parsing import shown
from workbench.ui.live.readings import short_name as short_device
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.bars import curve_line
from workbench.ui.panels.runs_column import NOTHING, Column, Parts
from workbench.ui.panels.runs_results import result_columns
from workbench.ui.panels.runs_shown import EPOCHS, ShownRuns, name_of, setting_value, state_of, tags_of
from workbench.ui.panels.top_bar import STATE_STYLES
from workbench.units import count, duration

SETTING = "setting:"
"""How the key of a column begins that shows a setting."""
PLANNED = "planned epochs"
"""The title of a setting that is called epochs: the epochs done have a column of that title."""
ALWAYS = ("mark", "state", "run")
OWN_STYLES = {"running": "good", "broken": "error"}
STATE_CELLS, TIME_CELLS, CURVE_CELLS, DATE_CELLS = 11, 9, 10, (11, 16)
RUN_CELLS, TAG_CELLS, SETTING_CELLS, CHANGED_CELLS = (10, 22), (8, 24), (5, 16), (28, 64)
SETTING_RANKS = (8.9, 7.9, 7.5, 6.9, 6.4, 5.5, 4.5, 3.5)
"""Of the settings that differ, in their order: the first few matter more than the test and the time."""


def automatic(runs: ShownRuns) -> list[str]:
    """The keys of the columns that are shown unless others are chosen: the settings that differ, and the results."""
    return [
        *ALWAYS,
        *(["tags"] if any(row.tags for row in runs.rows) else []),
        *(["note"] if any(row.note for row in runs.rows) else []),
        *[f"{SETTING}{path}" for path in runs.differing if path != EPOCHS][: len(SETTING_RANKS)],
        "changed",
        "best",
        *(["base"] if runs.base is not None else []),
        "test",
        "curve",
        "epochs",
        "time",
        *(["device"] if len({row.device for row in runs.rows if row.device}) > 1 else []),
        "started",
    ]


def all_columns(
    runs: ShownRuns, glyphs: Glyphs, mark_of: Callable[[RunRow], Parts], *, is_grouped: bool = False
) -> list[Column]:
    """All columns that there are for these runs, in order. mark_of: the letter of a marked run."""
    labels = labels_of_settings(runs.differing)
    labels |= {path: PLANNED for path, label in labels.items() if label == "epochs"}
    return [
        Column("mark", "", lambda row, _: mark_of(row), 1, 10.0),
        _state(glyphs),
        _run(runs, glyphs),
        _words("tags", tags_of, "accent", runs, 5.0),
        _words("note", lambda row: row.note, "text", runs, 3.5),
        *(_setting(path, label, place, runs) for place, (path, label) in enumerate(labels.items())),
        _changed(runs),
        *result_columns(runs, glyphs, is_grouped=is_grouped),
        Column("curve", "curve", lambda row, cells: _curve(runs, glyphs, row, cells), CURVE_CELLS, 6.5),
        _epochs(runs),
        _time(),
        _named("device", lambda row: short_device(row.device), runs),
        _named("study", lambda row: row.study or "", runs),
        _started(),
    ]


def epochs_of(row: RunRow) -> str:
    """Epochs done and planned; only those done, where a loop of the user's own does not tell how many it plans."""
    if row.epoch and not row.epochs:
        return count(row.epoch)
    return f"{count(row.epoch)}/{count(row.epochs)}"


def _state(glyphs: Glyphs) -> Column:
    def parts(row: RunRow, _: int) -> Parts:
        state = state_of(row)
        glyph = glyphs.wrong if state in ("failed", "lost", "broken") else glyphs.state
        return (glyph, OWN_STYLES.get(state) or STATE_STYLES.get(state, "dim")), (f" {state}", "text")

    return Column("state", "state", parts, STATE_CELLS, 10.0, sort_key=state_of, descending=False)


def _run(runs: ShownRuns, glyphs: Glyphs) -> Column:
    def parts(row: RunRow, _: int) -> Parts:
        pin = (f"{glyphs.pinned} ", "accent") if row.pinned else ("", "")
        return pin, (name_of(row), "text")

    least, most = RUN_CELLS
    pinned_cells = 2 if any(row.pinned for row in runs.rows) else 0
    needed = min(max((len(name_of(row)) for row in runs.rows), default=0) + pinned_cells, most)
    return Column("run", "run", parts, least, 10.0, needed, sort_key=lambda row: name_of(row) or None, descending=False)


def _words(key: str, text_of: Callable[[RunRow], str], style: str, runs: ShownRuns, rank: float) -> Column:
    """Tags or notes."""
    least, most = TAG_CELLS
    needed = min(max((len(text_of(row)) for row in runs.rows), default=0), most)
    return Column(key, key, lambda row, _: ((text_of(row), style),), least, rank, needed)


def _named(key: str, text_of: Callable[[RunRow], str], runs: ShownRuns) -> Column:
    """A column of names by which runs can be sorted."""
    least, most = TAG_CELLS
    needed = min(max((len(text_of(row)) for row in runs.rows), default=0), most)
    return Column(
        key, key, lambda row, _: ((text_of(row) or "-", "dim"),), least, 4.0, needed,
        sort_key=lambda row: text_of(row) or None, descending=False,
    )  # fmt: skip


def _setting(path: str, title: str, place: int, runs: ShownRuns) -> Column:
    """place: among the settings that differ, the most telling first."""
    found = distinct(setting_value(row, path) for row in runs.rows)
    least, most = SETTING_CELLS
    widest = max(len(setting_text(value)) for value in found)
    wanted = min(max(widest, len(title)), most)

    def summary(rows: Sequence[RunRow]) -> str:
        values = distinct(setting_value(row, path) for row in rows)
        return setting_text(values[0]) if len(values) == 1 else ""

    return Column(
        f"{SETTING}{path}",
        title,
        lambda row, _: ((setting_text(setting_value(row, path)), "text"),),
        max(wanted, least),
        SETTING_RANKS[min(place, len(SETTING_RANKS) - 1)],
        sort_key=lambda row: sortable(setting_value(row, path)),
        descending=False,
        at_right=all(value is None or is_number(value) for value in found),
        summary=summary,
    )


def setting_text(value: object) -> str:
    """A setting's value in a cell."""
    return "" if value is None else shown(value)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values without repetitions; settings may be tables, which cannot be hashed."""
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(repr(value) if isinstance(value, tuple | bool) else value, value)
    return list(found.values())


def _changed(runs: ShownRuns) -> Column:
    """How a run differs from the preset of its name; what is wrong with a broken one."""

    def parts(row: RunRow, _: int) -> Parts:
        return ((row.reason, "error"),) if row.broken else ((runs.changes_in_words(row), "dim"),)

    least, most = CHANGED_CELLS
    return Column("changed", "changed", parts, least, 3.0, most, name="changed from its preset")


def _curve(runs: ShownRuns, glyphs: Glyphs, row: RunRow, cells: int) -> Parts:
    style = "validation" if runs.best_beside(row) is row else "dim"  # bright blocks would be all there is to see
    return ((curve_line(runs.curves.get(row.run.name, ()), cells, glyphs), style),)


def _epochs(runs: ShownRuns) -> Column:
    rows = [*runs.rows, *([] if runs.base is None else [runs.base])]
    most = max((row.epoch for row in rows), default=0), max((row.epochs for row in rows), default=0)
    needed = len("/".join(map(count, most)))
    return Column(
        "epochs", "epochs", lambda row, _: ((epochs_of(row), "dim"),), max(needed, 7), 4.0,
        sort_key=lambda row: row.epoch, at_right=True,
    )  # fmt: skip


def _time() -> Column:
    def mean(rows: Sequence[RunRow]) -> str:
        known = [row.seconds for row in rows if row.seconds is not None]
        return duration(fmean(known)) if known else ""

    return Column(
        "time", "time", lambda row, _: NOTHING if row.seconds is None else ((duration(row.seconds), "dim"),),
        TIME_CELLS, 5.0, sort_key=lambda row: row.seconds, at_right=True, summary=mean,
    )  # fmt: skip


def _started() -> Column:
    def parts(row: RunRow, cells: int) -> Parts:
        text = "-" if row.started is None else f"{row.started.astimezone():%Y-%m-%d %H:%M}"
        return ((text if len(text) <= cells else text[5:], "dim"),)

    least, whole = DATE_CELLS
    return Column("started", "started", parts, least, 8.0, whole, sort_key=lambda row: row.started, is_whole=True)
