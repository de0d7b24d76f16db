"""Which way is faster, and why."""

from __future__ import annotations

from itertools import count

import pytest

from tests.unit.training.tuning.stacked.alone import preset
from workbench.processes.stacked import Way
from workbench.training.tuning.stacked import faster_way as module
from workbench.training.tuning.stacked.faster_way import faster_way
from workbench.training.tuning.stacked.train import prepare_all


@pytest.mark.parametrize(("stacked_ms", "together", "ratio"), [(2, True, 6.0), (24, False, 0.5)])
def test_the_faster_way_is_named_with_both_times(
    monkeypatch: pytest.MonkeyPatch, stacked_ms: int, together: bool, ratio: float
) -> None:
    """Four candidates; a step of one takes 3 ms."""
    presets = [preset(f"training.seed={seed}") for seed in range(4)]
    calls = count()
    # In turns: a step of all, four of one.
    monkeypatch.setattr(module, "_seconds", lambda run: (stacked_ms if next(calls) % 2 == 0 else 4 * 3) / 1000)
    found = faster_way(prepare_all(presets, lambda _: None), presets)
    reason = f"a step of 4 candidates takes {stacked_ms} ms together and 12 ms one by one"
    assert found == Way(together, reason, ratio)


def test_what_cannot_be_stacked_is_not_timed() -> None:
    for presets, reason in (
        ([preset(), preset("model.hidden=[9]")], "they differ in more than numbers"),
        ([preset("optimizer.name=lion")] * 2, "optimizer.name = 'lion' is not written for stacked weights"),
        ([preset()], "a single candidate has nothing to share"),
    ):
        assert faster_way(prepare_all(presets, lambda _: None), presets) == Way(False, reason)
