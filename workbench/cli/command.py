"""The classes of commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from workbench import output


class Command(TyperCommand):
    """A command whose help may keep its colours, because its text is our own."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with output.styled():
            super().format_help(ctx, formatter)


class _GroupsContext(typer.Context):
    """Shows a command under the name of its group."""

    @property
    def command_path(self) -> str:
        assert self.parent is not None
        return self.parent.command_path


class CommandOfGroup(Command):
    """What a group of commands does without the name of one; its help lists the commands of the group too."""

    context_class: type[Any] = _GroupsContext

    def commands(self) -> Iterable[tuple[str, str | None]]:
        """The commands of the group: (name, help)."""
        raise NotImplementedError

    def format_help(self, ctx: Any, formatter: Any) -> None:
        group = ctx.parent.command
        # What typer prints for a group of commands, with the options of this command.
        shown = TyperGroup(
            name=group.name,
            params=self.get_params(ctx)[:-1],
            commands={name: TyperCommand(name, help=help) for name, help in self.commands()},
            help=self.help,
            epilog=self.epilog,
            subcommand_metavar="| COMMAND [ARGS]...",
            context_settings=self.context_settings,
            rich_markup_mode=group.rich_markup_mode,
        )
        with output.styled():
            shown.format_help(ctx, formatter)
