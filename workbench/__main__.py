"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` searches the working folder first: a rich.py in it must not be run in place of the library.
    del sys.path[0]


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
