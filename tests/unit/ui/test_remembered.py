"""What the app remembers between starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.ui.live.remembered import Remembered


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_filters_and_columns_are_written_at_once_beside_what_another_app_has_written() -> None:
    first, second = Remembered.load(), Remembered.load()
    first.remember_run_filter("night", "tag:night")
    second.remember_run_filter("done", "status:completed")
    second.remember_run_columns(["state", "setting:optimizer.name"])
    latest = Remembered.load()
    assert latest.run_filters == {"done": "status:completed", "night": "tag:night"} == second.run_filters
    assert latest.run_columns == ["state", "setting:optimizer.name"]
    second.remember_run_filter("night", "")
    assert Remembered.load().run_filters == {"done": "status:completed"}


def test_what_is_no_filter_or_column_is_left_out() -> None:
    Remembered.path().parent.mkdir(parents=True)
    Remembered.path().write_text('run_columns = ["best", 3]\nsmoothing = 0.25\n[run_filters]\na = "b"\nc = 1\n')
    remembered = Remembered.load()
    assert (remembered.run_columns, remembered.run_filters, remembered.smoothing) == (["best"], {"a": "b"}, 0.25)


@pytest.mark.parametrize("name", ["charts", "log_unlike", "recent", "run_columns"])
def test_what_is_no_text_in_a_list_is_left_out(name: str) -> None:
    Remembered.path().parent.mkdir(parents=True)
    Remembered.path().write_text(f'{name} = ["loss", 3, ["a"]]\n')
    assert getattr(Remembered.load(), name) == ["loss"]
