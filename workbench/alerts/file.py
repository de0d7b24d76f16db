"""Where the settings of alerts are: apart from their code, so that who has none imports nothing."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import StorageError
from workbench.files import is_file, user_folder

VARIABLE = "WORKBENCH_ALERTS"
"""Names another file; empty: no alerts at all."""


def alerts_file() -> Path | None:
    """Where the settings are, whether there are any or not; None: the user wants no alerts. Raises StorageError."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named).expanduser().absolute() if named.strip() else None
    return user_folder("config") / "alerts.toml"


def has_alerts() -> bool:
    """Whether there is anything to read, be it only an error."""
    try:
        path = alerts_file()
    except StorageError:
        return False  # without a home folder nothing can have been set
    return path is not None and (VARIABLE in os.environ or is_file(path))
