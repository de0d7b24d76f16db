"""The colours of curves and phases, on a dark, a light and a black background.

Train and validation are teal and amber, which colour-blind people can tell apart. The others were searched for: any
two curves differ, and any two phases of one bar, also for the three kinds of colour blindness, which
`tests/unit/ui/test_colours.py` simulates.
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
    "phase-transfer": "#ae94f9",
    "phase-step": "#79a3c7",
    "phase-forward": "#4fb3bf",
    "phase-backward": "#3a8fb7",
    "phase-metrics": "#918c57",
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
    "phase-step": "#497d9c",
    "phase-forward": "#0b8599",
    "phase-backward": "#266b95",
    "phase-metrics": "#576d3b",
    "phase-optimizer": "#7558d6",
    "phase-rest": "#c3cad6",
    "dim": "#5a6372",
    "line": "#c3cad6",
    "cursor-line": "#dbe7ec",
}

HIGH_CONTRAST_VARIABLES = {
    "train": "#3bd6de",
    "validation": "#ffbf47",
    "overlay-1": "#ff9dc1",
    "overlay-2": "#8fb8ff",
    "overlay-3": "#ffff7a",
    "overlay-4": "#bcdfda",
    "overlay-5": "#d1c3ff",
    "overlay-6": "#8cefab",
    "overlay-7": "#dba684",
    "overlay-8": "#eef5ff",
    "phase-data": "#9aa4b5",
    "phase-transfer": "#8ba9fe",
    "phase-step": "#a1c5e8",
    "phase-forward": "#3bd6de",
    "phase-backward": "#509cd5",
    "phase-metrics": "#baac69",
    "phase-optimizer": "#8d7ffc",
    "phase-rest": "#6b7688",
    "dim": "#c4cad4",
    "line": "#8d95a3",
    "cursor-line": "#14263d",
}
