"""How the Judge screen looks: what a matrix with shaded cells and a gallery, and what a fit with its residuals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import settled
from tests.ui.made_judge import NUMBERS, NUMBERS_JUDGED, judging_process
from tests.ui.test_judge import judged_app, opened, settle, trained_on_numbers
from tests.ui.test_runs_live import until


def test_a_matrix_is_shaded_and_its_cell_has_a_gallery(
    snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)

    async def judge(pilot: Pilot[None]) -> None:
        await settled(pilot)
        screen = await opened(pilot)
        await until(pilot, lambda: screen._judging.known.samples != {} and screen._judging.progress is None)
        await settle(pilot)

    assert snap_compare(judged_app(tmp_path), terminal_size=(120, 36), run_before=judge)


def test_a_fit_has_its_points_and_a_histogram_of_residuals(
    snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path, NUMBERS_JUDGED, worst=NUMBERS)

    async def judge(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await opened(pilot)

    app = trained_on_numbers(tmp_path, theme="workbench-light")
    assert snap_compare(app, terminal_size=(120, 36), run_before=judge)
