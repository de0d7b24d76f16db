"""Words for events that the app and headless training both show."""

from __future__ import annotations

from workbench.metrics import headline_metrics, written_with_own
from workbench.runs.events import Prepared
from workbench.runs.measurements import Profiled
from workbench.units import count, duration

TRACE_VIEWER = "https://ui.perfetto.dev"
"""The site that opens the trace of a profile; it reads the file in the browser and sends it nowhere."""
RATE_MARKS = {
    "steepest": ("S", "where the loss falls fastest"),
    "valley": ("V", "the middle of the whole fall"),
    "before_divergence": ("D", "a third of the last rate before it diverges"),
}
"""By the names of a range test's suggestions: a letter on the axis, and what it means."""
KNEE = "the smallest batch size within 5 % of the best throughput"
_DATA_LOADING = {"on_device": "kept on the device", "dataloader": "read by a DataLoader"}


def loading_words(data_loading: str) -> str:
    """How samples reach a step: runtime.data_loading, in words."""
    return _DATA_LOADING.get(data_loading, data_loading)


def engine_line(prepared: Prepared) -> str:
    """The engine, the reason for it where there is one, and its preparation time from half a second on."""
    reason = "" if prepared.engine_reason in ("", "asked for") else f" ({prepared.engine_reason})"
    took = f", ready in {duration(prepared.engine_seconds)}" if prepared.engine_seconds >= 0.5 else ""
    return f"{prepared.engine} engine{reason}{took}"


def headline(metrics: dict[str, float], monitor: str = "") -> str:
    """The main metrics in a line: loss, accuracy or RMSE and R², and the monitor where one is named.

    All those of a loop of the user's own that are not declared.
    """
    return " ".join(f"{label} {value}" for label, value in written_with_own(metrics, headline_metrics(monitor)))


def profile_title(profiled: Profiled) -> str:
    """The profiled steps, and whether the operators' times are the GPU's or the host's."""
    last = profiled.first_step + profiled.steps - 1
    steps = f"steps {count(profiled.first_step)} to {count(last)}" if profiled.steps > 1 else f"step {count(last)}"
    whose = "the GPU's time" if profiled.device == "cuda" else "the host's time"
    return f"profile of {steps}: {whose}"


def data_changed(change: str) -> str:
    """Says what it means that a run's own data have changed."""
    return f"{change}: this is not what the run was tested on"
