"""Rules about speed and memory: waiting, overhead, idle hardware, memory that runs short."""

from __future__ import annotations

import re

from workbench.advice import changes
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.policy import POLICY, SINGLE_OUTLIER
from workbench.advice.rule import Rule, finding, percent, severity_of
from workbench.advice.trends import MemoryTrend
from workbench.processes.batch_scan import scaled_rate
from workbench.units import count, duration, milliseconds, rate, size

LEAST_GROWTH_BYTES = 32 * 2**20
LEAST_OTHER_CORES = 0.25
"""Cores that other programs must take. With less, this process itself has more threads than cores."""
LEAST_SLOWED = 1.5
"""Factor over the run's fastest second from which on a slower step is reported."""
LAST_QUARTER = 0.2
"""Fraction of all growth that must fall in the last quarter of the readings: growth that levels off is no leak."""

AMPERE_OR_LATER = re.compile(
    r"\b(A2|A10G?|A16|A30|A40|A100|A800|L4|L20|L40S?|H20|H100|H200|H800|GH200|B100|B200|B300|GB10|GB200|GB300"
    r"|RTX [345]0\d\d|RTX A\d{4}|RTX \d{4} Ada|RTX PRO|Orin|Thor)\b"
)
"""Names of NVIDIA cards with compute capability 8.0 or higher: their tensor cores compute in tf32 and bf16."""


def _waiting_for_data(facts: Facts) -> Finding | None:
    assert facts.phase_fractions is not None
    fraction = facts.phase_fractions.get("data", 0.0)
    severity = severity_of("waiting-for-data", fraction)
    if severity is None:
        return None
    if facts.preset is None:
        advice = (
            "Loading samples is slower than training on them: let more workers of the DataLoader read them, make "
            "loading a sample cheaper, or keep the samples on the device if they fit."
        )
        change: tuple[str, ...] = ()
    elif facts.prepared is not None and facts.prepared.data_loading == "dataloader":
        advice = (
            "Loading samples is slower than training on them: keep them on the device if they fit "
            "(runtime.data_loading), use more workers, or make loading a sample cheaper."
        )
        change = changes.on_device_loading(facts) or changes.more_workers(facts)
    else:
        advice = (
            "The samples are in memory: indexing and augmenting them takes this time. A larger batch does more at once."
        )
        change = changes.larger_batch(facts)
    return finding("waiting-for-data", severity, f"data takes {_of_a_step(facts, fraction)}", advice, change)


def _transfer(facts: Facts) -> Finding | None:
    assert facts.phase_fractions is not None
    fraction = facts.phase_fractions.get("transfer", 0.0)
    severity = severity_of("transfer", fraction)
    if severity is None:
        return None
    return finding(
        "transfer",
        severity,
        f"moving samples to the device takes {_of_a_step(facts, fraction)}",
        "Keep the samples on the device if they fit, or return smaller ones from the data set (uint8 pixels).",
        changes.on_device_loading(facts),
    )


def _overhead(facts: Facts) -> Finding | None:
    assert facts.phase_fractions is not None
    fraction = facts.phase_fractions.get("rest", 0.0)
    severity = severity_of("overhead", fraction)
    if severity is None:
        return None
    return finding(
        "overhead",
        severity,
        f"{_of_a_step(facts, fraction)} is neither data nor arithmetic",
        f"Python and the launch of operations take this time: {_whole_steps(facts)} saves it, and "
        "a larger batch spreads it over more samples (it also changes the learning).",
        changes.faster_engine(facts) or changes.larger_batch(facts),
    )


def _gpu_idle(facts: Facts) -> Finding | None:
    assert facts.gpu_busy_fraction is not None
    severity = severity_of("gpu-idle", facts.gpu_busy_fraction)
    if severity is None:
        return None
    return finding(
        "gpu-idle",
        severity,
        f"the GPU computes for {percent(facts.gpu_busy_fraction)} of the time and waits for the rest",
        f"The GPU waits for the host: {_whole_steps(facts)} helps, and so does a larger batch.",
        changes.faster_engine(facts) or changes.larger_batch(facts),
    )


def _loader_workers(facts: Facts) -> Finding | None:
    assert facts.phase_fractions is not None
    assert facts.preset is not None
    assert facts.prepared is not None
    assert facts.cores is not None
    fraction, workers = facts.phase_fractions.get("data", 0.0), facts.preset.runtime.num_workers
    severity, change = severity_of("loader-workers", fraction), changes.more_workers(facts)
    if severity is None or not change:
        return None
    return finding(
        "loader-workers",
        severity,
        f"{count(workers)} {'process reads' if workers == 1 else 'processes read'} samples, the machine has "
        f"{count(facts.cores)} cores, and data takes {percent(fraction)} of a step",
        "Use more processes to read samples.",
        change,
    )


def _matrix_units(facts: Facts) -> Finding | None:
    assert facts.preset is not None
    assert facts.prepared is not None
    assert facts.phase_fractions is not None
    if facts.preset.runtime.precision != "float32" or not facts.prepared.device.startswith("cuda"):
        return None
    if not AMPERE_OR_LATER.search(facts.prepared.device_name):
        return None
    if facts.gpu_busy_fraction is not None and facts.gpu_busy_fraction < (POLICY["gpu-idle"].warning or 0.0):
        return None  # the host is the bottleneck
    fraction = facts.phase_fractions.get("forward", 0.0) + facts.phase_fractions.get("backward", 0.0)
    severity = severity_of("matrix-units", fraction)
    if severity is None:
        return None
    return finding(
        "matrix-units",
        severity,
        f"matrices are multiplied in float32, and forward and backward take {percent(fraction)} of a step",
        'The tensor cores are idle: "tf32" uses them and hardly changes a result (10 bits of each factor count), '
        '"bf16" is even faster and less exact (7 bits).',
        ("runtime.precision=tf32",),
    )


def _gpu_memory(facts: Facts) -> Finding | None:
    return _memory("gpu-memory", "GPU's", facts.gpu_used_bytes, facts.gpu_total_bytes, facts)


def _host_memory(facts: Facts) -> Finding | None:
    return _memory("host-memory", "host's", facts.host_used_bytes, facts.host_total_bytes, facts)


def _memory(rule: str, whose: str, used: int | None, total: int | None, facts: Facts) -> Finding | None:
    assert used is not None
    assert total is not None
    fraction = used / total if total else 0.0
    severity = severity_of(rule, fraction)
    if severity is None:
        return None
    on_gpu = rule == "gpu-memory"
    advice = (
        "Half the batch size with twice the gradient accumulation makes the same steps with half the activation memory."
        if on_gpu
        else "Fewer DataLoader workers need less, and so does a smaller batch; other programs may be the cause."
    )
    fact = f"{percent(fraction)} of the {whose} memory is in use: {size(used)} of {size(total)}"
    return finding(rule, severity, fact, advice, changes.halved_batch(facts) if on_gpu else ())


def _growing_memory(facts: Facts) -> Finding | None:
    assert facts.memory is not None
    return next((found for trend in facts.memory if (found := _growing(trend, facts)) is not None), None)


def _growing(trend: MemoryTrend, facts: Facts) -> Finding | None:
    first, second, third, fourth = trend.quarters
    growth = fourth - first
    rises = first < second < third < fourth and fourth - third >= LAST_QUARTER * growth
    severity = severity_of("growing-memory", growth / first if first else 0.0)
    if severity is None or growth < LEAST_GROWTH_BYTES or not rises:
        return None
    fact = (
        f"the memory of {trend.what} has grown from {size(first)} to {size(fourth)} in {duration(trend.seconds)}, "
        f"by {size(60 * trend.bytes_per_second)} a minute"
    )
    if trend.available_bytes is not None:
        lasts = trend.available_bytes / trend.bytes_per_second
        fact += f"; the free memory lasts for {duration(lasts)}"
        if facts.seconds_left is not None and lasts < facts.seconds_left:
            severity = "critical"
    return finding(
        "growing-memory",
        severity,
        fact,
        "Something is kept from step to step. In your own data set or model, look for lists that only grow and "
        "for tensors that keep their autograd graph (detach them).",
    )


def _busy_cores(facts: Facts) -> Finding | None:
    assert facts.cpu_wait_fraction is not None
    assert facts.other_cores is not None
    severity = severity_of("busy-cores", facts.cpu_wait_fraction)
    if severity is None or facts.other_cores < LEAST_OTHER_CORES:
        return None
    of_cores = "" if facts.cores is None else f" of the {count(facts.cores)}"
    change = changes.fewer_threads(facts)
    advice = "Wait until those programs have ended, or give the run cores of its own (taskset)."
    if change:
        advice = (
            "PyTorch's threads wait for each other, so one thread without a core holds up all of them. Fewer threads "
            "leave the other programs their cores. Results may then differ in the last digits."
        )
    return finding(
        "busy-cores",
        severity,
        f"other programs keep {min(facts.other_cores, facts.cores or facts.other_cores):.1f}{of_cores} cores busy: "
        f"{_slowed(facts)}threads wait for a core {percent(facts.cpu_wait_fraction)} of the time that they could run",
        advice,
        change,
    )


def _slowed(facts: Facts) -> str:
    """How much longer a step takes than in the run's fastest second, in words; empty for a small factor."""
    if facts.slowdown is None or facts.slowdown < LEAST_SLOWED:
        return ""
    return f"a step takes {facts.slowdown:.{0 if facts.slowdown >= 10 else 1}f} times as long as it could, and "


def _step_outliers(facts: Facts) -> Finding | None:
    assert facts.p99_to_median is not None
    assert facts.max_to_median is not None
    if facts.cpu_wait_fraction is not None and facts.other_cores is not None and _busy_cores(facts) is not None:
        return None  # busy cores are the cause
    severity = severity_of("step-outliers", facts.p99_to_median)
    if severity is None and facts.max_to_median >= SINGLE_OUTLIER:
        severity = "note"
    if severity is None:
        return None
    median = "" if facts.step_median_ms is None else f" of {milliseconds(facts.step_median_ms)}"
    return finding(
        "step-outliers",
        severity,
        f"over {facts.steps_over}, p99 is {facts.p99_to_median:.1f} times the median{median}; "
        f"the longest step of a second takes {facts.max_to_median:.1f} times the median of that second",
        "Something interrupts training: other programs on the same cores or GPU, a data set that stalls at times, or "
        "inputs that change their shape.",
    )


def _batch_below_knee(facts: Facts) -> Finding | None:
    assert facts.batch_scan is not None
    assert facts.preset is not None
    assert facts.prepared is not None
    paces = {
        each.batch_size: each.samples_per_second
        for each in facts.batch_scan.measured
        if each.samples_per_second is not None
    }
    present, knee = facts.preset.data.batch_size, facts.batch_scan.knee
    most = facts.prepared.train_samples // changes.LEAST_STEPS_PER_EPOCH
    larger = [size for size in paces if knee is not None and present < size <= min(knee, most)]
    if not larger:
        return None
    # Between two sizes the larger one's pace is taken: the present batch is not slower than it is.
    now, target = paces[min(size for size in paces if size >= present)], max(larger)
    severity = severity_of("batch-below-knee", now / paces[target])
    if severity is None:
        return None
    learning_rate, sentence = scaled_rate(facts.preset.optimizer, present, target)
    rescaled: tuple[str, ...] = (f"optimizer.learning_rate={learning_rate!r}",)
    if learning_rate == facts.preset.optimizer.learning_rate:
        rescaled = ()
    what = "the knee" if target == knee else "the largest that leaves an epoch ten steps"
    return finding(
        "batch-below-knee",
        severity,
        f"about {rate(now)} samples/s at batch size {present}, and {rate(paces[target])} at {target}, {what}",
        f"A larger batch uses the device better; it also changes the learning: {sentence}.",
        (f"data.batch_size={target}", *rescaled),
    )


def _whole_steps(facts: Facts) -> str:
    """What runs whole steps at once, in words."""
    return "torch.compile or a CUDA graph" if facts.preset is None else "an engine that runs whole steps at once"


def _of_a_step(facts: Facts, fraction: float) -> str:
    """The fraction of a step, and the time where it is known."""
    if facts.step_median_ms is None:
        return f"{percent(fraction)} of a step"
    return f"{percent(fraction)} of a step ({milliseconds(fraction * facts.step_median_ms)})"


SPEED_RULES = (
    Rule("waiting-for-data", ("phase_fractions",), _waiting_for_data),
    Rule("loader-workers", ("phase_fractions", "preset", "prepared", "cores"), _loader_workers),
    Rule("transfer", ("phase_fractions",), _transfer),
    Rule("gpu-memory", ("gpu_used_bytes", "gpu_total_bytes"), _gpu_memory),
    Rule("host-memory", ("host_used_bytes", "host_total_bytes"), _host_memory),
    Rule("growing-memory", ("memory",), _growing_memory),
    Rule("gpu-idle", ("gpu_busy_fraction",), _gpu_idle),
    Rule("overhead", ("phase_fractions",), _overhead),
    Rule("matrix-units", ("preset", "prepared", "phase_fractions"), _matrix_units),
    Rule("busy-cores", ("cpu_wait_fraction", "other_cores"), _busy_cores),
    Rule("batch-below-knee", ("batch_scan", "preset", "prepared"), _batch_below_knee),
    Rule("step-outliers", ("p99_to_median", "max_to_median"), _step_outliers),
)
