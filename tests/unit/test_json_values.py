"""JSON has no word for NaN and infinity: null stands for them, wherever they are."""

from __future__ import annotations

import math

from workbench.json_values import finite_or_none


def test_numbers_that_are_not_finite_become_none() -> None:
    values = {"a": math.nan, "b": [1.5, -math.inf, {"c": math.inf, "d": "nan"}], "e": 3, "f": True, "g": None}
    assert finite_or_none(values) == {
        "a": None,
        "b": [1.5, None, {"c": None, "d": "nan"}],
        "e": 3,
        "f": True,
        "g": None,
    }
