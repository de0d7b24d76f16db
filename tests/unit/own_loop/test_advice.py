"""Advice for a loop of the user's own names no settings of workbench, and proposes no change of them."""

from __future__ import annotations

from workbench.advice.facts import Facts
from workbench.advice.rules import findings
from workbench.advice.verdict import verdict
from workbench.runs.measurements import Timing

TABLES = ("runtime.", "training.", "optimizer.", "data.", "model.", "loss.")


def test_waiting_for_data_is_found_without_a_preset() -> None:
    found = findings(Facts(step=100, phase_fractions={"data": 0.9, "step": 0.1}, gpu_busy_fraction=0.1))
    assert [finding.rule for finding in found] == ["waiting-for-data", "gpu-idle"]
    assert "workers of the DataLoader" in found[0].advice
    assert "torch.compile or a CUDA graph" in found[1].advice
    for finding in found:
        assert finding.change == ()
        assert finding.measure is None
        assert not any(table in finding.advice for table in TABLES)


def test_a_step_that_tells_no_phases_is_no_overhead() -> None:
    assert findings(Facts(step=100, phase_fractions={"data": 0.02, "step": 0.98})) == []
    timing = Timing(
        step=100, steps=50, timed_steps=50, phase_ms={"data": 0.02, "step": 0.98}, step_ms={}, steps_per_second=1000.0
    )
    assert verdict(timing, None) == "98 % of a step is not split into phases"
