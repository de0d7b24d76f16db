from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path

import pytest
import torch

from workbench.data.samples import Samples, Texts
from workbench.errors import DataError, PresetError
from workbench.settings.text_data import TextTable

ROWS = [("Good, really!", "pos"), ("bad", "neg"), ('so "bad"', "neg"), ("fine 👍", "pos")]
CSV = "text,label\n" + "".join('"{}",{}\n'.format(text.replace('"', '""'), label) for text, label in ROWS)


def read(file: Path, **settings: object) -> Samples:
    choice = TextTable.model_validate({"file": str(file), "target": "label"} | settings)
    return choice.build(lambda progress: None)


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def assert_is_rows(samples: Samples) -> None:
    assert isinstance(samples.train, Texts)
    assert list(samples.train.texts) == [text for text, _ in ROWS]
    assert samples.task.kind == "classification"
    assert samples.task.classes == ("neg", "pos")
    assert samples.train.targets.tolist() == [1, 0, 0, 1]
    assert samples.task.targets == ("label",)


def test_a_csv_file_has_texts_and_classes(tmp_path: Path) -> None:
    samples = read(written(tmp_path, CSV))
    assert_is_rows(samples)
    assert samples.notes == ()


def test_json_lines_and_tabs_give_the_same(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"label": label, "text": text}) for text, label in ROWS)
    assert_is_rows(read(written(tmp_path, f"{lines}\n\n", "t.jsonl")))
    tabs = "text\tlabel\n" + "\n".join('"{}"\t{}'.format(text.replace('"', '""'), label) for text, label in ROWS)
    assert_is_rows(read(written(tmp_path, tabs, "t.tsv")))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    assert_is_rows(read(written(tmp_path, pack(CSV.encode()), "t.csv.compressed")))


def test_a_zip_archive_of_one_file_is_read_and_of_several_refused(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"label": label, "text": text}) for text, label in ROWS)
    with zipfile.ZipFile(tmp_path / "t.jsonl.zip", "w") as archive:
        archive.writestr("inside.jsonl", lines)
    assert_is_rows(read(tmp_path / "t.jsonl.zip"))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(DataError, match=r"two\.zip: it is a zip archive of 2 files"):
        read(tmp_path / "two.zip")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_name_the_encoding(tmp_path: Path, codec: str) -> None:
    assert_is_rows(read(written(tmp_path, CSV.encode(codec))))


def test_an_encoding_that_is_guessed_is_said_and_one_that_is_named_is_used(tmp_path: Path) -> None:
    content = "text,label\nna\u00efve caf\u00e9,a\nplain,b\nodd,a\nmore,b\n"
    samples = read(written(tmp_path, content.encode("cp1252")))
    assert isinstance(samples.train, Texts)
    assert samples.train.texts[0] == "naïve café"
    assert "not UTF-8, so read as cp1252, a guess; data.encoding names another" in samples.notes[0]
    named = read(written(tmp_path, content.replace("ï", "").encode("mac_roman")), encoding="mac_roman")
    assert isinstance(named.train, Texts)
    assert named.train.texts[0] == "nave café"
    assert named.notes == ()
    with pytest.raises(DataError, match=r"t\.csv, line 2: not utf-8; set data\.encoding"):
        read(written(tmp_path, content.encode("cp1252")), encoding="UTF8")
    for unknown in ("utf-9", "base64", "a\0b"):
        with pytest.raises(PresetError, match=r"data\.encoding = .* is unknown; use auto"):
            read(tmp_path / "t.csv", encoding=unknown)


def damaged_table(damaged: int, whole: int) -> bytes:
    """A table of rows of é, of which some are broken off after the first of its two bytes."""
    bad = [b"caf\xc3,a\n"] * damaged
    return b"text,label\nplain,b\nother,b\n" + b"".join([*bad, *["café,a\n".encode()] * whole])


def test_utf_8_with_few_damaged_bytes_is_utf_8(tmp_path: Path) -> None:
    samples = read(written(tmp_path, damaged_table(2, 18)))
    assert isinstance(samples.train, Texts)
    assert list(samples.train.texts) == ["plain", "other", *["caf\ufffd"] * 2, *["café"] * 18]
    assert samples.notes[0] == (
        f"{tmp_path / 't.csv'}, line 4: UTF-8 with damaged bytes, 2 places read as U+FFFD; data.encoding names another "
        "encoding"
    )
    with_mark = read(written(tmp_path, b"\xef\xbb\xbf" + damaged_table(1, 9)))
    assert isinstance(with_mark.train, Texts)
    assert with_mark.train.texts[2] == "caf\ufffd"
    with pytest.raises(DataError, match=r"t\.csv, line 4: not utf-8; set data\.encoding to another, or to auto"):
        read(written(tmp_path, damaged_table(2, 18)), encoding="utf-8")
    # A character U+FFFD that is in the file is not damaged.
    kept = read(written(tmp_path, "text,label\na\ufffd,a\nb,b\nc,a\nd,b\n"))
    assert kept.notes == ()


@pytest.mark.parametrize(("damaged", "whole"), [(3, 18), (10, 10), (8, 3)])
def test_a_file_that_is_partly_utf_8_is_refused_with_the_line_and_what_to_do(
    tmp_path: Path, damaged: int, whole: int
) -> None:
    message = (
        rf"t\.csv, line 4: the first of {damaged} places that are not UTF-8, but {whole} characters are; mend the "
        r"file, or set data\.encoding"
    )
    with pytest.raises(DataError, match=message):
        read(written(tmp_path, damaged_table(damaged, whole)))


@pytest.mark.parametrize(("codec", "odd"), [("cp1252", "“É» Ñ”"), ("latin-1", "É» \x81 Ñ")])
def test_western_european_files_are_not_taken_for_damaged_utf_8(tmp_path: Path, codec: str, odd: str) -> None:
    """É» happens to be valid UTF-8 in these encodings."""
    rows = [f"Ärger über Größe {odd}", "schön", "élan", "naïve", "déjà vu", "señor"]
    table = "text,label\n" + "".join(f"{row},{'ab'[place % 2]}\n" for place, row in enumerate(rows))
    samples = read(written(tmp_path, table.encode(codec)))
    assert isinstance(samples.train, Texts)
    assert list(samples.train.texts) == rows
    assert f"not UTF-8, so read as {codec}, a guess" in samples.notes[0]


def test_numbers_are_a_regression(tmp_path: Path) -> None:
    samples = read(written(tmp_path, "text,label\na b,1.5\nc,2.5\nd,-3\n"))
    assert samples.task.kind == "regression"
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [[1.5], [2.5], [-3.0]]
    stars = "text,label\n" + "\n".join(f"t{n},{n % 5}" for n in range(20))
    assert read(written(tmp_path, stars)).task.kind == "classification"
    assert read(written(tmp_path, stars), task="regression").task.kind == "regression"


def test_texts_that_say_none_are_texts_but_a_missing_target_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path, "text,label\nNone,a\n?,b\nNA,a\nx,\nnull,b\n")
    with pytest.raises(
        DataError, match=r"line 5, column 'label': the first of 1 missing values in 1 of 5 rows"
    ) as found:
        read(file)
    assert "data.ignore" not in str(found.value)
    samples = read(file, missing="drop")
    assert isinstance(samples.train, Texts)
    assert list(samples.train.texts) == ["None", "?", "NA", "null"]
    assert samples.left_out == "left out 1 of 5 rows with missing values ('label' lacks 1)"
    nulls = written(tmp_path, '{"text": null, "label": "a"}\n{"label": "b"}\n{"text": "", "label": null}', "n.jsonl")
    with pytest.raises(DataError, match="line 3"):
        read(nulls)


def test_a_text_of_a_million_characters_is_read_and_cut(tmp_path: Path) -> None:
    long = "word " * 200_000
    file = written(tmp_path, f'text,label\n"{long}",a\nshort,b\nother,a\nlast,b\n')
    samples = read(file)
    assert samples.fit_encoding is not None
    assert isinstance(samples.train, Texts)
    encoding = samples.fit_encoding(samples.train)
    assert encoding(samples.train.texts).shape == (4, 1024)
    assert "the longest has 200,000" in encoding.notes[-1]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("text,label\na,x\nb,x\n", "t.csv", r"column 'label': 'x' is the only class"),
        ("text,label\na,x\nb,y\nc,y\n", "t.csv", r"class 'x' has only this row"),
        ("text,label\n", "t.csv", r"has no rows below its header"),
        ("", "t.csv", r"t\.csv is empty"),
        ("words,label\na,x\nb,y\n", "t.csv", r"data\.text: .* has no column 'text'.* it has 'words', 'label'"),
        ("text,lable\na,x\nb,y\n", "t.csv", r"data\.target: .* has no column 'label', perhaps 'lable'"),
        ('{"text": "a", "label": 1}\n{"text": ', "t.jsonl", r"t\.jsonl, line 2: not JSON"),
        ('[\n{"text": "a"}\n]', "t.json", r"line 1: not JSON.*; each line must be a JSON object of its own"),
        ('["a", "b"]', "t.jsonl", r"line 1: an array, but each line must be an object"),
        ('"a"', "t.jsonl", r"line 1: a single value, but each line"),
        ('{"text": "a", "label": 1}\n', "t.csv", r"seems to hold JSON, not CSV; give the file the ending \.jsonl"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "t.csv", r"not a text file: it is a PNG image"),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", "t.csv", r"not a text file: it is a PDF"),
        (b"text,label\na\xff\0b,x\n", "t.csv", r"line 2: not text, or in an encoding that data\.encoding must name"),
        ("text,label\na,x\n".encode("utf-16-le"), "t.csv", r"contains NUL characters \(perhaps UTF-16 without"),
        (b"\xff\xfet\0e", "t.csv", r"begins as utf-16, but is not: it may be cut off"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "t.csv.gz", r"compressed with gzip, but damaged"),
        (bz2.compress(CSV.encode())[:-9], "t.csv.bz2", r"compressed with bzip2, but damaged"),
        (lzma.compress(CSV.encode())[:-9], "t.csv.xz", r"compressed with xz, but damaged"),
        (b"PK\x03\x04broken", "t.zip", r"compressed with zip, but damaged"),
        ('text,label\n"a,x\n', "t.csv", r"line 2: unexpected end of data"),
    ],
)
def test_bad_files_are_refused_with_what_is_wrong(
    tmp_path: Path, content: str | bytes, name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(written(tmp_path, content, name))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv does not exist; data\.file must name a text file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"is a folder; data\.file must name a text file"):
        read(tmp_path)


def test_texts_that_repeat_are_said(tmp_path: Path) -> None:
    file = written(tmp_path, "text,label\n" + "\n".join(f"t{n % 4},{'ab'[n % 2]}" for n in range(40)))
    assert "only 4 different texts in 40 rows: the same ones may be in several splits" in read(file).notes[0]


def test_a_subset_holds_the_chosen_texts() -> None:
    texts = Texts(["a", "b", "c"], torch.tensor([0, 1, 2]))
    chosen = texts.subset(torch.tensor([2, 0]))
    assert list(chosen.texts) == ["c", "a"]
    assert chosen.targets.tolist() == [2, 0]
    assert texts[1] == ("b", torch.tensor(1))
    with pytest.raises(ValueError, match="2 texts but 1 targets"):
        Texts(["a", "b"], torch.tensor([0]))


def test_rows_of_a_group_are_numbered_alike(tmp_path: Path) -> None:
    rows = [("x", "a", "zoe"), ("y", "b", "ann"), ("z", "a", "zoe"), ("w", "b", "bob")]
    file = written(tmp_path, "text,label,author\n" + "\n".join(map(",".join, rows)))
    assert read(file).groups is None
    groups = read(file, group="author").groups
    assert groups is not None
    assert groups.tolist() == [2, 0, 2, 1]
    with pytest.raises(DataError, match=r"data\.group: .* has no column 'writer'"):
        read(file, group="writer")
    lacking = written(tmp_path, "text,label,author\nx,a,zoe\ny,b,\nz,a,ann\nw,b,bob\n")
    with pytest.raises(DataError, match=r"line 3, column 'author': the first of 1 missing values"):
        read(lacking, group="author")
