"""The question whether a preset's own code may run."""

from __future__ import annotations

from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.ui.controllers.host import Host


async def is_trusted(preset: Preset, host: Host) -> bool:
    """Asks before a preset's own code runs. Raises WorkbenchError if the code cannot be found."""
    from workbench.ui.dialogs.question import STAY, QuestionDialog

    for reference, arguments in preset.code_calls():
        if code.is_trusted(reference):
            continue
        text = f"The preset runs code of its own: {code.description(reference, arguments)}. Have you read it?"
        choices = (("yes", "yes, trust it until one of these files changes"), (STAY, "no"))
        if await host.ask(QuestionDialog("run this code?", text, choices, STAY)) != "yes":
            return False
        code.trust(reference)
    return True
