"""The names of the commands, apart from their code: opening the app must not import the parser."""

from __future__ import annotations

COMMANDS = ("train", "resume", "runs")
"""In the order in which `--help` lists them. A first word that is none of them is a preset to open in the app."""
