"""The request to the process that reads a preset's data, and its answer: what there is, and what samples look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from workbench.errors import UsageError
from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress
from workbench.settings.preset import Preset

SAMPLES, MOST_SAMPLES = 6, 64


@dataclass(frozen=True)
class Request:
    """A look at the data of a preset."""

    preset: str
    """As TOML."""
    samples: int = SAMPLES
    """Samples of the training split to describe; 0 for none."""
    seed: int = 0
    """Which samples these are."""

    @classmethod
    def of(cls, preset: Preset, samples: int = SAMPLES, seed: int = 0) -> Request:
        """The request for a preset. Raises UsageError for a number of samples that is out of bounds."""
        if not 0 <= samples <= MOST_SAMPLES:
            raise UsageError(f"--samples takes a number from 0 to {MOST_SAMPLES}, not {samples}")
        return cls(preset.with_absolute_paths().to_toml(), samples, seed)


@dataclass(frozen=True)
class SplitSize:
    """A split, and how many samples it has."""

    name: str
    """train, validation or test."""
    samples: int


@dataclass(frozen=True)
class ClassCount:
    """A class, and how many samples of it each split has."""

    name: str
    counts: dict[str, int]
    """By split; a split that would have to be read to be counted is absent."""


@dataclass(frozen=True)
class Numbers:
    """The numbers to predict of one target, in the training split."""

    name: str
    """Empty where the data names none."""
    lowest: float
    highest: float
    mean: float
    deviation: float
    """Of the population."""
    quantiles: dict[str, float]
    """By percent, such as "5" and "50"."""


@dataclass(frozen=True)
class Lengths:
    """How long the samples of the training split are."""

    unit: str
    """tokens or seconds."""
    least: float
    median: float
    percentile_95: float
    most: float
    measured: int
    """How many samples were measured: of very many, some."""
    limit: float | None = None
    """The length that the model gets at most; None where there is no limit."""
    cut: int | None = None
    """How many of those measured are longer than that, and so are cut; None where it is not known."""
    held_out: int = 0
    """How many samples of the validation and test split were measured; 0 where there is no limit."""
    held_out_cut: int = 0
    """How many of them are cut."""
    held_out_most: float = 0.0
    """The length of the longest of them."""


@dataclass(frozen=True)
class TensorShape:
    """Shape and type of a tensor of one sample."""

    name: str
    """Empty where a sample has one tensor."""
    shape: list[int]
    type: str


@dataclass(frozen=True)
class Row:
    """A sample of a table, or the first numbers of any other tensor."""

    names: list[str]
    """Of the columns, or the place of each number, such as [0, 3]."""
    values: list[float | None]
    """As the source gives them; None where one is not finite."""
    encoded: list[float | None]
    """The same as the model gets them; empty where the model gets another shape."""
    more: int = 0
    """How many numbers are left out."""


@dataclass(frozen=True)
class Image:
    """A picture, reduced where it is large."""

    channels: int
    """1 for grey, 3 for red, green and blue."""
    height: int
    width: int
    pixels: list[int]
    """From 0 to 255, (channels, height, width), the last dimension first."""
    black: float | None = None
    """The value that is 0 here, where the source has other numbers than 0 to 255. So is the next one 255."""
    white: float | None = None


@dataclass(frozen=True)
class Text:
    """The start of a text, and the tokens that the model gets of it."""

    text: str
    is_whole: bool
    tokens: list[str]
    """The first ones."""
    length: int
    """How many tokens it has."""
    kept: int
    """How many of them the model gets."""


@dataclass(frozen=True)
class Spectrogram:
    """What the model gets of a sound: a value for each frequency and moment, reduced where there are many."""

    name: str
    """Such as log-mel."""
    rows: int
    columns: int
    values: list[float]
    """From 0 to 1, (rows, columns); the first row is the lowest frequency."""
    seconds: float
    low: str
    """The lowest row, in words, such as 20 Hz."""
    high: str


@dataclass(frozen=True)
class Waveform:
    """A sound as it is: the least and the greatest value of each of its parts, from -1 to 1."""

    lows: list[float]
    highs: list[float]
    seconds: float
    sample_rate: int
    """In Hz."""


@dataclass(frozen=True)
class Sample:
    """A sample of the training split. It has one picture, and a sound may have two."""

    number: int
    """In the training split, from 0."""
    target: str
    """What the model should predict of it, in words."""
    row: Row | None = None
    image: Image | None = None
    text: Text | None = None
    waveform: Waveform | None = None
    spectrogram: Spectrogram | None = None


@dataclass(frozen=True)
class DataSummary:
    """The answer."""

    data: str
    """The name of the source."""
    task: str
    learns: str
    """What there is to predict, in words."""
    outputs: int
    splits: list[SplitSize]
    classes: list[ClassCount]
    """All in their order, or of many the largest."""
    more_classes: int
    """How many are left out of `classes`."""
    numbers: list[Numbers]
    """One for each of the first targets of a regression."""
    more_numbers: int
    raw: list[TensorShape]
    """As the source gives a sample."""
    model_input: list[TensorShape]
    """As the model gets it."""
    encoding: str
    """What turns the one into the other."""
    vocabulary: int | None = None
    """How many tokens there are; None where inputs are numbers."""
    lengths: Lengths | None = None
    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was left out, changed or assumed when the data was read."""


KINDS: dict[str, type] = {ANSWER: DataSummary}


async def look_at_data(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | DataSummary]:
    """Reads the data of a preset in a process of `Module.DATA`; yields its messages, the answer last.

    Raises WorkbenchError.
    """
    async for message in process.ask(request, KINDS):
        yield message
