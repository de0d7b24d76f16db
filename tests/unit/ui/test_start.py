"""Which preset the app opens, and what it says if the last one cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.made import preset, write_run
from workbench.errors import PresetError
from workbench.ui.start import FIRST_PRESET, _preset_to_open


def test_the_first_start_opens_the_first_preset_and_has_nothing_to_say() -> None:
    opened, path, not_opened = _preset_to_open(None, "", None)
    assert opened.name == FIRST_PRESET
    assert path is not None
    assert not_opened == ""


def test_the_last_preset_is_opened_again(tmp_path: Path) -> None:
    last = tmp_path / "mine.toml"
    preset("mine").save(last)
    opened, path, not_opened = _preset_to_open(None, str(last), None)
    assert (opened.name, path, not_opened) == ("mine", last, "")


def test_a_last_preset_with_an_old_setting_name_is_not_replaced_in_silence(tmp_path: Path) -> None:
    last = tmp_path / "mine.toml"
    last.write_text('name = "mine"\n[data]\nname = "digits"\n[training]\nclip_norm = 1.0\n')
    opened, path, not_opened = _preset_to_open(None, str(last), None)
    assert opened.name == FIRST_PRESET
    assert path is not None
    assert path.stem == FIRST_PRESET
    assert str(last) in not_opened
    assert "training.clip_norm is now called training.gradient_clip_norm" in not_opened


def test_a_last_preset_that_is_gone_is_named(tmp_path: Path) -> None:
    opened, _, not_opened = _preset_to_open(None, str(tmp_path / "gone.toml"), None)
    assert opened.name == FIRST_PRESET
    assert "gone.toml" in not_opened


def test_a_broken_preset_that_is_asked_for_is_refused(tmp_path: Path) -> None:
    asked = tmp_path / "asked.toml"
    asked.write_text("nonsense")
    with pytest.raises(PresetError, match=r"asked\.toml"):
        _preset_to_open(str(asked), "", None)


def test_the_preset_of_the_run_that_is_watched_goes_before_the_last_one(tmp_path: Path) -> None:
    last = tmp_path / "mine.toml"
    preset("mine").save(last)
    run = write_run(tmp_path, "20261124T120000Z-beta-0a1b", ending="completed")
    opened, path, not_opened = _preset_to_open(None, str(last), run)
    assert (opened.name, path, not_opened) == ("beta", None, "")
