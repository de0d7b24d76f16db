"""The colours of curves and phases, on a dark and on a light background.

Train and validation are teal and amber, which colour-blind people can tell apart. Overlaid runs take further colours of
the palette of Okabe and Ito (2008). Phases can also be told apart by their order and names.
"""

from __future__ import annotations

DARK_VARIABLES = {
    "train": "#4fb3bf",
    "validation": "#e5a54b",
    "overlay-1": "#cc79a7",
    "overlay-2": "#56b4e9",
    "overlay-3": "#f0e442",
    "overlay-4": "#a0a8b8",
    "overlay-5": "#9d8cf0",
    "overlay-6": "#8fd16a",
    "overlay-7": "#f08a72",
    "overlay-8": "#c3e8e0",
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
    "overlay-1": "#a04078",
    "overlay-2": "#0066a0",
    "overlay-3": "#6e5f00",
    "overlay-4": "#5d6470",
    "overlay-5": "#5b46c4",
    "overlay-6": "#2f6b1f",
    "overlay-7": "#b02f1e",
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
