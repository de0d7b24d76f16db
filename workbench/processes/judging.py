"""The request to the process that judges a run's model, and its answers: an evaluation with curves, and samples.

The process keeps what it has evaluated, so that asking for other samples of the same model takes no second evaluation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.processes.data import Sample
from workbench.processes.evaluation import EvaluatedSample, Evaluation, EvaluationRequest
from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress

MOST_SAMPLES = 24
"""Samples of a choice that are sent with their pictures: a line of the process has 4 MiB at most."""
MOST_CURVES = 50
"""Of more classes, those that are told apart worst have curves."""
CURVE_POINTS = 101
"""Of a curve of a class, at equal distances from 0 to 1."""
MOST_TARGETS = 8
"""Of a regression with more, the first are sent."""
MOST_POINTS = 2000
"""Samples of a regression that are sent as points; of more, the largest errors and others spread over all samples."""
RESIDUAL_BINS = 120
"""Of a histogram; a number that many numbers divide, so that its bins can be joined."""

Which = Literal["worst", "surprising", "cell"]


@dataclass(frozen=True)
class Choice:
    """Which samples to send."""

    which: Which = "worst"
    """worst: those with the highest loss; surprising: wrong predictions, those with the highest probability first;
    cell: those of one class that are predicted as another or the same one, the highest loss first."""
    true: int = 0
    """Of a cell: the number of the right class."""
    predicted: int = 0


@dataclass(frozen=True)
class JudgeRequest:
    """A model and the data to judge it on."""

    evaluation: EvaluationRequest
    samples: Choice | None = None
    """Answers with these samples; None: with a `Judgement`."""


@dataclass(frozen=True)
class ClassCurves:
    """How well the probability of one class tells its samples from all others."""

    number: int
    """Of the class."""
    samples: int
    """Those of the class."""
    area: float
    """Under the ROC curve."""
    average_precision: float
    """Area under the precision-recall curve, as steps."""
    found: list[float]
    """ROC: the fraction of the class that is found, at each false positive rate from 0 to 1."""
    precision: list[float]
    """The fraction of predictions that are right, at each recall from 0 to 1."""


@dataclass(frozen=True)
class Fit:
    """Predicted against true numbers of one target, in the data's own unit."""

    true: list[float]
    """Of some samples; so is the next one."""
    predicted: list[float]
    low: float
    """Where the first bin of `counts` begins; residuals are predicted - true."""
    high: float
    """Where the last one ends."""
    counts: list[int]
    """How many samples have a residual in each of the bins, which are equally wide."""


@dataclass(frozen=True)
class Judgement:
    """The answer."""

    evaluation: Evaluation
    curves: list[ClassCurves] = field(default_factory=list)
    """Of classes that some samples have and others have not; those that are told apart worst come first."""
    fits: list[Fit] = field(default_factory=list)
    """Of the targets of a regression, as in `evaluation.residuals`; empty where a prediction is not finite."""


@dataclass(frozen=True)
class JudgedSample:
    """A sample, what was predicted of it, and what it looks like."""

    said: EvaluatedSample
    picture: Sample | None = None
    """None for a window of text, which `said` shows."""


@dataclass(frozen=True)
class Samples:
    """The answer to a request for samples."""

    total: int
    """How many there are of this choice."""
    samples: list[JudgedSample]
    """The first of them."""


async def judge(process: MeasuringProcess, request: EvaluationRequest) -> AsyncIterator[Progress | Judgement]:
    """Judges a model in a process of `Module.JUDGE`; yields its messages, the answer last. Raises WorkbenchError."""
    async for message in process.ask(JudgeRequest(request), {ANSWER: Judgement}):
        yield message


async def choose_samples(
    process: MeasuringProcess, request: EvaluationRequest, choice: Choice
) -> AsyncIterator[Progress | Samples]:
    """Samples of a model that is judged in the process, or will be; yields its messages. Raises WorkbenchError."""
    async for message in process.ask(JudgeRequest(request, choice), {ANSWER: Samples}):
        yield message
