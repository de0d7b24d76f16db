"""What the app remembers between starts: theme, layout, view of the charts, the preset last opened."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError
from workbench.files import user_folder


@dataclass
class Remembered:
    """The user's habits; what cannot be read has its value of the first start."""

    theme: str = ""
    """The theme; empty: the app chooses by the terminal."""
    page: str = "settings"
    """The page of a small screen; on a larger one, what is below the charts."""
    chart_count: int = 2
    """How many charts are shown at once, where there is room."""
    charts: list[str] = field(default_factory=list)
    """The quantities that are shown first, by their ids; empty: the usual ones."""
    smoothing: float = 0.6
    log: bool = False
    log_unlike: list[str] = field(default_factory=list)
    """Titles of charts whose scale is the other one."""
    all_values: bool = False
    """Whether the y axes of charts hold outliers too."""
    x_axis: str = "step"
    preset: str = ""
    """Path of the preset last opened."""
    run_columns: list[str] = field(default_factory=list)
    """The columns chosen for the table of runs; none: it chooses them itself."""
    run_filters: dict[str, str] = field(default_factory=dict)
    """Saved filters of the table of runs, by name."""
    recent: list[str] = field(default_factory=list)
    """Titles of the actions that were chosen in the palette, the last first."""

    @staticmethod
    def path() -> Path:
        """The file: in the user's folder of state. Raises StorageError where the user has no home folder."""
        return user_folder("state") / "app.toml"

    @classmethod
    def load(cls) -> Remembered:
        """What was remembered; defaults for what is missing, or of a wrong type."""
        try:
            values: dict[str, Any] = tomllib.loads(cls.path().read_text(encoding="utf-8"))
        except (OSError, StorageError, ValueError, RecursionError):
            return cls()
        remembered = cls()
        for each in fields(cls):
            if type(values.get(each.name)) is type(getattr(remembered, each.name)):
                setattr(remembered, each.name, _with_texts_only(values[each.name]))
        return remembered

    def save(self) -> None:
        """Writes the file; on a full disk only the habits are lost."""
        with suppress(StorageError):
            write_text_atomically(self.path(), tomli_w.dumps(asdict(self)))

    def remember_preset(self, path: Path | None) -> None:
        """Writes down at once which preset was opened, in case the app is killed. None: the preset has no file."""
        if path is not None:
            self._remember(preset=str(path.absolute()))

    def remember_run_columns(self, keys: list[str]) -> None:
        """Writes down at once which columns the table of runs shows."""
        self._remember(run_columns=keys)

    def remember_run_filter(self, name: str, text: str) -> None:
        """Writes down at once a filter of the table of runs; an empty text deletes the one of that name."""
        filters = self.load().run_filters | {name: text}
        self._remember(run_filters={each: filters[each] for each in sorted(filters) if filters[each]})

    def _remember(self, **habits: Any) -> None:
        latest = self.load()  # another app may have changed the rest since
        for each in (self, latest):
            for name, value in habits.items():
                setattr(each, name, value)
        latest.save()


def _with_texts_only(value: Any) -> Any:
    """A list or a dict without what is no text; any other value as it is."""
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)]
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if isinstance(each, str)}
    return value
