"""A setting is found by words of its name, its help or its value, and by its initials."""

from __future__ import annotations

import pytest

from tests.ui.made import preset
from workbench.ui.form.draft import Draft
from workbench.ui.form.search import best_match, found

ROWS = Draft(preset()).rows()


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("batch size", "data.batch_size"),
        ("lr", "optimizer.learning_rate"),
        ("learning", "optimizer.learning_rate"),
        ("gradient_clip", "training.gradient_clip_norm"),
        ("adam", "optimizer"),
    ],
)
def test_the_best_match_is_the_setting_that_is_meant(typed: str, path: str) -> None:
    row = best_match(ROWS, typed.split())
    assert row is not None
    assert row.path == path


def test_every_word_must_be_found() -> None:
    both = found(ROWS, ["learning", "rate"])
    assert "optimizer.learning_rate" in [row.path for row in both]
    assert all("learning" in f"{row.label} {row.path} {row.help} {row.value}".lower() for row in both)
    assert found(ROWS, ["learning", "xylophone"]) == []
    assert best_match(ROWS, ["xylophone"]) is None
