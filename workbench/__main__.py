"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations

import sys
from typing import NoReturn

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` searches the working folder first: a rich.py in it must not be run in place of the library.
    del sys.path[0]

from workbench import output


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
    if len(arguments) <= 1 and not "".join(arguments).startswith("-"):
        # The usual way to open the app: importing the parser would cost it a tenth of its start.
        from workbench.launch import open_plainly

        sys.exit(open_plainly(arguments[0] if arguments else None))
    from workbench.cli import app, arguments_with_attach

    app(args=arguments_with_attach(arguments))
    sys.exit()


if __name__ == "__main__":
    main()
