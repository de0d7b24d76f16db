"""Settings in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.settings.toml_text import toml


def described(settings: Mapping[str, Any]) -> str:
    """Settings in a line, such as `optimizer.name=adam, optimizer.learning_rate=0.001`."""
    return ", ".join(f"{path}={_written(value)}" for path, value in settings.items())


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else toml(value)


def differing(settings: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not as in the base, and those that it lacks."""
    missing = object()
    return {path: value for path, value in settings.items() if base.get(path, missing) != value}
