"""Distinct values stay distinct, or a note names those that become equal."""

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


def test_there_is_no_note_if_standardised_values_stay_distinct() -> None:
    random = torch.randn(120, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    raw = torch.stack([DAYS, 1e9 + random, random, (random > 0).double()], dim=1)
    assert merged_columns(raw, standardised(raw), ("day", "price", "b", "c")) == []


def test_a_note_names_whole_numbers_that_float32_makes_equal() -> None:
    raw = DAYS.unsqueeze(1)
    assert merged_columns(raw, raw.float(), ("day",)) == [
        "column 'day': 120 different values become 61 in float32; for example, 20230103 and 20230104 become equal"
    ]


def test_a_note_names_small_numbers_that_an_outlier_makes_equal() -> None:
    raw = torch.tensor([[1.0], [2.0], [3.0], [1e12]], dtype=torch.float64)
    [note] = merged_columns(raw, standardised(raw), ())
    assert note.startswith(
        "column 0 (counted from 0): 4 different values become 2 in float32; for example, 1 and 2 become equal"
    )


def test_there_is_no_note_on_fractions_that_agree_in_seven_digits() -> None:
    values = torch.linspace(0, 1, 1000, dtype=torch.float64)
    raw = torch.cat([values, values[-1:] - 1e-12]).unsqueeze(1)
    assert merged_columns(raw, standardised(raw), ()) == []
