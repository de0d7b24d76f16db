"""`workbench alerts test`: sends an alert in every way that is set."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.exit_codes import end_with


def test(
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,  # noqa: PT028
) -> None:
    """Send a test alert in every way that is set, and say what worked."""

    def run() -> int:
        from workbench.headless.alerts import try_alerts

        return try_alerts(json_output=json_output)

    end_with(run)
