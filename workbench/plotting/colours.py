"""The colours of curves and phases, on a dark and on a light background.

Train and validation are teal and amber, which colour-blind people can tell apart. The eight colours of overlaid runs
were searched for: any two of these ten differ, also for the three kinds of colour blindness, which
`tests/unit/ui/test_colours.py` simulates. Phases can also be told apart by their order and names.
"""

from __future__ import annotations

DARK_VARIABLES = {
    "train": "#4fb3bf",
    "validation": "#e5a54b",
    "overlay-1": "#f67da4",
    "overlay-2": "#5d94e8",
    "overlay-3": "#fbfb78",
    "overlay-4": "#acc9ca",
    "overlay-5": "#c6a5fa",
    "overlay-6": "#8cefab",
    "overlay-7": "#b4876a",
    "overlay-8": "#e0e7fe",
    "phase-data": "#6b7588",
    "phase-transfer": "#b08fd8",
    "phase-step": "#7aa2c9",
    "phase-forward": "#4fb3bf",
    "phase-backward": "#3a8fb7",
    "phase-metrics": "#5b9e7d",
    "phase-optimizer": "#8f7ee7",
    "phase-rest": "#3d4656",
    "dim": "#8a94a6",
    "line": "#2e3644",
    "cursor-line": "#1e2a35",
}

LIGHT_VARIABLES = {
    "train": "#0a6d7f",
    "validation": "#984c00",
    "overlay-1": "#6b1474",
    "overlay-2": "#1e419f",
    "overlay-3": "#5f4107",
    "overlay-4": "#4c4f58",
    "overlay-5": "#7d32e8",
    "overlay-6": "#51693d",
    "overlay-7": "#6f082c",
    "overlay-8": "#123c4a",
    "phase-data": "#8a94a6",
    "phase-transfer": "#9a6fc9",
    "phase-step": "#4d7ea8",
    "phase-forward": "#0b8599",
    "phase-backward": "#1f6f9c",
    "phase-metrics": "#2f7d57",
    "phase-optimizer": "#6b58d3",
    "phase-rest": "#c3cad6",
    "dim": "#5a6372",
    "line": "#c3cad6",
    "cursor-line": "#dbe7ec",
}
