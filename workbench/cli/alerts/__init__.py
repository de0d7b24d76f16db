"""`workbench alerts`: shows the settings of alerts. Its subcommand test is a file beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.exit_codes import end_with


def alerts(
    json_output: Annotated[bool, typer.Option("--json", help="Print the settings as one JSON object.")] = False,
) -> None:
    """Show which alerts are sent when a run or a study ends, fails, stalls or meets a target, and where to set them.

    They are set in alerts.toml in your config folder, or in the file that WORKBENCH_ALERTS names, for all runs.
    """

    def run() -> int:
        from workbench.headless.alerts import show_alerts

        return show_alerts(json_output=json_output)

    end_with(run)
