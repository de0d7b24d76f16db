"""What a script cannot do, each with its reason, known before any data is read."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.recorded import Recorded
from workbench.settings.data import Csv, ModuleData
from workbench.settings.model import ModuleModel
from workbench.settings.preset import Preset


def refuse(preset: Preset, recorded: Recorded) -> None:
    """Raises UsageError where no script can train the same as the run."""
    if reason := why_not(preset, recorded):
        raise UsageError(f"--to script cannot {reason}")


def why_not(preset: Preset, recorded: Recorded) -> str:
    """Why there can be no script; empty where there can be one."""
    prepared = recorded.prepared
    own = [choice for choice in (preset.data, preset.model) if isinstance(choice, ModuleData | ModuleModel)]
    if prepared is None or not recorded.losses:
        return "compare the script with the run, because the run has trained no step yet"
    if isinstance(preset.data, Csv) and preset.data.fills_gaps:
        return f'fill in missing values as data.missing = "{preset.data.missing}" does'
    if own:
        return f"take {own[0].function} along, because that is code of your own; the rest of a script is soon written"
    if prepared.data_loading == "dataloader":
        return "read samples one by one as the run did, because the script holds all of them in memory"
    if preset.runtime.precision != "float32":
        return f'compute in {preset.runtime.precision} as the run did; train it with runtime.precision = "float32"'
    return ""
