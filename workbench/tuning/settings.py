"""The preset of a trial: the study's, with some settings changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from workbench.settings.preset import Preset


def with_settings(preset: Preset, settings: Mapping[str, Any]) -> Preset:
    """The preset with these values, by path of a setting. Raises PresetError where they do not fit it."""
    return preset.override([assignment(path, value) for path, value in settings.items()])


def assignment(path: str, value: Any) -> str:
    """As --set takes it: `optimizer.learning_rate=0.003`."""
    return f"{path}={tomli_w.dumps({'value': value}).partition('=')[2].strip()}"
