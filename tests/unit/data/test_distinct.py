"""data/REPORT 01 to 05: distinct stays distinct, or it is said which values fall together."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.distinct import merged_columns
from workbench.data.on_host import on_host
from workbench.data.samples import InMemory
from workbench.data.standardize import standardize

DAYS = 20230101 + torch.arange(120, dtype=torch.float64)


def standardised(raw: Tensor) -> Tensor:
    split = InMemory(raw, torch.zeros(len(raw), dtype=torch.int64))
    made = on_host(split, standardize(split, "standard"), None)
    assert isinstance(made, InMemory)
    return made.inputs


def test_nothing_is_said_where_standardising_keeps_values_apart() -> None:
    random = torch.randn(120, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    raw = torch.stack([DAYS, 1e9 + random, random, (random > 0).double()], dim=1)
    assert merged_columns(raw, standardised(raw), ("day", "price", "b", "c")) == []


def test_whole_numbers_that_float32_cannot_hold_are_said() -> None:
    raw = DAYS.unsqueeze(1)
    assert merged_columns(raw, raw.float(), ("day",)) == [
        "column 'day': 120 different values are only 61 in float32, such as 20230103 and 20230104"
    ]


def test_small_numbers_beside_an_outlier_are_said() -> None:
    raw = torch.tensor([[1.0], [2.0], [3.0], [1e12]], dtype=torch.float64)
    [note] = merged_columns(raw, standardised(raw), ())
    assert note.startswith("column 0 (counted from 0): 4 different values are only 2 in float32, such as 1 and 2")


def test_fractions_that_agree_in_seven_digits_are_as_good_as_one() -> None:
    values = torch.linspace(0, 1, 1000, dtype=torch.float64)
    raw = torch.cat([values, values[-1:] - 1e-12]).unsqueeze(1)
    assert merged_columns(raw, standardised(raw), ()) == []
