"""What readers of new inputs do with values that are written in another way than those that were trained on."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from workbench.data.image_folder import image_folder
from workbench.data.readers.arrays import ArrayReader
from workbench.data.readers.images import ImageReader
from workbench.data.readers.kinds import reader_of
from workbench.data.readers.reader import Reader
from workbench.data.readers.source import Source
from workbench.data.readers.table import TableReader
from workbench.data.readers.texts import TextReader
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError

ReadCsv = Callable[..., Samples]


def tensor_of(reader: Reader[Any] | None, *files: Path) -> Tensor:
    assert reader is not None
    [chunk] = reader.read([Source(str(file)) for file in files], 1000)
    assert isinstance(chunk.raw, Tensor)
    return chunk.raw


def inputs_of(samples: Samples) -> Tensor:
    assert isinstance(samples.train, InMemory)
    return samples.train.inputs


def test_numbers_are_read_in_the_format_of_the_training_data(read_csv: ReadCsv, tmp_path: Path) -> None:
    text = "size;price;color;y\n1,5;1.234,50;red;1\n2,25;2.000,75;blue;2\n3,0;12.345,00;red;1\n4,0;1,00;blue;2"
    samples = read_csv(text)
    expected = inputs_of(samples)
    new = tmp_path / "new.csv"
    new.write_text(text)
    assert torch.equal(tensor_of(samples.reader, new), expected)
    tabs = tmp_path / "new.tsv"
    tabs.write_text(text.replace(";", "\t"))
    assert torch.equal(tensor_of(samples.reader, tabs), expected)
    packed = tmp_path / "new.csv.gz"
    packed.write_bytes(gzip.compress(text.encode("utf-16")))
    assert torch.equal(tensor_of(samples.reader, packed), expected)
    objects = [{"size": 1.5, "price": 1234.5, "color": "red"}, {"size": "2,25", "price": "2.000,75", "color": "blue"}]
    lines = tmp_path / "new.jsonl"
    lines.write_text("\n".join(map(json.dumps, objects)))
    assert torch.equal(tensor_of(samples.reader, lines), expected[:2])
    new.write_text("size;price;color\n1.5;1;red\n")
    with pytest.raises(
        DataError, match=r"line 2, column 'size': '1.5' is not a number as the training data wrote them"
    ):
        tensor_of(samples.reader, new)


def test_true_and_TRUE_are_one_category(read_csv: ReadCsv, tmp_path: Path) -> None:  # noqa: N802
    samples = read_csv("a,b,y\nTrue,01234,1\nfalse,00007,2\nTRUE,01234,1\nFalse,00007,2")
    new = tmp_path / "new.csv"
    new.write_text("b,a\n01234,true\n00007,FALSE\n")
    assert torch.equal(tensor_of(samples.reader, new), inputs_of(samples)[:2])
    objects = tmp_path / "new.jsonl"
    objects.write_text('{"b": "01234", "a": true}\n\n{"b": "00007", "a": false}')
    assert torch.equal(tensor_of(samples.reader, objects), inputs_of(samples)[:2])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a": 1}', r"line 1: there is no 'b', which the model was trained on; it has 'a'"),
        ('{"a": 1, "b": null}', r"line 1, column 'b': the value is missing"),
        ('{"a": NaN, "b": "x"}', r"line 1, column 'a': the value is missing \('NaN'\)"),
        ('{"a": "NA", "b": "x"}', r"line 1, column 'a': the value is missing \('NA'\)"),
        ("[1, 2]", r"line 1: each line must be an object"),
        ("{", r"line 1: not JSON"),
        ("", r"new.jsonl is empty"),
    ],
)
def test_json_lines_that_cannot_be_read_are_named(line: str, said: str, tmp_path: Path) -> None:
    reader = TableReader([{"name": "a"}, {"name": "b", "categories": ["x", "z"]}], missing_values=["", "NA", "NaN"])
    (tmp_path / "new.jsonl").write_text(line)
    with pytest.raises(DataError, match=said):
        tensor_of(reader, tmp_path / "new.jsonl")


def test_tables_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    reader, file = TableReader([{"name": "a"}]), tmp_path / "new.csv"
    for content, said in (
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a\n", "no rows below its header"),
        (b'a,b\n1,2\n1,"2\n', "line 3"),
        (b"a\n" + "1\nn\u00e4ive\n".encode("latin-1"), "is not UTF-8"),
        (b"1,2\n3,4\n", r"lacks the column 'a'.*it has '1', '2'. These look like values"),
        (b"PAR1 and so on \xff", "Parquet"),
        (gzip.compress(b"a\n1\n2\n3\n")[:-8], "cannot read"),
        (b'[{"a": 1}]', "lacks the column"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=said):
            tensor_of(reader, file)
    with pytest.raises(DataError, match="is a folder; the model takes a table"):
        tensor_of(reader, tmp_path)


def test_a_quoted_value_over_several_lines_and_comments_keep_the_line_numbers(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text('# a comment\nnote,a\n"two\nlines",1\n\nx,?\n')
    with pytest.raises(DataError, match=r"line 6, column 'a': '[?]' is not a number"):
        tensor_of(TableReader([{"name": "a"}]), file)


def images(folder: Path, size: int) -> ImageReader:
    for shade, name in enumerate(("cat", "dog")):
        (folder / "train" / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.full((6, 8), 500 * shade + number, dtype=np.uint16)
            Image.fromarray(pixels).save(folder / "train" / name / f"{number}.png")
    samples = image_folder(folder / "train", size, 1, 10**6, lambda progress: None)
    assert isinstance(samples.reader, ImageReader)
    return samples.reader


def test_white_is_what_it_was_in_the_training_images(tmp_path: Path) -> None:
    """Ten bits were used there: a dark image alone would look like one of eight bits."""
    reader = images(tmp_path, 0)
    assert reader.white == 1023
    Image.fromarray(np.full((6, 8), 200, dtype=np.uint16)).save(tmp_path / "dark.png")
    assert tensor_of(reader, tmp_path / "dark.png").unique().tolist() == [200 * 255 // 1023]


def test_images_of_another_size_are_resized_where_the_training_images_were(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (255, 0, 0)).save(tmp_path / "large.png")
    assert tensor_of(images(tmp_path / "a", 4), tmp_path / "large.png").shape == (1, 1, 4, 4)
    with pytest.raises(DataError, match=r"large.png' has 40 × 30 pixels, but the model takes 8 × 6"):
        tensor_of(images(tmp_path / "b", 0), tmp_path / "large.png")


def test_a_folder_of_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    with pytest.raises(DataError, match="texts holds no images, but texts"):
        tensor_of(ImageReader((1, 8, 8)), tmp_path / "texts")
    with pytest.raises(DataError, match=r"a.txt is not an image, which the model takes"):
        tensor_of(ImageReader((1, 8, 8)), tmp_path / "texts" / "a.txt")
    with pytest.raises(DataError, match="standard input cannot hold images"):
        list(ImageReader((1, 8, 8)).read([Source("-", 0)], 1))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_read_part_by_part(
    tmp_path: Path, order: Any, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.data.readers.arrays.PART_BYTES", 100)
    x = np.asarray(np.random.default_rng(0).normal(size=(7, 2, 3)), order=order)
    (np.savez_compressed if compressed else np.savez)(tmp_path / "a.npz", x=x, y=np.arange(7))
    reader = ArrayReader({"shape": [2, 3], "type": "float64"})
    assert torch.equal(tensor_of(reader, tmp_path / "a.npz"), torch.from_numpy(x))


def test_the_channels_of_arrays_may_come_last(tmp_path: Path) -> None:
    x = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    np.save(tmp_path / "x.npy", x)
    expected = torch.from_numpy(x).permute(0, 3, 1, 2)
    assert torch.equal(tensor_of(ImageReader((3, 4, 5)), tmp_path / "x.npy"), expected)
    square = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    np.save(tmp_path / "x.npy", square)
    for last, pixels in ((False, square), (True, np.moveaxis(square, -1, 1))):
        found = tensor_of(ImageReader((3, 3, 3), channels_last=last), tmp_path / "x.npy")
        assert torch.equal(found, torch.from_numpy(np.ascontiguousarray(pixels)))
    np.save(tmp_path / "x.npy", square[:, :, :, 0])
    assert tensor_of(ImageReader((1, 3, 3)), tmp_path / "x.npy").shape == (2, 1, 3, 3)


def test_arrays_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    reader, file = ArrayReader({"shape": [2], "type": "float32"}), tmp_path / "a.npz"
    for arrays, said in (
        ({"a": np.zeros((3, 2)), "b": np.zeros((3, 2))}, "needs one array x to predict; it has a, b"),
        ({"x": np.array(["a", "b"])}, "must hold numbers"),
        ({"x": np.zeros((0, 2))}, "must hold samples"),
        ({"x": np.array(5.0)}, "must hold samples"),
        ({"x": np.array([[1.0, np.nan]])}, "sample 1: x holds a number that is not finite"),
        ({"x": np.zeros((3, 4))}, r"has shape \(4,\), but samples of the model have \(2,\)"),
    ):
        np.savez(file, **arrays)
        with pytest.raises(DataError, match=said):
            tensor_of(reader, file)
    np.save(tmp_path / "a.npy", np.zeros((100, 2)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:300])
    with pytest.raises(DataError, match="ends too early; it is damaged"):
        tensor_of(reader, tmp_path / "a.npy")


def texts_of(reader: TextReader, *files: Path) -> list[str]:
    [chunk] = reader.read([Source(str(file)) for file in files], 1000)
    assert isinstance(chunk.raw, list)
    return chunk.raw


def test_texts_of_tables_and_files_are_read_in_their_encoding(tmp_path: Path) -> None:
    reader = TextReader("review")
    table = tmp_path / "a.csv"
    table.write_bytes("stars;review\n5;caf\u00e9, au lait\n1;\n".encode("cp1252"))
    assert texts_of(reader, table) == ["caf\u00e9, au lait", ""]
    (tmp_path / "b.txt").write_bytes("na\u00efve\r\nend".encode("utf-16"))
    assert texts_of(reader, tmp_path / "b.txt") == ["na\u00efve\nend"]
    long = tmp_path / "long.tsv"
    long.write_text("review\tx\n" + "word " * 50_000 + "\t1\n")
    assert len(texts_of(reader, long)[0]) == 249_999


def test_large_tables_of_texts_are_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.readers.texts.WHOLE_BYTES", 10)
    (tmp_path / "a.csv").write_text("text,y\nnaïve,1\nsun,2\n")
    assert texts_of(TextReader(), tmp_path / "a.csv") == ["naïve", "sun"]
    (tmp_path / "a.jsonl").write_text('{"text": "sun"}\n{"txt": "moon"}')
    with pytest.raises(DataError, match=r"line 2: no column of texts called 'text', perhaps 'txt'"):
        texts_of(TextReader(), tmp_path / "a.jsonl")


class Holograms(Reader[Any]):
    """A reader of the user's own, whose class no checkpoint can hold."""

    name = "holograms"


def test_what_a_checkpoint_cannot_hold_is_replaced_by_what_reads_the_same_shape() -> None:
    found = reader_of(Holograms(), {"shape": [2], "type": "float32"})
    assert isinstance(found, TableReader)
    own = ImageReader((1, 8, 8))
    assert reader_of(own, {"shape": [1, 8, 8], "type": "uint8"}) is own


def read_all(reader: Reader[Any], *files: Path, chunk: int = 1000) -> tuple[list[dict[str, Any]], list[str]]:
    """The places of all samples, and what is wrong with each; empty where nothing is."""
    chunks = list(reader.read([Source(str(file)) for file in files], chunk, skip_broken=True))
    places = [place for each in chunks for place in each.places]
    return places, [each.errors.get(position, "") for each in chunks for position in range(len(each.places))]


def test_a_quoted_empty_value_is_a_row_and_a_line_of_blanks_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text\n""\ngood\n\n"  "\n  \nbad\n')
    assert texts_of(TextReader(), tmp_path / "a.csv") == ["", "good", "", "bad"]
    places, errors = read_all(TextReader(), tmp_path / "a.csv")
    assert [place["row"] for place in places] == [1, 2, 3, 4]
    assert errors == [""] * 4


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_a_row_that_cannot_be_split_is_broken_and_the_next_ones_are_read(tmp_path: Path, chunk: int) -> None:
    file = tmp_path / "a.csv"
    file.write_text('a,b\n1,2\n3\n4,"5"6\n7,8\n9,x\n10,11\n')
    reader = TableReader([{"name": "a"}, {"name": "b"}])
    places, errors = read_all(reader, file, chunk=chunk)
    assert places == [{"input": str(file), "row": row} for row in range(1, 7)]
    assert [error.removeprefix(f"{file}, ") for error in errors] == [
        "",
        "line 3: 1 fields, but the header has 2 (separated by ',', which data.delimiter sets)",
        "line 4: ',' expected after '\"'",
        "",
        "line 6, column 'b': 'x' is not a number",
        "",
    ]
    raw = [each.raw for each in reader.read([Source(str(file))], chunk, skip_broken=True) if each.raw is not None]
    assert torch.equal(
        torch.cat([each for each in raw if isinstance(each, Tensor)]), torch.tensor([[1, 2], [7, 8], [10, 11.0]])
    )


def test_json_lines_that_are_broken_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1, "text": "sun"}\n{"a": \n[1]\n{"b": 2}\n{"a": 5, "text": "moon"}\n')
    for reader, lacks in ((TableReader([{"name": "a"}]), "there is no 'a'"), (TextReader(), "no column of texts")):
        places, errors = read_all(reader, file)
        assert [place["row"] for place in places] == [1, 2, 3, 4, 5]
        said = ("line 2: not JSON", "line 3: each line must be an object", lacks)
        assert [each in error for each, error in zip(said, errors[1:4], strict=True)] == [True] * 3
        assert errors[0] == errors[4] == ""


def test_inputs_that_cannot_be_read_are_broken_and_the_next_ones_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("a\n1\n")
    (tmp_path / "other.csv").write_text("b\n1\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a\n1\n2\n" + bytes(range(48, 58)) * 1000, 0)[:-3000])
    names = ("missing.csv", "other.csv", "cut.csv.gz", "good.csv")
    places, errors = read_all(TableReader([{"name": "a"}]), *(tmp_path / name for name in names))
    assert [(Path(place["input"]).name, place.get("row")) for place in places] == [
        ("missing.csv", None), ("other.csv", None), ("cut.csv.gz", None), ("good.csv", 1),
    ]  # fmt: skip
    said = ("does not exist", "lacks the column 'a'", "cannot read")
    assert [each in error for each, error in zip(said, errors[:3], strict=True)] == [True] * 3
    assert not errors[3]


def test_rows_come_before_what_ends_the_reading(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a\n1\n2\n"3\n4\n5\n')
    reader = TableReader([{"name": "a"}])
    chunks = reader.read([Source(str(tmp_path / "a.csv"))], 1000)
    first = next(chunks)
    assert [place["row"] for place in first.places] == [1, 2]
    with pytest.raises(DataError, match="line 4: unexpected end of data"):
        next(chunks)
    places, errors = read_all(reader, tmp_path / "a.csv")
    assert [place["row"] for place in places] == [1, 2, 3]
    assert [bool(error) for error in errors] == [False, False, True]
    (tmp_path / "a.csv").write_text("a\n1\n2\nx\n4\n")
    chunks = reader.read([Source(str(tmp_path / "a.csv"))], 1000)
    assert [place["row"] for place in next(chunks).places] == [1, 2]
    with pytest.raises(DataError, match="line 4, column 'a': 'x' is not a number"):
        next(chunks)


def test_a_first_line_with_an_endless_value_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a" * 200_000 + ",b\n1,2\n")
    with pytest.raises(DataError, match=r"a.csv, line 1: a value with more than 131,072 characters"):
        tensor_of(TableReader([{"name": "b"}]), file)
    file.write_text("#" + "a" * 200_000 + "\n1,2\n")
    with pytest.raises(DataError, match=r"a.csv lacks the column"):
        tensor_of(TableReader([{"name": "b"}]), file)


def test_rows_and_lines_without_an_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.delimited.MOST_CHARACTERS", 100)
    monkeypatch.setattr("workbench.data.readers.table_stream.MOST_CHARACTERS", 100)
    table, texts = TableReader([{"name": "a"}]), TextReader("a")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n" + b"2" * 101))
    (tmp_path / "b.csv").write_text('a\n1\n"' + "2\n" * 60 + '"\n')
    (tmp_path / "c.jsonl").write_text('{"a": 1}\n{"a": "' + "2" * 101 + '"}')
    for reader in (table, texts):
        for name, said in (
            ("a.csv.gz", "line 3: a line with more than 100 characters"),
            ("b.csv", "line 3: a row with more than 100 characters; a quote may be unclosed"),
        ):
            places, errors = read_all(reader, tmp_path / name)
            assert [place["row"] for place in places] == [1, 2]
            assert errors[0] == ""
            assert said in errors[1]
    assert "line 2: a line with more than 100 characters" in read_all(table, tmp_path / "c.jsonl")[1][1]


def test_a_compressed_table_of_texts_is_large_by_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.readers.texts.WHOLE_BYTES", 1000)
    monkeypatch.setattr("workbench.data.readers.texts.read_text", None)  # would read the file whole
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"text\n" + b"sun moon\n" * 1000))
    assert (tmp_path / "a.csv.gz").stat().st_size < 200
    assert texts_of(TextReader(), tmp_path / "a.csv.gz") == ["sun moon"] * 1000


def test_arrays_that_claim_to_be_large_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small compressed file may hold them; here the numbers are not even there."""
    file, member = tmp_path / "a.npz", io.BytesIO()
    for shape, order, said in (
        ((3, 10**12), False, r"a.npz, sample 1: x has shape \(1000000000000,\), but samples of the model have \(2,\)"),
        ((10**12, 2), True, r"a.npz, x takes .* at a time, .* of memory are free"),
    ):
        member.seek(0)
        header = {"descr": "<f8", "fortran_order": order, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", member.getvalue())
        with pytest.raises(DataError, match=said):
            tensor_of(ArrayReader({"shape": [2], "type": "float64"}), file)
    by_name = {"a": {"shape": [2], "type": "float32"}}
    np.savez(file, a=np.zeros((2, 5)))
    monkeypatch.setattr("workbench.data.readers.arrays.free_bytes", lambda: 6 * 39)
    with pytest.raises(DataError, match=r"a.npz, a takes 40 B at a time"):
        tensor_of(ArrayReader(by_name), file)
