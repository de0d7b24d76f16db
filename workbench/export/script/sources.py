"""How a script reads its samples: a function `load_data`, which gives the splits that the data comes with."""

from __future__ import annotations

from collections.abc import Callable

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.files import arrays_part, folder_part, table_part
from workbench.export.script.part import Part
from workbench.export.script.sounds import sounds_part
from workbench.export.script.templates import fill
from workbench.export.script.texts import docstrings_part, long_text_part, text_folder_part, text_table_part
from workbench.settings.audio_data import AudioFolder, SpokenDigits
from workbench.settings.data import BreastCancer, Csv, Diabetes, Digits, ImageFolder, Iris, Npz, TorchvisionSet, Wine
from workbench.settings.data_choice import default_data_folder
from workbench.settings.preset import Preset
from workbench.settings.text_data import Docstrings, TextFile, TextFolder, TextTable, Topics

Source = Callable[[Preset, Facts], Part]

DIGITS = '''
def load_data() -> dict[str, Split]:
    """1,797 handwritten digits: uint8 images (n, 1, 8, 8) and classes (n,)."""
    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    return {"train": (torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(digits.target.astype(np.int64)))}
'''

TABLE = '''
def load_data() -> dict[str, Split]:
    """$what."""
    table = $loader($arguments)
    inputs = torch.from_numpy(table.data.astype(np.float32))
    targets = torch.from_numpy(table.target.astype($type))
    return {"train": (inputs, targets)}  #? !numbers
    return {"train": (inputs, targets.unsqueeze(1))}  #? numbers
'''

BUNDLED = {
    Iris: ("load_iris", "150 iris flowers: four measures and the species"),
    Wine: ("load_wine", "178 wines: 13 measures and the grower"),
    BreastCancer: ("load_breast_cancer", "569 tumours: 30 measures, malignant or benign"),
    Diabetes: ("load_diabetes", "442 patients: ten measures, and how far the disease was a year later"),
}
"""scikit-learn's function for each table, and what it holds."""

TORCHVISION = '''
def load_data() -> dict[str, Split]:
    """Training and test images of $name, downloaded if they are missing: uint8 (n, channels, height, width)."""
    splits = {}
    for split, dataset in (
        ("train", $train),
        ("test", $test),
    ):
        pixels = torch.as_tensor(dataset.data)
        pixels = pixels.unsqueeze(1)  #? gray
        pixels = pixels.permute(0, 3, 1, 2)  #? colours_last
        splits[split] = (pixels.contiguous(), torch.as_tensor(dataset.$targets, dtype=torch.int64))
    return splits
'''

OTHERS: dict[type, Source] = {
    Csv: table_part,
    Npz: arrays_part,
    ImageFolder: folder_part,
    Docstrings: docstrings_part,
    Topics: long_text_part,
    TextFile: long_text_part,
    TextTable: text_table_part,
    TextFolder: text_folder_part,
    AudioFolder: sounds_part,
    SpokenDigits: sounds_part,
}


def source_part(preset: Preset, facts: Facts) -> Part:
    """The function that reads the data. Raises UsageError where a script cannot."""
    data = preset.data
    if isinstance(data, Digits):
        needed = ("import numpy as np", "from sklearn.datasets import load_digits")
        return Part(fill(DIGITS), needed)
    if type(data) in BUNDLED:
        return _bundled(preset, facts)
    if isinstance(data, TorchvisionSet):
        return _torchvision(data, facts.torchvision_class)
    if type(data) in OTHERS:
        return OTHERS[type(data)](preset, facts)
    raise UsageError(f'--to script cannot write data.name = "{data.label()}": reading that is more than a page of code')


def _bundled(preset: Preset, facts: Facts) -> Part:
    loader, what = BUNDLED[type(preset.data)]
    numbers = facts.task == "regression"
    code = fill(
        TABLE,
        {"numbers": numbers},
        what=what,
        loader=loader,
        arguments="scaled=False" if numbers else "",
        type="np.float32" if numbers else "np.int64",
    )
    return Part(code, ("import numpy as np", f"from sklearn.datasets import {loader}"))


def _torchvision(data: TorchvisionSet, name: str) -> Part:
    """name: of torchvision's class."""
    has_split_names = name == "SVHN"
    arguments = {
        split: f'split="{split}"' if has_split_names else f"train={split == 'train'}" for split in ("train", "test")
    }
    code = fill(
        TORCHVISION,
        {"gray": name.endswith("MNIST"), "colours_last": name.startswith("CIFAR")},
        name=name,
        train=f"{name}(FOLDER, {arguments['train']}, download=True)",
        test=f"{name}(FOLDER, {arguments['test']}, download=True)",
        targets="labels" if has_split_names else "targets",
    )
    return Part(
        code, (f"from torchvision.datasets import {name}",), (("FOLDER", data.folder or str(default_data_folder())),)
    )
