"""The contract of what reads new inputs: every choice of the family `data` has a reader, which reads its samples."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from torch import Tensor

from tests.unit.data.examples import choice_of, settings_of
from tests.unit.data.test_every_source import contents
from workbench.data.inputs import RAW_TEXT, describe
from workbench.data.readers.images import ImageReader
from workbench.data.readers.kinds import reader_of_raw, restored_reader, saved_reader
from workbench.data.readers.reader import Reader
from workbench.data.readers.sounds import SoundReader
from workbench.data.readers.source import Source
from workbench.data.readers.table import TableReader
from workbench.data.readers.texts import TextReader
from workbench.data.samples import Samples
from workbench.errors import DataError
from workbench.settings.data import DATA

FEW = 7
WITHOUT = {"module": "a function of the user's own: arrays of its shape, or its texts"}
"""Choices that give no reader themselves, and what is read for them."""


@pytest.fixture(params=DATA.labels)
def label(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def samples(label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Samples:
    return choice_of(settings_of(label, tmp_path, monkeypatch)).build(lambda progress: None)


def raw_samples(samples: Samples) -> Any:
    """The first training samples, as the source gives them: a tensor or a list of texts."""
    found = contents(samples.train)
    return found[:FEW] if isinstance(found[0], str) else found[0][:FEW]


def reader_of(samples: Samples) -> Reader[Any]:
    """As it comes out of a checkpoint, or out of the text of an exported file."""
    raw = raw_samples(samples)
    described = RAW_TEXT if isinstance(raw, list) else describe(raw)
    saved = saved_reader(samples.reader or reader_of_raw(described))
    assert json.loads(json.dumps(saved)) == saved
    restored = restored_reader(saved)
    assert restored is not None
    assert type(restored) is type(samples.reader or reader_of_raw(described))
    assert saved_reader(restored) == saved
    return restored


def test_every_choice_gives_a_reader(label: str, samples: Samples) -> None:
    assert (samples.reader is None) == (label in WITHOUT)


def read(reader: Reader[Any], names: Sequence[Path], chunk: int) -> Any:
    chunks = list(reader.read([Source(str(name)) for name in names], chunk))
    assert all(not each.errors for each in chunks)
    places = [place for each in chunks for place in each.places]
    assert len({json.dumps(place) for place in places}) == len(places)
    assert all(set(place) <= set(reader.place_names) for place in places)
    raw: list[Any] = [each.raw for each in chunks]
    if isinstance(raw[0], list):
        return [text for texts in raw for text in texts]
    return torch.cat(raw)


def written(reader: Reader[Any], samples: Samples, raw: Any, folder: Path) -> list[Path]:
    """Files that hold the samples, of the kind that the reader is for."""
    if isinstance(reader, ImageReader):
        return [_image(folder / f"{number}.png", pixels) for number, pixels in enumerate(raw)]
    if isinstance(reader, SoundReader):
        return [_sound(folder / f"{number}.wav", wave, reader.format.rate) for number, wave in enumerate(raw)]
    if isinstance(reader, TextReader):
        return [_text(folder / f"{number}.txt", text) for number, text in enumerate(raw)]
    if isinstance(reader, TableReader):
        return [_table(folder / "new.csv", reader, raw)]
    return [_arrays(folder / "new.npz", raw)]


def _image(file: Path, pixels: Tensor) -> Path:
    Image.fromarray(pixels[0].numpy() if len(pixels) == 1 else pixels.permute(1, 2, 0).numpy()).save(file)
    return file


def _sound(file: Path, wave: Tensor, rate: int) -> Path:
    soundfile.write(file, wave.numpy(), rate, subtype="PCM_16" if wave.dtype == torch.int16 else "FLOAT")
    return file


def _text(file: Path, text: str) -> Path:
    file.write_bytes(text.encode())
    return file


def _table(file: Path, reader: TableReader, raw: Tensor) -> Path:
    """The table that such rows come from, the columns in another order, and one that the model does not know."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        columns = reader.columns if reader.header == "none" else reader.columns[::-1]
        extra = [] if reader.header == "none" else ["extra"]
        writer.writerow([*(column.name for column in columns), *extra])
        for row in raw:
            values = {}
            place = 0
            for column in reader.columns:
                part = row[place : place + column.width]
                is_category = bool(column.categories)
                values[column.name] = column.categories[int(part.argmax())] if is_category else repr(float(part))
                place += column.width
            writer.writerow([*(values[column.name] for column in columns), *extra])
    return file


def _arrays(file: Path, raw: Tensor) -> Path:
    np.savez(file, x=raw.numpy())
    return file


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return bool(found == expected)
    return found.shape == expected.shape and torch.equal(found.double(), expected.double())


def texts_of(samples: Samples) -> list[str]:
    """Texts like those that a language model was trained on, whose samples are ids."""
    return [f"text {number}" for number in range(FEW)]


def test_what_is_read_is_what_was_trained_on(samples: Samples, tmp_path: Path) -> None:
    reader, raw = reader_of(samples), raw_samples(samples)
    if isinstance(reader, TextReader) and isinstance(raw, Tensor):
        raw = texts_of(samples)
    folder = tmp_path / "new"
    folder.mkdir()
    files = written(reader, samples, raw, folder)
    for chunk in (3, 100):
        assert same(read(reader, files, chunk), raw)
    if len(files) > 1:
        assert same(read(reader, [folder], 4), raw)
    if isinstance(raw, Tensor):
        assert same(read(reader, [_arrays(tmp_path / "x.npz", raw)], 4), raw)
        np.save(tmp_path / "x.npy", raw.numpy())
        assert same(read(reader, [tmp_path / "x.npy"], 4), raw)
    else:
        assert isinstance(reader, TextReader)
        lines = tmp_path / "lines.jsonl"
        lines.write_text("\n".join(json.dumps({reader.column: text}) for text in raw))
        assert same(read(reader, [lines], 4), raw)


def test_what_it_cannot_read_is_said(samples: Samples, tmp_path: Path) -> None:
    reader = reader_of(samples)
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / ".hidden.png").write_bytes(b"")
    wrong = tmp_path / "program.bin"
    wrong.write_bytes(bytes(range(256)))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 and no more")
    for name in (tmp_path / "absent", folder, wrong, damaged):
        with pytest.raises(DataError, match=name.name):
            list(reader.read([Source(str(name))], 4))
    assert reader.takes


def test_a_broken_sample_among_others_is_named_or_skipped(samples: Samples, tmp_path: Path) -> None:
    reader, raw = reader_of(samples), raw_samples(samples)
    if isinstance(reader, TextReader):
        raw = texts_of(samples)
    folder = tmp_path / "new"
    folder.mkdir()
    files = written(reader, samples, raw, folder)
    _break(files, reader)
    with pytest.raises(DataError, match=files[-1].name):
        list(reader.read([Source(str(name)) for name in files], 100))
    [chunk] = reader.read([Source(str(name)) for name in files], 100, skip_broken=True)
    assert list(chunk.errors) == [FEW - 1]
    assert files[-1].name in chunk.errors[FEW - 1]
    assert chunk.count == FEW - 1
    assert same(chunk.raw, raw[: FEW - 1])


def _break(files: list[Path], reader: Reader[Any]) -> None:
    """Breaks the last sample."""
    if isinstance(reader, TableReader):
        *before, last = files[0].read_text().splitlines()
        _, *values = last.split(",")
        files[0].write_text("\n".join([*before, ",".join(["?!", *values])]))
    elif isinstance(reader, ImageReader | SoundReader):
        files[-1].write_bytes(files[-1].read_bytes()[:50])
    elif isinstance(reader, TextReader):
        files[-1].write_bytes(b"\x00\x01\x02\xff")
    else:
        pytest.skip("the samples of an array are broken together")
