"""The request to the process that evaluates a run's model, and its answer: metrics, calibration, the worst samples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from workbench.errors import UsageError
from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress
from workbench.runs.typed import metrics

MOST_WORST = 1000
MOST_TARGETS = 100
"""Of a regression with more, the first are described."""
CONFIDENT = 0.9
"""From this probability on, a wrong prediction is a confident mistake."""

SplitChoice = Literal["auto", "test", "validation", "train", "all"]
SPLIT_CHOICES: tuple[SplitChoice, ...] = ("auto", "test", "validation", "train", "all")


@dataclass(frozen=True)
class EvaluationRequest:
    """A model and the data to evaluate it on."""

    checkpoint: str
    """Path of best.pt, or of last.pt where no best epoch was kept."""
    preset: str
    """That of the run as TOML, with the device to compute on."""
    data: str | None = None
    """The preset whose data it is, as TOML; None for the run's own data."""
    split: SplitChoice = "auto"
    """auto: the test split, or all samples of other data that brings none."""
    worst: int = 10
    """How many of the worst samples to list."""
    last_checkpoint: str = ""
    """Path of last.pt, which says what the run's data were; empty where there is none."""
    class_counts: list[int] | None = None
    """How often each class occurs in the run's training split, by which its loss may weigh them."""

    def __post_init__(self) -> None:
        if not 0 <= self.worst <= MOST_WORST:
            raise UsageError(f"--worst takes a number from 0 to {MOST_WORST:,}, not {self.worst}")


@dataclass(frozen=True)
class ReliabilityBin:
    """The predictions whose probability is above `low` and at most `high`."""

    low: float
    high: float
    predictions: int
    confidence: float | None
    """The mean of their probabilities; None without predictions."""
    accuracy: float | None
    """The fraction of them that is right."""


@dataclass(frozen=True)
class Calibration:
    """Whether the probabilities of the predicted classes are the fractions of predictions that are right."""

    expected_error: float
    """The mean of |accuracy - confidence| over the bins, weighted by their predictions (Naeini et al., 2015)."""
    brier: float
    """The mean over the predictions of the squared differences to 1 for the right class and 0 for the others (1950)."""
    bins: list[ReliabilityBin]


@dataclass(frozen=True)
class ConfidentMistakes:
    """Wrong predictions with a high probability."""

    probability: float
    """From which on a prediction counts as confident."""
    predictions: int
    """How many predictions are confident."""
    mistakes: int
    """How many of them are wrong."""


@dataclass(frozen=True)
class Residuals:
    """Predicted minus true numbers of one target, in the data's own unit."""

    target: str
    """Its name; empty where the data has none."""
    mean: float
    deviation: float
    """Of the population."""
    quantiles: dict[str, float]
    """By percent, such as "5" and "50"."""
    rmse: float
    mae: float
    r2: float | None
    """None where the target is constant."""


@dataclass(frozen=True)
class Confused:
    """A class and another that it is taken for."""

    true: str
    predicted: str
    samples: int


@dataclass(frozen=True)
class EvaluatedSample:
    """What the model predicts of a sample, and what is right. Of a language model, the sample is a window of text."""

    number: int
    """In its split, from 0."""
    split: str
    """train, validation or test; all for data without splits."""
    loss: float | None
    """Of a batch that has this sample alone; None where it is not finite."""
    origin: str = ""
    """Where it comes from, such as "line 17" or the name of a file; empty where that is not known."""
    true: str = ""
    """The right class; of a window, the token that has the lowest probability."""
    predicted: str = ""
    """The predicted class, or the token predicted in its place."""
    probability: float | None = None
    """Of what is predicted."""
    probability_of_true: float | None = None
    text: str = ""
    """The beginning of a text; of a language model, the window."""
    place: int | None = None
    """Where in the window the token is, from 0."""
    true_values: list[float] = field(default_factory=list)
    """Numbers to predict, one for each target; of many targets the first."""
    predicted_values: list[float] = field(default_factory=list)
    """NaN where a number is not finite."""


@dataclass(frozen=True)
class Evaluation:
    """The answer."""

    weights: str
    """Of which epoch the weights are: "best epoch 7", or "last checkpoint, after 3 epochs"."""
    data: str
    """The name of the data source, and its file or folder."""
    split: str
    """What was evaluated: train, validation, test or all."""
    samples: int
    device: str
    task: str
    learns: str
    """What there is to predict, in words."""
    monitor: str
    """The metric that the best epoch was chosen by."""
    classes: list[str]
    """Those of the model, in the order of the lists of `metrics`."""
    metrics: Annotated[dict[str, Any], metrics]
    """The loss, all metrics of the task, and the numbers of each class, as in a run's test."""
    calibration: Calibration | None = None
    """Of classes or tokens."""
    confident_mistakes: ConfidentMistakes | None = None
    confused: list[Confused] = field(default_factory=list)
    """The most frequent pairs of a class and another that is predicted in its place."""
    residuals: list[Residuals] = field(default_factory=list)
    """Of a regression, for each target, or the first of many; empty where a prediction is not finite."""
    worst: list[EvaluatedSample] = field(default_factory=list)
    """Those with the highest loss, the worst first."""
    confident: list[EvaluatedSample] = field(default_factory=list)
    """The most confident mistakes, the most confident first."""
    data_changes: str = ""
    """How the run's own data have changed since; empty where they are the same or are not compared."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how the data were read, and of the probabilities."""


KINDS: dict[str, type] = {ANSWER: Evaluation}


async def evaluate(process: MeasuringProcess, request: EvaluationRequest) -> AsyncIterator[Progress | Evaluation]:
    """Evaluates a model in a process of `Module.EVALUATION`; yields its messages, the answer last.

    Raises WorkbenchError.
    """
    async for message in process.ask(request, KINDS):
        yield message
