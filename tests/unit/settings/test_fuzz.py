"""Mutated presets and `--set` arguments are refused with a message, or mean what they say."""

from __future__ import annotations

import pytest

from tests.unit.settings.fuzz import fuzz_assignments, fuzz_presets


@pytest.mark.slow
def test_a_few_hundred_mutations_are_answered() -> None:
    for fuzz in (fuzz_presets, fuzz_assignments):
        figures = fuzz(150, 1)
        assert figures.faults == []
        assert figures.counts["accepted"] > 0
        assert figures.counts["refused"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("fuzz", [fuzz_presets, fuzz_assignments])
def test_thousands_of_mutations_are_answered(fuzz: object) -> None:
    figures = fuzz(3_200, 0)  # type: ignore[operator]
    print(figures)
    assert figures.faults == []
