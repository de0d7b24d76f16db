"""The thresholds of each rule, and their sources: one entry per rule."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.processes.comparison import Measure

LEAST_STEPS = 20
"""Steps before the first finding: the first steps warm up."""

SINGLE_OUTLIER = 20.0
"""A note where the longest step of a second takes this many times the median."""


@dataclass(frozen=True)
class Policy:
    """The thresholds of a rule."""

    title: str
    """The finding's title: two or three words."""
    warning: float | None
    """The threshold of a warning; None if it never is one."""
    critical: float | None
    """The threshold of a critical finding; None if it never is one."""
    threshold: str
    """Both thresholds in words, with the unit."""
    source: str
    """Where the thresholds come from: a paper, a tool, a measurement, or our own reason."""
    below: bool = False
    """Whether small values are bad."""
    measure: Measure = "speed"
    """The measure that decides whether the proposed change helps."""

    def passes(self, value: float, limit: float | None) -> bool:
        """Whether `value` has reached the limit."""
        if limit is None:
            return False
        return value < limit if self.below else value >= limit


_TRACEML = "TraceML's diagnostics (traceopt-ai/traceml), which warn at the same fractions"
_SLOPE = "Glorot and Bengio (2010): units where the slope is nearly 0 pass hardly any gradient"

DEAD_BELOW = "active for less than 1 % of the samples"

POLICY: dict[str, Policy] = {
    # Speed and memory.
    "waiting-for-data": Policy("waiting for data", 0.10, 0.20, "10 % of a step warns, 20 % is critical", _TRACEML),
    "transfer": Policy("moving samples", 0.10, 0.20, "10 % of a step warns, 20 % is critical", _TRACEML),
    "overhead": Policy("overhead", 0.10, 0.20, "10 % of a step outside every phase warns, 20 % is critical", _TRACEML),
    "gpu-idle": Policy(
        "idle GPU",
        0.50,
        None,
        "less than 50 % of the time busy warns",
        "our own: the host then takes longer to launch the work than the GPU takes to compute it",
        below=True,
    ),
    "loader-workers": Policy(
        "few loader workers",
        0.10,
        None,
        "waiting 10 % of a step while fewer workers than cores read",
        "PyTorch's performance tuning guide: more workers, as long as cores are free",
    ),
    "matrix-units": Policy(
        "idle tensor cores",
        0.50,
        None,
        "float32 while forward and backward take 50 % of a step, on a card with tensor cores for tf32 and bf16",
        "NVIDIA's A100 whitepaper: tf32 matrix multiplications reach up to 8 times the rate of float32, bf16 16 times",
    ),
    "gpu-memory": Policy(
        "GPU memory",
        0.90,
        0.97,
        "90 % in use warns, 97 % is critical",
        "our own: validation, a larger batch or another process needs the last tenth",
        measure="memory",
    ),
    "host-memory": Policy(
        "host memory",
        0.90,
        0.97,
        "90 % in use warns, 97 % is critical",
        "our own: with less free memory Linux starts to swap, or kills a process",
    ),
    "growing-memory": Policy(
        "growing memory",
        0.05,
        None,
        "at least 5 % and 32 MiB more over the last minutes, rising to the end, warns; critical where the free "
        "memory does not last until the run ends",
        "our own: after the warm-up, each step needs the same memory",
    ),
    "busy-cores": Policy(
        "busy cores",
        0.10,
        0.50,
        "waiting for a core 10 % of the time warns, 50 % is critical, where other programs take a quarter of a core",
        "our own: threads that wait for each other all wait for the one without a core; measured by "
        "tests.benchmarks.busy",
    ),
    "step-outliers": Policy(
        "uneven steps",
        2.0,
        None,
        "p99 at least twice the median; noted if at least one step per second takes 20 × the median",
        "our own: steps of one shape take equal time; MLPerf Inference uses the 99th percentile too",
    ),
    "batch-below-knee": Policy(
        "batch below knee",
        0.50,
        None,
        "less than half of the samples/s at the knee of the batch scan",
        "our own: batch sizes of these settings, measured on this device; the knee is within 5 % of the best",
        below=True,
    ),
    # Learning.
    "learning-rate-too-high": Policy(
        "learning rate too high",
        0.50,
        1.0,
        "half of the last rate before the loss diverges in the range test warns, that rate itself is critical",
        "Smith (2015), Cyclical learning rates, section 3.3: the largest useful rate lies below where the loss rises",
        measure="validation_loss",
    ),
    "not-finite": Policy(
        "not finite",
        0.0,
        0.0,
        "the first NaN or infinite value",
        "IEEE 754: NaN in, NaN out",
        measure="validation_loss",
    ),
    "loss-rising": Policy(
        "rising loss",
        0.10,
        0.50,
        "losing 10 % of the gain since the start warns, 50 % is critical",
        "our own: the mean of an epoch hardly varies that much unless the steps are too large",
        measure="validation_loss",
    ),
    "loss-spike": Policy(
        "loss spike",
        2.0,
        None,
        "one step's loss at least twice the loss at the start, after the first epoch",
        "our own: the loss at the start is that of guessing, so no batch is twice as hard; large models are restarted "
        "after such a spike (Chowdhery et al. 2022, PaLM, section 5.1)",
        measure="validation_loss",
    ),
    "loss-not-falling": Policy(
        "loss stands still",
        0.01,
        None,
        "less than 1 % lower over 10 epochs; a warning while the loss is above half of the loss at the start",
        "the patience of 10 epochs of PyTorch's ReduceLROnPlateau",
        below=True,
        measure="validation_loss",
    ),
    "overfitting": Policy(
        "overfitting",
        0.10,
        0.50,
        "validation loss 10 % above its best warns, 50 % is critical, while the training loss still falls",
        "Prechelt (1998), Early stopping - but when?: the generalisation loss GL; he stops at 1 to 5 %",
        measure="validation_loss",
    ),
    "dead-units": Policy(
        "dead units",
        0.50,
        0.90,
        f"50 % of a layer's units {DEAD_BELOW} warns, 90 % is critical",
        "Lu et al. (2019), Dying ReLU and initialization: a unit that is never active no longer learns",
        measure="dead_units",
    ),
    "saturated-units": Policy(
        "saturated units",
        0.50,
        0.90,
        "50 % of a layer's values saturated warns, 90 % is critical",
        _SLOPE,
        measure="saturated_units",
    ),
    "vanishing-gradient": Policy(
        "vanishing gradient",
        1e-7,
        None,
        "mean |gradient| of a weight below 1e-7 while the loss is above a tenth of the loss at the start",
        "float32 has 7 digits: a change of less than 1e-7 to a weight near 1 is rounded away",
        below=True,
        measure="validation_loss",
    ),
    "exploding-gradient": Policy(
        "exploding gradient",
        100.0,
        10_000.0,
        "gradient norm 100 warns, 10,000 is critical, unless it is clipped",
        "100 and 10,000 times the norm of 1 to which large models are clipped (Brown et al. 2020, GPT-3, appendix B)",
        measure="validation_loss",
    ),
    "class-imbalance": Policy(
        "uneven classes",
        4.0,
        99.0,
        "the most frequent class 4 times as frequent as the rarest warns, 99 times is critical",
        "Google's machine learning course: a minority below 20 % is a moderate, below 1 % an extreme imbalance",
        measure="f1",
    ),
}
"""The thresholds of every rule, by its name."""
