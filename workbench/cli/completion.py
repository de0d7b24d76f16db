"""Completes presets, settings and runs for the shell, by name.

It must be fast, so it imports no torch, and silent, so it offers nothing where something cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from workbench.cli.names import COMMANDS
from workbench.errors import WorkbenchError

MOST_RUNS = 50
"""Only the latest runs are offered: nobody reads thousands."""


def complete_presets(incomplete: str) -> list[str]:
    """The names of presets."""
    from workbench.settings.library import names

    with suppress(WorkbenchError, OSError):
        return [name for name in names() if name.startswith(incomplete)]
    return []


def complete_first_word(incomplete: str) -> list[str]:
    """Commands, then presets to open: the first word after `workbench`."""
    presets = [name for name in complete_presets(incomplete) if name not in COMMANDS]
    return [name for name in COMMANDS if name.startswith(incomplete)] + presets


def complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the latest runs, in the folder of runs that the command line names."""
    from workbench.runs.directory import default_runs_folder, list_runs

    folder = ctx.params.get("runs_dir") or default_runs_folder()
    with suppress(WorkbenchError, OSError):
        names = [run.name for run in reversed(list_runs(Path(folder))) if run.name.startswith(incomplete)]
        return names[:MOST_RUNS]
    return []


def complete_export_kinds(incomplete: str) -> list[str]:
    """The kinds of export."""
    from workbench.export_kinds import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def complete_runs_and_studies(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the latest runs and studies that are not on the line yet."""
    from workbench.tuning.directory import default_studies_folder, list_studies

    folder = ctx.params.get("studies_dir") or default_studies_folder()
    names = complete_runs(ctx, incomplete)
    with suppress(WorkbenchError, OSError):
        found = [study.name for study in reversed(list_studies(Path(folder))) if study.name.startswith(incomplete)]
        names += found[:MOST_RUNS]
    given = ctx.params.get("sides") or ()
    return [name for name in names if name not in given]


def complete_assignments(incomplete: str) -> list[tuple[str, str]]:
    """Settings as `table.key=`, with their meaning; after the `=`, the values of those that have a list of values."""
    return [(text, meaning) for text, meaning in _assignments(incomplete) if text.startswith(incomplete)]


def _assignments(incomplete: str) -> Iterator[tuple[str, str]]:
    from workbench.settings.explain import PLAIN_TABLES
    from workbench.settings.preset import FAMILIES

    key, equals, _ = incomplete.partition("=")
    for family in FAMILIES.values():
        tag = f"{family.name}.{family.tag}"
        if equals and key == tag:
            yield from ((f"{tag}={choice.label()}", choice.summary()) for choice in family.choices)
        elif not equals:
            yield f"{tag}=", f"which {family.name}"
            fields = {name: field for choice in family.choices for name, field in choice.model_fields.items()}
            yield from _keys(family.name, {name: field for name, field in fields.items() if name != family.tag})
    for table, settings in PLAIN_TABLES.items():
        if not equals:
            yield from _keys(table, settings.model_fields)


def _keys(table: str, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in fields.items():
        yield f"{table}.{name}=", field.description or ""
