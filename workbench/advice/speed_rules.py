"""Rules about speed and memory: what a step waits for, and what it does not use."""

from __future__ import annotations

import re

from workbench.advice import changes
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.policy import POLICY, SINGLE_OUTLIER
from workbench.advice.rule import Rule, finding, percent, severity
from workbench.advice.trends import MemoryTrend
from workbench.units import count, duration, milliseconds, size

LEAST_GROWTH_BYTES = 32 * 2**20
LEAST_OTHER_CORES = 0.25
"""Cores that other programs must take: else it is this process whose threads are more than the cores."""
LEAST_SLOWED = 1.5
"""So many times as long as in the run's fastest second must a step take before that is said."""
LAST_QUARTER = 0.2
"""Of all growth, the last quarter of the readings must bring so much: what levels off is no leak."""

AMPERE_OR_LATER = re.compile(
    r"\b(A2|A10G?|A16|A30|A40|A100|A800|L4|L20|L40S?|H20|H100|H200|H800|GH200|B100|B200|B300|GB10|GB200|GB300"
    r"|RTX [345]0\d\d|RTX A\d{4}|RTX \d{4} Ada|RTX PRO|Orin|Thor)\b"
)
"""Names of NVIDIA's cards of compute capability 8.0 and above: their matrix units take tf32 and bf16."""


def _waiting_for_data(facts: Facts) -> Finding | None:
    assert facts.shares is not None
    share = facts.shares.get("data", 0.0)
    grave = severity("waiting-for-data", share)
    if grave is None:
        return None
    if facts.prepared is not None and facts.prepared.data_loading == "dataloader":
        advice = (
            "Samples come more slowly than they are trained on: let them live on the device if they fit "
            "(runtime.data_loading), read with more workers, or make reading a sample cheaper."
        )
        change = changes.other_feed(facts) or changes.more_workers(facts)
    else:
        advice = (
            "The samples are in memory: indexing and augmenting them takes this time. A larger batch does more at once."
        )
        change = changes.larger_batch(facts)
    return finding("waiting-for-data", grave, f"data takes {_of_a_step(facts, share)}", advice, change)


def _transfer(facts: Facts) -> Finding | None:
    assert facts.shares is not None
    share = facts.shares.get("transfer", 0.0)
    grave = severity("transfer", share)
    if grave is None:
        return None
    return finding(
        "transfer",
        grave,
        f"moving samples to the device takes {_of_a_step(facts, share)}",
        "Let the samples live on the device if they fit there, or let the data set return smaller ones (uint8 pixels).",
        changes.other_feed(facts),
    )


def _overhead(facts: Facts) -> Finding | None:
    assert facts.shares is not None
    share = facts.shares.get("rest", 0.0)
    grave = severity("overhead", share)
    if grave is None:
        return None
    return finding(
        "overhead",
        grave,
        f"{_of_a_step(facts, share)} is neither data nor arithmetic",
        "Python and the launching of operations take this time: an engine that runs whole steps at once saves it, and "
        "a larger batch spreads it over more samples (it also changes the learning).",
        changes.faster_engine(facts) or changes.larger_batch(facts),
    )


def _gpu_idle(facts: Facts) -> Finding | None:
    assert facts.gpu_busy_share is not None
    grave = severity("gpu-idle", facts.gpu_busy_share)
    if grave is None:
        return None
    return finding(
        "gpu-idle",
        grave,
        f"the GPU computes for {percent(facts.gpu_busy_share)} of the time and waits for the rest",
        "The GPU waits for the host: an engine that runs whole steps at once helps, or a larger batch.",
        changes.faster_engine(facts) or changes.larger_batch(facts),
    )


def _loader_workers(facts: Facts) -> Finding | None:
    assert facts.shares is not None
    assert facts.preset is not None
    assert facts.prepared is not None
    assert facts.cores is not None
    share, workers = facts.shares.get("data", 0.0), facts.preset.runtime.num_workers
    grave, change = severity("loader-workers", share), changes.more_workers(facts)
    if grave is None or not change:
        return None
    return finding(
        "loader-workers",
        grave,
        f"{count(workers)} {'process reads' if workers == 1 else 'processes read'} samples, the machine has "
        f"{count(facts.cores)} cores, and data takes {percent(share)} of a step",
        "Let more processes read samples.",
        change,
    )


def _matrix_units(facts: Facts) -> Finding | None:
    assert facts.preset is not None
    assert facts.prepared is not None
    assert facts.shares is not None
    if facts.preset.runtime.precision != "float32" or not facts.prepared.device.startswith("cuda"):
        return None
    if not AMPERE_OR_LATER.search(facts.prepared.device_name):
        return None
    if facts.gpu_busy_share is not None and facts.gpu_busy_share < (POLICY["gpu-idle"].warning or 0.0):
        return None  # the host is what is slow
    share = facts.shares.get("forward", 0.0) + facts.shares.get("backward", 0.0)
    grave = severity("matrix-units", share)
    if grave is None:
        return None
    return finding(
        "matrix-units",
        grave,
        f"products are computed in float32, and forward and backward take {percent(share)} of a step",
        'The matrix units stand idle: "tf32" uses them and hardly changes a result (10 bits of each factor count), '
        '"bf16" is faster still and coarser (7 bits).',
        ("runtime.precision=tf32",),
    )


def _gpu_memory(facts: Facts) -> Finding | None:
    return _memory("gpu-memory", "GPU's", facts.gpu_used_bytes, facts.gpu_total_bytes, facts)


def _host_memory(facts: Facts) -> Finding | None:
    return _memory("host-memory", "host's", facts.host_used_bytes, facts.host_total_bytes, facts)


def _memory(rule: str, whose: str, used: int | None, total: int | None, facts: Facts) -> Finding | None:
    assert used is not None
    assert total is not None
    share = used / total if total else 0.0
    grave = severity(rule, share)
    if grave is None:
        return None
    on_gpu = rule == "gpu-memory"
    advice = (
        "Half the batch, accumulated twice, makes the same steps with about half the activations."
        if on_gpu
        else "Fewer loader workers take less, and so does a smaller batch; other programs may be the cause."
    )
    fact = f"{percent(share)} of the {whose} memory is in use: {size(used)} of {size(total)}"
    return finding(rule, grave, fact, advice, changes.halved_batch(facts) if on_gpu else ())


def _growing_memory(facts: Facts) -> Finding | None:
    assert facts.memory is not None
    return next((found for trend in facts.memory if (found := _growing(trend, facts)) is not None), None)


def _growing(trend: MemoryTrend, facts: Facts) -> Finding | None:
    first, second, third, fourth = trend.quarters
    growth = fourth - first
    rises = first < second < third < fourth and fourth - third >= LAST_QUARTER * growth
    grave = severity("growing-memory", growth / first if first else 0.0)
    if grave is None or growth < LEAST_GROWTH_BYTES or not rises:
        return None
    fact = (
        f"the memory of {trend.what} has grown from {size(first)} to {size(fourth)} in {duration(trend.seconds)}, "
        f"by {size(60 * trend.bytes_per_second)} a minute"
    )
    if trend.available_bytes is not None:
        lasts = trend.available_bytes / trend.bytes_per_second
        fact += f"; what is free lasts for {duration(lasts)}"
        if facts.seconds_left is not None and lasts < facts.seconds_left:
            grave = "critical"
    return finding(
        "growing-memory",
        grave,
        fact,
        "Something is kept from step to step. In a data set or model of your own, look for lists that only grow and "
        "for tensors kept with their graph (detach them).",
    )


def _busy_cores(facts: Facts) -> Finding | None:
    assert facts.cpu_wait_share is not None
    assert facts.other_cores is not None
    grave = severity("busy-cores", facts.cpu_wait_share)
    if grave is None or facts.other_cores < LEAST_OTHER_CORES:
        return None
    of_cores = "" if facts.cores is None else f" of the {count(facts.cores)}"
    change = changes.fewer_threads(facts)
    advice = "Let those programs end first, or give the run cores of its own (taskset)."
    if change:
        advice = (
            "PyTorch's threads wait for each other, so one without a core holds up all of them: fewer threads leave "
            "the other programs their cores. Results may then differ in the last digits."
        )
    return finding(
        "busy-cores",
        grave,
        f"other programs keep {min(facts.other_cores, facts.cores or facts.other_cores):.1f}{of_cores} cores busy: "
        f"{_slowed(facts)}threads wait for a core {percent(facts.cpu_wait_share)} of the time that they could run",
        advice,
        change,
    )


def _slowed(facts: Facts) -> str:
    """How much longer a step takes than in the run's fastest second, if that is much."""
    if facts.slowdown is None or facts.slowdown < LEAST_SLOWED:
        return ""
    return f"a step takes {facts.slowdown:.{0 if facts.slowdown >= 10 else 1}f} times as long as it could, and "


def _step_outliers(facts: Facts) -> Finding | None:
    assert facts.p99_to_median is not None
    assert facts.max_to_median is not None
    if facts.cpu_wait_share is not None and facts.other_cores is not None and _busy_cores(facts) is not None:
        return None  # that is why
    grave = severity("step-outliers", facts.p99_to_median)
    if grave is None and facts.max_to_median >= SINGLE_OUTLIER:
        grave = "note"
    if grave is None:
        return None
    median = "" if facts.step_median_ms is None else f" of {milliseconds(facts.step_median_ms)}"
    return finding(
        "step-outliers",
        grave,
        f"over {facts.steps_over}, 1 step in 100 takes at least {facts.p99_to_median:.1f} times the median{median}; "
        f"the longest step of a second takes {facts.max_to_median:.1f} times the median of that second",
        "Something interrupts training: other programs on the same cores or GPU, a data set that stalls now and then, "
        "inputs of changing shape.",
    )


def _of_a_step(facts: Facts, share: float) -> str:
    """The share, and the time where that is known."""
    if facts.step_median_ms is None:
        return f"{percent(share)} of a step"
    return f"{percent(share)} of a step ({milliseconds(share * facts.step_median_ms)})"


SPEED_RULES = (
    Rule("waiting-for-data", ("shares",), _waiting_for_data),
    Rule("loader-workers", ("shares", "preset", "prepared", "cores"), _loader_workers),
    Rule("transfer", ("shares",), _transfer),
    Rule("gpu-memory", ("gpu_used_bytes", "gpu_total_bytes"), _gpu_memory),
    Rule("host-memory", ("host_used_bytes", "host_total_bytes"), _host_memory),
    Rule("growing-memory", ("memory",), _growing_memory),
    Rule("gpu-idle", ("gpu_busy_share",), _gpu_idle),
    Rule("overhead", ("shares",), _overhead),
    Rule("matrix-units", ("preset", "prepared", "shares"), _matrix_units),
    Rule("busy-cores", ("cpu_wait_share", "other_cores"), _busy_cores),
    Rule("step-outliers", ("p99_to_median", "max_to_median"), _step_outliers),
)
