"""What a script's writer must know beside the preset: what the data turned out to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress


@dataclass(frozen=True)
class Request:
    """A look at the data of a run."""

    preset: str
    """As TOML."""


@dataclass(frozen=True)
class Table:
    """How a table in a file is read."""

    encoding: str
    delimiter: str
    is_compressed: bool
    numeric: list[str]
    """Columns of numbers, in their order."""
    categories: dict[str, list[str]]
    """The words of each other column, each a column of zeros and ones."""
    drops_missing: bool
    """Whether rows with missing values are left out."""


@dataclass(frozen=True)
class Arrays:
    """How the arrays of an .npz file are read."""

    splits: dict[str, str]
    """What follows x and y in the names of the arrays of each split."""
    adds_channel: bool
    """Whether images are grey, without a dimension for channels."""
    channels_last: bool
    classes: str
    """How y says classes: numbers (0, 1, 2 and so on), renumbered, one_hot; empty for a regression."""


@dataclass(frozen=True)
class Folder:
    """How a folder of images is read."""

    splits: dict[str, str]
    """The folder of each split, below the one of all; empty for that one itself."""
    suffixes: list[str]


@dataclass(frozen=True)
class Sounds:
    """How recordings are read and encoded."""

    folder: str
    length: int
    """Samples of a recording, after resampling."""
    window: int = 0
    """Samples of a spectrogram's window; 0 for another encoding."""
    hop: int = 0
    fft: int = 0
    """Samples of a Fourier transform."""
    at_once: int = 0
    """Recordings that are encoded at a time."""
    speaker: str = ""
    """A regular expression whose group is the speaker in a file's name."""
    held_out: dict[str, list[str]] = field(default_factory=dict)
    """The speakers of each split that is held out."""


@dataclass(frozen=True)
class DocstringFacts:
    """Which docstrings are read."""

    modules: list[str]
    """Of each package, in the order of the classes."""
    skipped: list[str]
    """Folders that are left out."""
    names: str
    """A regular expression of the words that are masked, in upper or lower case."""
    mask: str
    most: int
    """Paragraphs of a package."""
    shortest: int
    """Characters of a paragraph."""


@dataclass(frozen=True)
class Facts:
    """What the data and the model turned out to be, when they were built as the run built them."""

    task: str
    """classification, regression or language_modeling."""
    outputs: int
    input_shape: list[int]
    """Of one sample, as the model takes it."""
    raw_type: str
    """The type of a sample as it is read, such as uint8; text for texts."""
    train_samples: int
    validation_samples: int | None
    test_samples: int | None
    samples_per_epoch: int
    """Without a last batch that is left out."""
    own_validation: bool
    """Whether the data comes with a validation split."""
    own_test: bool
    monitor: str
    """The metric that decides which epoch is the best."""
    is_grouped: bool = False
    """Whether samples of one group stay in one split."""
    evaluates_by_training_batches: bool = False
    """Whether evaluation takes batches of the size of the training's."""
    has_binary_columns: bool = False
    """Whether some columns of a table hold only 0 and 1, which are not standardised."""
    vocabulary: int | None = None
    implementation: dict[str, bool] = field(default_factory=dict)
    """Arguments that choose the optimizer's implementation, such as fused."""
    multiplies_by_onednn: bool = False
    """Whether oneDNN multiplies float32 matrices on this machine, see `training.matmul_backend`."""
    classes: list[str] = field(default_factory=list)
    is_one_text: bool = False
    """Whether samples are windows of one text, whose parts are never drawn at random."""
    cuts_padding: bool = False
    """Whether batches of a split are cut to the widths that their texts need."""
    groups_by_length: bool = False
    """Whether training batches are of texts of one width."""
    files: list[str] = field(default_factory=list)
    """Of one long text."""
    table: Table | None = None
    arrays: Arrays | None = None
    folder: Folder | None = None
    sounds: Sounds | None = None
    docstrings: DocstringFacts | None = None
    torchvision_class: str = ""
    """Of torchvision.datasets, for its data sets."""


KINDS: dict[str, type] = {ANSWER: Facts}


async def ask_for_facts(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | Facts]:
    """Prepares a run's data in a process of `Module.SCRIPT`; yields its messages, the facts last.

    Raises WorkbenchError.
    """
    async for message in process.ask(request, KINDS):
        yield message
