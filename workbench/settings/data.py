"""Data: where samples come from.

A new kind of data is one more choice here. Its `build()` returns `Samples`, with a reader of new inputs, and where
needed with an encoding and a collate function, see `workbench.data.samples`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.data.filling import FILLINGS
from workbench.settings.audio_data import AudioFolder, AudioTable, SpokenDigits
from workbench.settings.base import CODE_PATTERN, Arguments, Family, PathText, members, setting
from workbench.settings.data_choice import (
    MISSING_VALUES,
    Augmented,
    Normalize,
    NumberData,
    TaskName,
    default_data_folder,
    memory_limit_bytes,
    normalize,
)
from workbench.settings.text_data import Docstrings, TextFile, TextFolder, TextTable, Topics

if TYPE_CHECKING:
    from workbench.data.samples import Samples
    from workbench.metrics import TaskKind
    from workbench.settings.data_choice import Report


class Digits(Augmented):
    """1,797 handwritten digits of 8 × 8 pixels; bundled."""

    name: Literal["digits"] = "digits"

    def build(self, report: Report) -> Samples:
        from workbench.data import bundled

        return bundled.digits()


class Iris(NumberData):
    """150 iris flowers, 4 features, 3 species; bundled."""

    name: Literal["iris"] = "iris"

    def build(self, report: Report) -> Samples:
        from workbench.data import bundled

        return bundled.iris()


class Wine(NumberData):
    """178 wines, 13 features, 3 growers; bundled."""

    name: Literal["wine"] = "wine"

    def build(self, report: Report) -> Samples:
        from workbench.data import bundled

        return bundled.wine()


class BreastCancer(NumberData):
    """569 tumours, 30 features, malignant or benign; bundled."""

    name: Literal["breast_cancer"] = "breast_cancer"

    def build(self, report: Report) -> Samples:
        from workbench.data import bundled

        return bundled.breast_cancer()


class Diabetes(NumberData):
    """442 patients, 10 features, progression after a year (regression); bundled."""

    name: Literal["diabetes"] = "diabetes"

    @property
    def predicts(self) -> TaskKind | None:
        return "regression"

    def build(self, report: Report) -> Samples:
        from workbench.data import bundled

        return bundled.diabetes()


class TorchvisionSet(Augmented):
    """A data set that torchvision downloads."""

    folder: PathText = setting(
        "",
        "folder of the files, downloaded or not; empty: the folder in WORKBENCH_DATA, else the user's cache",
        empty="default folder",
    )

    @property
    def brings_test(self) -> bool | None:
        return True

    def build(self, report: Report) -> Samples:
        from workbench.data.torchvision_sets import torchvision_set

        return torchvision_set(self.label(), Path(self.folder or default_data_folder()), report)


class Mnist(TorchvisionSet):
    """70,000 handwritten digits of 28 × 28 pixels; downloaded once (11 MB)."""

    name: Literal["mnist"] = "mnist"


class FashionMnist(TorchvisionSet):
    """70,000 pictures of clothes, 28 × 28 pixels, 10 classes; downloaded once (30 MB)."""

    name: Literal["fashion_mnist"] = "fashion_mnist"


class Kmnist(TorchvisionSet):
    """70,000 cursive Japanese characters, 28 × 28 pixels, 10 classes; downloaded once (21 MB)."""

    name: Literal["kmnist"] = "kmnist"


class Cifar10(TorchvisionSet):
    """60,000 colour pictures of 32 × 32 pixels, 10 classes; downloaded once (170 MB)."""

    name: Literal["cifar10"] = "cifar10"


class Cifar100(TorchvisionSet):
    """60,000 colour pictures of 32 × 32 pixels, 100 classes; downloaded once (170 MB)."""

    name: Literal["cifar100"] = "cifar100"


class Svhn(TorchvisionSet):
    """99,289 house numbers, 32 × 32 colour pixels, 10 digits; downloaded once (250 MB)."""

    name: Literal["svhn"] = "svhn"


class ImageFolder(Augmented):
    """Your images, one folder per class: FOLDER/<class>/*.png, or FOLDER/{train,validation,test}/<class>/*.png."""

    name: Literal["image_folder"] = "image_folder"
    folder: PathText = setting(..., "the folder that contains one folder per class")
    size: int = setting(
        0,
        "side of the square that images are resized and cropped to; 0: keep their size, the same for all",
        unit="pixels",
        step=32,
        empty="as they are",
        ge=0,
    )
    colors: Literal["rgb", "gray"] = setting("rgb", "three channels or one")

    def build(self, report: Report) -> Samples:
        from workbench.data.image_folder import image_folder

        channels = 3 if self.colors == "rgb" else 1
        return image_folder(Path(self.folder), self.size, channels, memory_limit_bytes(), report)


class Csv(NumberData):
    """A CSV or TSV file with a header; numbers are standardised, categories one-hot encoded."""

    name: Literal["csv"] = "csv"
    file: PathText = setting(..., "path of the CSV or TSV file")
    target: str = setting(..., "the column to predict", names="columns")
    task: TaskName = setting(
        "auto", "classes or numbers to predict; auto: words and at most 20 different whole numbers are classes"
    )
    numeric: tuple[str, ...] = setting(
        (), "columns of numbers; empty: all that hold only numbers", names="columns", empty="all of numbers"
    )
    categorical: tuple[str, ...] = setting(
        (), "columns of categories; empty: all other columns", names="columns", empty="all others"
    )
    ignore: tuple[str, ...] = setting((), "columns to leave out", names="columns", empty="no column")
    delimiter: Literal["auto", ",", "\t", ";", "|"] = setting("auto", "separator of two fields")
    missing: Literal["error", "drop", "mean", "median"] = setting(
        "error",
        "rows with missing values: an error, or dropped; or filled in, as the training split says: numbers with the "
        "mean or median, words with the most frequent",
    )
    missing_values: tuple[str, ...] = setting(
        MISSING_VALUES, 'exact texts that stand for a missing value; [""] keeps None, NA and Na as words'
    )
    decimal: Literal["auto", ".", ","] = setting("auto", "decimal separator of numbers")
    thousands: Literal["auto", "none", ",", ".", "'", " "] = setting("auto", "thousands separator of numbers")

    @property
    def fills_gaps(self) -> bool:
        """Whether missing values are filled in."""
        return self.missing in FILLINGS

    @property
    def predicts(self) -> TaskKind | None:
        return None if self.task == "auto" else self.task

    def build(self, report: Report) -> Samples:
        from workbench.data.table import table
        from workbench.errors import PresetError

        if self.decimal == self.thousands != "auto":
            raise PresetError(f"data.decimal and data.thousands are both {self.decimal!r}; they must differ")
        return table(
            Path(self.file),
            self.target,
            self.task,
            self.numeric,
            self.categorical,
            self.ignore,
            self.delimiter,
            self.missing,
            self.missing_values,
            self.decimal,
            self.thousands,
            self.normalize,
        )


class Npz(NumberData):
    """A NumPy .npz file with arrays x and y, or x_train, y_train, x_test, y_test."""

    name: Literal["npz"] = "npz"
    normalize: Normalize = normalize("as they are, pixels from 0 to 1")
    file: PathText = setting(..., "path of the .npz file")
    task: TaskName = setting("auto", "classes or numbers to predict; auto: classes if y is of a whole-number type")
    channels: Literal["auto", "first", "last"] = setting(
        "auto",
        "where four-dimensional x has its channels: first, (n, channels, height, width), or last; auto: by its shape",
    )

    @property
    def predicts(self) -> TaskKind | None:
        return None if self.task == "auto" else self.task

    def build(self, report: Report) -> Samples:
        from workbench.data.arrays import arrays

        return arrays(Path(self.file), self.task, self.channels)


class ModuleData(NumberData):
    """Your own data: a function `package.module:function` that returns datasets."""

    name: Literal["module"] = "module"
    normalize: Normalize = normalize("as they are, pixels from 0 to 1")
    function: str = setting(..., "package.module:function, called as function(**arguments)", pattern=CODE_PATTERN)
    arguments: Arguments = setting({}, "keyword arguments for the function", empty="no arguments")
    channels: Literal["auto", "first", "last"] = setting(
        "auto",
        "where samples of three dimensions have their channels; first: as models need them; auto: by their shape",
    )

    @property
    def predicts(self) -> TaskKind | None:
        return None

    def build(self, report: Report) -> Samples:
        from workbench.data.user import from_user
        from workbench.settings.code import call

        return from_user(call(self.function, **self.arguments), self.function, self.channels)


Data = Annotated[
    Digits
    | Iris
    | Wine
    | BreastCancer
    | Diabetes
    | Mnist
    | FashionMnist
    | Kmnist
    | Cifar10
    | Cifar100
    | Svhn
    | ImageFolder
    | AudioFolder
    | AudioTable
    | SpokenDigits
    | Csv
    | Docstrings
    | TextTable
    | TextFolder
    | Topics
    | TextFile
    | Npz
    | ModuleData,
    Field(discriminator="name"),
]

DATA = Family("data", members(Data), Digits, plural="data")
