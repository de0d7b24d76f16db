"""From where on a fact matters, and who says so: one entry a rule."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.processes.comparison import Measure

LEAST_STEPS = 20
"""Before so many steps nothing is said: the first ones warm up."""

SINGLE_OUTLIER = 20.0
"""A longest step of a second of so many times the median is worth a note."""


@dataclass(frozen=True)
class Policy:
    """The thresholds of a rule."""

    title: str
    """Two or three words, as the finding is called."""
    warning: float | None
    """From here on it is a warning; None if it never is one."""
    critical: float | None
    """From here on it is critical; None if it never is."""
    threshold: str
    """The same for people, with the unit."""
    source: str
    """Who says so: a paper, a tool, a measurement, or our own reason."""
    below: bool = False
    """True where small values are the bad ones."""
    measure: Measure = "speed"
    """By what it is decided whether the change that the rule proposes helps."""

    def passes(self, value: float, limit: float | None) -> bool:
        """Whether `value` has reached the limit."""
        if limit is None:
            return False
        return value < limit if self.below else value >= limit


_TRACEML = "TraceML's diagnostics (traceopt-ai/traceml), which warn from the same shares on"
_SLOPE = "Glorot and Bengio (2010): what sits where the slope is nearly 0 passes hardly any gradient on"

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
        "our own: then the host takes longer to say what to compute than the GPU takes to compute it",
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
        "idle matrix units",
        0.50,
        None,
        "float32 while forward and backward take 50 % of a step, on a card with matrix units for tf32 and bf16",
        "NVIDIA's A100 whitepaper: tf32 products have up to 8 times the rate of float32 ones, bf16 16 times",
    ),
    "gpu-memory": Policy(
        "GPU memory",
        0.90,
        0.97,
        "90 % in use warns, 97 % is critical",
        "our own: validation, a longer batch or another process need the last tenth",
        measure="memory",
    ),
    "host-memory": Policy(
        "host memory",
        0.90,
        0.97,
        "90 % in use warns, 97 % is critical",
        "our own: below that Linux starts to swap, or ends a process",
    ),
    "growing-memory": Policy(
        "growing memory",
        0.05,
        None,
        "at least 5 % and 32 MiB more over the last minutes, rising to the end, warns; critical where the free "
        "memory does not last until the run ends",
        "our own: a training that has warmed up needs the same memory in every step",
    ),
    "busy-cores": Policy(
        "busy cores",
        0.10,
        0.50,
        "waiting for a core 10 % of the time warns, 50 % is critical, where other programs take a quarter of a core",
        "our own: threads that wait for each other all wait for the one that finds no core; measured by "
        "tests.benchmarks.busy",
    ),
    "step-outliers": Policy(
        "uneven steps",
        2.0,
        None,
        "the slowest 1 % of the steps take at least twice the median; a note where one step a second takes 20 times",
        "our own: steps of one shape take equal time; MLPerf Inference judges by the 99th percentile too",
    ),
    # Learning.
    "not-finite": Policy(
        "not finite",
        0.0,
        0.0,
        "the first NaN or infinite value",
        "IEEE 754: from NaN only NaN follows",
        measure="validation_loss",
    ),
    "loss-rising": Policy(
        "rising loss",
        0.10,
        0.50,
        "10 % of what was gained since the start lost again warns, 50 % is critical",
        "our own: the mean of an epoch hardly wavers by so much unless the steps are too long",
        measure="validation_loss",
    ),
    "loss-spike": Policy(
        "loss spike",
        2.0,
        None,
        "one step's loss at least twice the loss at the start, after the first epoch",
        "our own: the start is what guessing gives, so no batch is twice as hard; large models are restarted after "
        "such a spike (Chowdhery et al. 2022, PaLM, section 5.1)",
        measure="validation_loss",
    ),
    "loss-not-falling": Policy(
        "loss stands still",
        0.01,
        None,
        "less than 1 % lower over 10 epochs; a warning while the loss is above half of that at the start",
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
        "Lu et al. (2019), Dying ReLU and initialization: a unit that is never active learns no more",
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
        "mean |gradient| of a weight below 1e-7 while the loss is above a tenth of that at the start",
        "float32 has 7 digits: of a weight near 1, a change by less than 1e-7 is rounded away",
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
