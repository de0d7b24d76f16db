"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line."""
    arguments = sys.argv[1:]
    if len(arguments) <= 1 and not "".join(arguments).startswith("-"):
        # The usual way to open the app: importing the parser would cost it a tenth of its start.
        from workbench.launch import open_plainly

        sys.exit(open_plainly(arguments[0] if arguments else None))
    from workbench.cli import app, arguments_with_attach

    app(args=arguments_with_attach(arguments))


if __name__ == "__main__":
    main()
