"""What a standby worker knows of a run before it trains it; tests/end_to_end/test_standby.py has the process itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.processes.standby import Order
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.training.processes.standby import _preset_of


@pytest.mark.parametrize("older", [False, True])
def test_the_code_of_the_users_is_known_also_where_the_run_is_older_than_a_settings_name(
    tmp_path: Path, older: bool
) -> None:
    """After such a run the process starts itself anew."""
    preset = Preset().override(["model.name=module", "model.function=mine:model", "runtime.deterministic=true"])
    text = preset.to_toml()
    run = create_run(tmp_path, "own", text.replace("gradient_clip_norm", "clip_norm") if older else text)
    assert ("\nclip_norm" in run.preset.read_text()) == older
    found = _preset_of(Order(str(run.path), str(tmp_path), {}))
    assert found == preset
    assert found.code_references()
