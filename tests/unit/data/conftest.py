from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.data.samples import Samples
from workbench.settings.data import Csv


@pytest.fixture
def read_csv(tmp_path: Path) -> Callable[..., Samples]:
    """Reads a text as a CSV file with the given settings."""

    def read(text: str | bytes, target: str = "y", name: str = "data.csv", **settings: Any) -> Samples:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        made: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
        }
        return Csv(file=str(file), target=target, **made).build(lambda progress: None)

    return read
