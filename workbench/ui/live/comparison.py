"""A comparison of settings before it begins: the change in words, and the expected time."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.advice.finding import Finding
from workbench.processes.comparison import MOST_SECONDS
from workbench.runs.view import RunView
from workbench.settings.preset import Preset
from workbench.settings.run_keys import short_name
from workbench.settings.toml_text import from_toml, toml
from workbench.ui.form.parsing import wording

START_SECONDS = 5.0
"""Time for the comparison's process to import PyTorch and read the data, on two busy cores."""
SPEED_SECONDS = 6.0
"""Time to compare two speeds once both settings are prepared, warm-up included."""


def change_in_words(change: Sequence[str]) -> str:
    """Settings as people call them: "batch size 512, optimizer adamw"."""
    return ", ".join(_setting_in_words(assignment) for assignment in change)


def _setting_in_words(assignment: str) -> str:
    path, _, value = assignment.partition("=")
    return f"{wording(short_name(path.strip()))} {wording(from_toml(value.strip()))}"


def present_in_words(present: Preset, change: Sequence[str]) -> str:
    """The values that the settings of a change have now."""
    flat = present.flat()
    paths = [assignment.partition("=")[0].strip() for assignment in change]
    return change_in_words([f"{path}={toml(flat[path])}" for path in paths if path in flat])


def expected_seconds(finding: Finding, view: RunView) -> float | None:
    """Estimates from the run itself how long a comparison will take; None if that is unknown.

    Both settings are prepared as the run was. Then they train for some seconds, or for the finding's number of steps.
    """
    if view.prepared is None or finding.measure is None:
        return None
    preparing = START_SECONDS + 2 * view.prepared.seconds
    if finding.measure in ("speed", "memory"):
        return preparing + SPEED_SECONDS
    if finding.steps is None or view.timing is None or view.timing.steps_per_second <= 0:
        return None
    return preparing + min(2 * finding.steps / view.timing.steps_per_second, MOST_SECONDS)
