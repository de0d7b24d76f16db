"""Every preset survives TOML, and every mutation of a preset's text gets a short message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.settings.strategies import presets
from workbench.errors import PresetError
from workbench.settings.library import shipped_folder
from workbench.settings.preset import Preset

SHIPPED = sorted(shipped_folder().glob("*.toml"))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(presets())
def test_any_valid_preset_survives_saving_and_loading(values: dict[str, Any]) -> None:
    preset = Preset.from_toml(tomli_w.dumps(values), "generated")
    again = Preset.from_toml(preset.to_toml(), "saved")
    assert again == preset
    assert again.to_toml() == preset.to_toml()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_mutated_preset_gets_a_short_message(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SHIPPED)).read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        text = _mutate(text, data)
    try:
        preset = Preset.from_toml(text, "mutated")
    except PresetError as error:
        assert str(error).startswith("mutated")  # noqa: PT017 - any other exception fails the test
    else:
        assert Preset.from_toml(preset.to_toml(), "saved") == preset


def _mutate(text: str, data: st.DataObject) -> str:
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    replacement = data.draw(
        st.text(max_size=4)
        | st.sampled_from(
            [
                "[",
                "]]",
                '"',
                "=",
                "\n",
                "nan",
                "inf",
                "-1",
                "1e999",
                "true",
                "{}",
                "[[]]",
                "[data]\n",
                "\x00",
                "name = 3\n",
            ]
        )
    )
    return text[:at] + replacement + text[at + length :]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_presets_load_and_have_the_name_of_their_file(path: Path) -> None:
    preset = Preset.load(path)
    assert preset.name == path.stem
    assert preset.description
    assert Preset.from_toml(preset.to_toml(), "saved") == preset
