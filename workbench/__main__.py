"""`python -m workbench` and the `workbench` command."""

from __future__ import annotations


def main() -> None:
    """Runs the command line."""
    from workbench.cli import app

    app()


if __name__ == "__main__":
    main()
