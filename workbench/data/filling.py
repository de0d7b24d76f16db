"""The ways to fill in missing values of a table."""

from __future__ import annotations

from typing import Literal, get_args

Filling = Literal["mean", "median"]
"""What stands for a missing number; for a missing word it is the most frequent one."""

FILLINGS: tuple[str, ...] = get_args(Filling)
