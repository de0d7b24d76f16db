"""What decides how the data of a preset is read."""

from __future__ import annotations

import json

from workbench.settings.preset import Preset


def key_of(preset: Preset) -> str:
    """What decides how the data is read: its own settings, how it is split, and the model, which may take ids."""
    return json.dumps(
        [
            preset.data.model_dump(mode="json", exclude={"batch_size", "drop_last"}),
            preset.validation.model_dump(mode="json"),
            preset.model.label(),
        ]
    )
