"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations


def main() -> None:
    """Runs the command line."""
    import sys

    from workbench.cli import app, arguments_with_attach

    app(args=arguments_with_attach(sys.argv[1:]))


if __name__ == "__main__":
    main()
