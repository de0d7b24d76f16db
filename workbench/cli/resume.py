"""`workbench resume RUN`: continues a run from its last checkpoint."""

from __future__ import annotations

from workbench.cli import parameters
from workbench.cli.command_line import CommandLine
from workbench.cli.exit_codes import end_with
from workbench.cli.hand_over import hand_over


def resume(
    run: parameters.RunName,
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    runs_dir: parameters.RunsDir = None,
    trust_code: parameters.TrustCode = False,
    profile: parameters.Profile = None,
) -> None:
    """Resume a run from its last checkpoint; the same as `workbench --resume RUN`."""
    end_with(
        lambda: hand_over(
            CommandLine(
                resume=run,
                json_output=json_output,
                quiet=quiet,
                runs_dir=runs_dir,
                trust_code=trust_code,
                profile=profile,
            )
        )
    )
