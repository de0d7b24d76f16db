"""The seeds of a study."""

from __future__ import annotations

from workbench.settings.preset import Preset
from workbench.tuning.asking import search_question, seeds_from


def test_seeds_follow_each_other_and_begin_again_after_the_largest() -> None:
    assert seeds_from(3, 4) == (3, 4, 5, 6)
    assert seeds_from(2**31 - 1, 3) == (2**31 - 1, 0, 1)
    for seed in seeds_from(2**31 - 2, 4):
        assert Preset().override([f"training.seed={seed}"]).training.seed == seed


def test_the_fresh_seeds_of_a_search_are_not_that_of_its_preset() -> None:
    assert search_question(Preset(), {}).seeds == (1, 2, 3)
    last = Preset().override([f"training.seed={2**31 - 1}"])
    assert search_question(last, {}, fresh_seeds=2).seeds == (0, 1)
