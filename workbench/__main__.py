"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` searches the working folder first: a rich.py in it must not be run in place of the library.
    del sys.path[0]

from workbench import output
from workbench.cli.names import COMMANDS

COMPLETION_VARIABLE = "_WORKBENCH_COMPLETE"
"""Set where the shell asks what may follow; the command line is then in other variables."""


def main() -> None:
    """Runs the command line."""
    output.install()
    try:
        _run(sys.argv[1:])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BrokenPipeError:
        output.abandon()
        code = 0
    sys.exit(output.settle(code))


def _run(arguments: list[str]) -> NoReturn:
    """Hands over; ends with SystemExit."""
    if _opens_app_plainly(arguments) and COMPLETION_VARIABLE not in os.environ:
        # The usual way to open the app: importing the parser would cost it a tenth of its start.
        from workbench.launch import open_plainly

        sys.exit(open_plainly(arguments[0] if arguments else None, COMMANDS))
    from workbench.cli.root import app

    app(args=arguments, prog_name="workbench")
    sys.exit()


def _opens_app_plainly(arguments: list[str]) -> bool:
    """Whether there is nothing to parse: at most the name of a preset."""
    return not arguments or (len(arguments) == 1 and not arguments[0].startswith("-") and arguments[0] not in COMMANDS)


if __name__ == "__main__":
    main()
