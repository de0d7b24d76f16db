"""The modules with PyTorch that are started by `python -m`; only this file names them."""

from __future__ import annotations

import sys
from enum import StrEnum

PACKAGE = "workbench.training.processes"


class Module(StrEnum):
    """A module that can be started; its `main` runs."""

    WORKER = f"{PACKAGE}.worker"
    """Trains one run: its argument is the run directory."""
    TETHERED = f"{PACKAGE}.tethered"
    """The same, but it dies with the process that started it."""
    STANDBY = f"{PACKAGE}.standby"
    """Imports PyTorch, then trains the runs that its standard input names."""
    PLAN = f"{PACKAGE}.plan"
    """Plans the preset on its standard input."""
    PREVIEW = f"{PACKAGE}.preview"
    """Previews presets, as its standard input asks: their data, their network, and what a step takes."""
    DATA = f"{PACKAGE}.data"
    """Reads the data of presets, as its standard input asks, and says what samples look like."""
    COMPARISON = f"{PACKAGE}.comparison"
    """Compares settings, as the request on its standard input asks."""
    OUT_OF_FOLD = f"{PACKAGE}.out_of_fold"
    """Judges the folds of a cross-validation, which its standard input names."""
    RANGE_TEST = f"{PACKAGE}.range_test"
    """Runs the learning rate range tests that its standard input asks for."""
    BATCH_SCAN = f"{PACKAGE}.batch_scan"
    """Measures batch sizes, as its standard input asks."""
    PREDICT = "workbench.prediction.prediction_process"
    """Predicts new inputs with a trained model, as the request on its standard input asks."""
    SCRIPT = "workbench.export.script.process"
    """Prepares the data of a run, and says what a script must know of it."""
    STACKED = f"{PACKAGE}.stacked"
    """Trains presets together that differ only in numbers, which its standard input names."""
    EVALUATION = "workbench.prediction.evaluation_process"
    """Evaluates models, as its standard input asks."""
    JUDGE = "workbench.prediction.judging_process"
    """Judges a model, as its standard input asks, and shows samples of it."""
    EXPORT = "workbench.export.process"
    """Writes the model of a run in other formats, as its standard input asks, and checks what it wrote."""


def command_line(module: Module, *arguments: str) -> tuple[str, ...]:
    """The command line that starts a module with this Python."""
    # -P: a sklearn.py in the working folder must not be imported in place of the library.
    return (sys.executable, "-P", "-m", module.value, *arguments)
