"""How a script reads samples from the user's files: a table, arrays, a folder of images."""

from __future__ import annotations

from workbench.export.script.facts import Facts
from workbench.export.script.part import Code, Part
from workbench.export.script.templates import fill
from workbench.export.script.written import literal
from workbench.settings.data import Csv, ImageFolder, Npz
from workbench.settings.preset import Preset

TABLE = '''
def load_data() -> dict[str, Split]:
    """The rows of a table: its numbers, then zeros and ones for words, float64 (n, columns); and what to predict."""
    with $open as file:
        lines = csv.reader(file, delimiter=DELIMITER, skipinitialspace=True)
        rows = [[value.strip() for value in line] for line in lines]
    header, *rows = [row for row in rows if row not in ([], [""])]
    used = [header.index(name) for name in [$names]]  #? drops
    rows = [row for row in rows if not any(row[place] in MISSING for place in used)]  #? drops
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    inputs = [[float(value) for value in columns[name]] for name in NUMERIC]  #? numeric
    inputs = []  #? !numeric
    for name, words in CATEGORIES.items():  #? words
        inputs += [[float(value == word) for value in columns[name]] for word in words]  #? words
    targets = torch.tensor([CLASSES.index(value) for value in columns[TARGET]])  #? classes
    targets = torch.tensor([[float(value)] for value in columns[TARGET]], dtype=torch.float64)  #? !classes
    return {"train": (torch.tensor(inputs, dtype=torch.float64).T.contiguous(), targets)}
'''

ARRAYS = '''
def load_data() -> dict[str, Split]:
    """The arrays of a file: inputs in $type, and what to predict."""
    splits = {}
    with np.load(FILE) as arrays:
        known = np.unique(arrays[$train])  # classes are numbered in their order  #? renumbered
        for name, suffix in $splits.items():
            x, y = arrays[f"x{suffix}"], arrays[f"y{suffix}"]
            x = x[:, None]  # one channel  #? adds_channel
            x = np.moveaxis(x, -1, 1)  # channels first  #? channels_last
            y = y.argmax(1)  # one-hot  #? one_hot
            y = np.searchsorted(known, y.reshape(-1))  #? renumbered
            y = y.reshape(-1)  #? numbers
            y = y.reshape(len(y), -1)  #? values
            inputs = torch.from_numpy(np.ascontiguousarray(x, dtype=np.$type))
            splits[name] = (inputs, torch.from_numpy(y.astype(np.int64)))  #? !values
            splits[name] = (inputs, torch.from_numpy(y.astype(np.float64)))  #? values
    return splits
'''

FOLDER = '''
def read_folder(folder: Path) -> Split:
    """The images of folder/<class>/: uint8 (n, $channels, height, width), and the numbers of their classes."""
    images, targets = [], []
    for target, name in enumerate(CLASSES):
        for path in sorted((folder / name).glob("[!.]*")):
            if path.suffix.lower() in SUFFIXES:
                with Image.open(path) as image:
                    image.draft(None, (2 * SIZE, 2 * SIZE))  # decodes large JPEG files faster  #? sized
                    upright = ImageOps.exif_transpose(image).convert("$mode")
                upright = ImageOps.fit(upright, (SIZE, SIZE), Image.Resampling.BILINEAR)  #? sized
                images.append(np.array(upright))
                targets.append(target)
    pixels = torch.from_numpy(np.stack(images))
    return pixels.permute(0, 3, 1, 2).contiguous(), torch.tensor(targets)  #? colours
    return pixels.unsqueeze(1), torch.tensor(targets)  #? !colours


def load_data() -> dict[str, Split]:
    """The images of each split."""
    return {$splits}
'''


def table_part(preset: Preset, facts: Facts) -> Part:
    """A CSV or TSV file."""
    data, table = preset.data, facts.table
    assert isinstance(data, Csv)
    assert table is not None
    classes, opened = facts.task == "classification", "gzip.open" if table.is_compressed else "open"
    mode = ', "rt"' if table.is_compressed else ""
    names = ["*NUMERIC"] * bool(table.numeric) + ["*CATEGORIES"] * bool(table.categories) + ["TARGET"]
    code = fill(
        TABLE,
        {
            "drops": table.drops_missing,
            "numeric": bool(table.numeric),
            "words": bool(table.categories),
            "classes": classes,
        },
        open=f'{opened}(FILE{mode}, encoding={literal(table.encoding)}, newline="")',
        names=", ".join(names),
    )
    settings: list[tuple[str, object]] = [("FILE", data.file), ("DELIMITER", table.delimiter)]
    settings += [("NUMERIC", table.numeric)] * bool(table.numeric)
    settings += [("CATEGORIES", table.categories)] * bool(table.categories) + [("TARGET", data.target)]
    settings += [("CLASSES", facts.classes)] * classes
    settings += [("MISSING", data.missing_values)] * table.drops_missing
    return Part(code, ("import csv", *(["import gzip"] * table.is_compressed)), tuple(settings))


def arrays_part(preset: Preset, facts: Facts) -> Part:
    """A NumPy .npz file."""
    data, arrays = preset.data, facts.arrays
    assert isinstance(data, Npz)
    assert arrays is not None
    holds = {"adds_channel": arrays.adds_channel, "channels_last": arrays.channels_last, "values": not arrays.classes}
    holds |= {name: arrays.classes == name for name in ("numbers", "renumbered", "one_hot")}
    code = fill(
        ARRAYS, holds, type=facts.raw_type, train=literal(f"y{arrays.splits['train']}"), splits=literal(arrays.splits)
    )
    return Part(code, ("import numpy as np",), (("FILE", data.file),))


def folder_part(preset: Preset, facts: Facts) -> Part:
    """A folder of images."""
    data, folder = preset.data, facts.folder
    assert isinstance(data, ImageFolder)
    assert folder is not None
    colours = data.colors == "rgb"
    code = fill(
        FOLDER,
        {"sized": bool(data.size), "colours": colours},
        channels="3" if colours else "1",
        mode="RGB" if colours else "L",
        splits=written_splits(facts),
    )
    settings: list[tuple[str, object]] = [("FOLDER", Code(f"Path({literal(data.folder)})")), ("CLASSES", facts.classes)]
    settings += [("SUFFIXES", tuple(folder.suffixes))] + [("SIZE", data.size)] * bool(data.size)
    imports = ("import numpy as np", "from pathlib import Path", "from PIL import Image", "from PIL import ImageOps")
    return Part(code, imports, tuple(settings))


def written_splits(facts: Facts) -> str:
    """The entries of a dictionary that reads the folder of each split."""
    assert facts.folder is not None
    places = {name: f"FOLDER / {literal(place)}" if place else "FOLDER" for name, place in facts.folder.splits.items()}
    entries = [f"{literal(name)}: read_folder({place})" for name, place in places.items()]
    return entries[0] if len(entries) == 1 else "\n" + "".join(f"    {entry},\n" for entry in entries)
