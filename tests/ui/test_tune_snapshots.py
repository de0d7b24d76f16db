"""How the Tune screen looks, over a study that is made up: clock, events and trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import make_app, settled
from tests.ui.made import HELD
from tests.ui.made_study import write_folds, write_study
from tests.ui.test_runs_live import until
from workbench.ui.screens.tune import TuneScreen

STUDIES: dict[str, dict[str, Any]] = {
    "searching": {"alive": True},
    "completed": {"finished": "completed"},
    "tied": {"finished": "completed", "tied": (41, 7, 52)},
}
Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    """What a test has claimed is free again."""
    before = set(HELD)
    yield
    for path in set(HELD) - before:
        HELD.pop(path).close()


def compared(
    snap_compare: Compare, tmp_path: Path, how: dict[str, Any], size: tuple[int, int], *keys: str, **app: Any
) -> bool:
    if how:
        write_study(tmp_path / "studies", **how)

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("T")
        # On a small screen there may be no room for the key that loads settings.
        await until(pilot, lambda: isinstance(pilot.app.screen, TuneScreen))
        await pilot.pause(0.6)
        await pilot.press(*keys)
        await pilot.pause(0.3)

    return snap_compare(make_app(tmp_path / "runs", **app), terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize(
    ("study", "size"),
    [("searching", (140, 40)), ("completed", (80, 24)), ("tied", (200, 50))],
    ids=["searching-140x40", "completed-80x24", "tied-200x50"],
)
def test_a_study(snap_compare: Compare, tmp_path: Path, study: str, size: tuple[int, int]) -> None:
    """Curves that race; a list of trials where pages take turns; and candidates that cannot be told apart."""
    assert compared(snap_compare, tmp_path, STUDIES[study], size)


def test_folds_under_way(snap_compare: Compare, tmp_path: Path) -> None:
    """Folds as a table and a band, some of them still to come."""
    write_folds(tmp_path / "studies", ended=3, alive=True)
    assert compared(snap_compare, tmp_path, {}, (140, 40))


def test_folds_together(snap_compare: Compare, tmp_path: Path) -> None:
    """The panel of means, whole."""
    write_folds(tmp_path / "studies")
    assert compared(snap_compare, tmp_path, {}, (140, 40), "4", "m")


def test_no_study(snap_compare: Compare, tmp_path: Path) -> None:
    """What can be searched, before anything is."""
    assert compared(snap_compare, tmp_path, {}, (80, 24))


LOOKS: dict[str, tuple[tuple[int, int], list[str], dict[str, Any]]] = {
    "choices-140x40": ((140, 40), ["left", "down", "down", "down", "down"], {}),
    "curves-maximised-80x24": ((80, 24), ["2", "m"], {}),
    "light-140x40": ((140, 40), [], {"theme": "workbench-light"}),
    "ascii-140x40": ((140, 40), [], {"ascii_only": True}),
}
"""A setting of choices against the result; one panel on a small screen; other colours, and none but ASCII."""


@pytest.mark.parametrize("look", LOOKS)
def test_what_was_looked_at_closely(snap_compare: Compare, tmp_path: Path, look: str) -> None:
    size, keys, app = LOOKS[look]
    assert compared(snap_compare, tmp_path, STUDIES["searching"], size, *keys, **app)
