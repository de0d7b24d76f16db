"""The request to the process that predicts, and its messages: lines of the output as they come, and the counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress

LINES = "lines"
MOST_BATCH_SIZE = 2**24

SplitChoice = Literal["train", "validation", "test"]
SPLIT_CHOICES: tuple[SplitChoice, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Request:
    """What to predict, with what, and how to write it."""

    model: str
    """A run's directory, a checkpoint, or an exported file; absolute."""
    inputs: list[str] = field(default_factory=list)
    """Paths, and - for standard input."""
    texts: list[str] = field(default_factory=list)
    """Texts themselves."""
    descriptor: int | None = None
    """Of standard input, where an input is -."""
    split: str | None = None
    """One of SPLIT_CHOICES, of the run's own data, in place of inputs; None for inputs."""
    device: str = "auto"
    batch_size: int | None = None
    """Samples that are read and predicted at a time; None for as many as the run evaluated at a time."""
    format: Literal["jsonl", "csv"] = "jsonl"
    all_classes: bool = False
    """Whether each class has its probability, however many there are."""
    skip_broken: bool = False
    """Whether an input that cannot be read has an error in place of a prediction; otherwise it ends all."""
    overrides: list[str] = field(default_factory=list)
    """Assignments that say how a language model writes."""
    trust_code: bool = False


@dataclass(frozen=True)
class Lines:
    """Some lines of the output."""

    text: str
    """With their ends."""


@dataclass(frozen=True)
class Predicted:
    """The answer."""

    model: str
    """The file whose weights were used."""
    samples: int
    """How many were predicted."""
    broken: int
    """How many could not be."""
    seconds: float
    """From the first input to the last line."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    """Of a split, whose targets are known."""
    data_changes: str = ""
    """How the run's own data have changed since, where a split is predicted."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of the predictions."""


KINDS: dict[str, type] = {LINES: Lines, ANSWER: Predicted}


async def predict(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | Lines | Predicted]:
    """Predicts in a process of `Module.PREDICT`; yields its messages, the answer last. Raises WorkbenchError."""
    async for message in process.ask(request, KINDS):
        yield message
