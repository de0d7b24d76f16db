"""Writes predictions as JSON lines or CSV, one line a sample."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from workbench.json_values import finite_or_none
from workbench.prediction.predictor import Prediction


class JsonLines:
    """An object a line."""

    header = ""

    def line(self, prediction: Prediction) -> str:
        """The line of a prediction, with its end."""
        values = prediction.place | (prediction.output or {"prediction": None})
        values |= {"error": prediction.error} if prediction.error else {}
        try:
            return json.dumps(values, allow_nan=False) + "\n"
        except ValueError:
            return json.dumps(finite_or_none(values), allow_nan=False) + "\n"


class Csv:
    """A row of comma-separated values a line, below a header."""

    def __init__(self, places: Sequence[str], outputs: Sequence[str]) -> None:
        """places: the names of what says where a sample comes from; outputs: the columns of what is predicted.

        Numbers by name have the columns `<key>_<name>`, for probabilities `probability_<class>`.
        """
        self._places = places
        self._outputs = outputs
        self.header = self._row([*places, *outputs])

    def line(self, prediction: Prediction) -> str:
        """The line of a prediction, with its end."""
        values = flat(prediction.output) | ({"error": prediction.error} if prediction.error else {})
        return self._row(
            [
                *(prediction.place.get(name, "") for name in self._places),
                *(values.get(name, "") for name in self._outputs),
            ]
        )

    def _row(self, values: Sequence[Any]) -> str:
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerow(values)
        return written.getvalue()


def flat(output: dict[str, Any]) -> dict[str, Any]:
    """The output with a column for each number that it holds by name."""
    columns: dict[str, Any] = {}
    for key, value in output.items():
        if isinstance(value, dict):
            columns |= {f"{PREFIXES.get(key, key)}_{name}": each for name, each in value.items()}
        else:
            columns[key] = json.dumps(value) if isinstance(value, list) else value
    return columns


PREFIXES = {"probabilities": "probability"}
"""Of the columns of numbers by name, where they are not named like the key."""
