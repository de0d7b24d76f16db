"""Probes: each measures one thing on a card that decides something, in seconds, and reports it in a line or a few."""

from __future__ import annotations

from tests.gpu.on_card.probes import backlog, capture, driver, gaps, kernels, phase_events
from tests.gpu.on_card.probes.probe import Probe

PROBES: dict[str, Probe] = {
    "kernels": kernels.kernels,
    "replayed_kernels": kernels.replayed_kernels,
    "compiled_kernels": kernels.compiled_kernels,
    "phase_events": phase_events.phase_events,
    "backlog": backlog.backlog,
    "gaps": gaps.gaps,
    "refused_capture": capture.refused_capture,
    "driver": driver.driver,
}
"""All probes by name."""
