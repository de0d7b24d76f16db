"""Files other than a header and rows in UTF-8."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from workbench.data.file_types import gunzip
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError

Read = Callable[..., Samples]

TEXT = "a,b,y\n1,2.5,0.5\n3,4.5,1.5\n"


def is_as_text(samples: Samples) -> bool:
    assert isinstance(samples.train, InMemory)
    return samples.train.inputs.tolist() == [[1, 2.5], [3, 4.5]]


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), TEXT)  # without the time, which would be in the tests' names
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode(), mtime=0),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        b"\xef\xbb\xbf" + TEXT.encode(),
        f"# exported 2024-01-01\n\n# unit: cm\n{TEXT}".encode(),
        f"#1,2,3\n# 4\n{TEXT}".encode(),
        f"sep=;\n{TEXT.replace(',', ';')}".encode(),
        f'"sep=;"\r\n{TEXT.replace(",", ";")}'.encode(),
        f"sep=|\n# comment; with; signs\n{TEXT.replace(',', '|')}".encode(),
    ],
)
def test_other_encodings_are_read_like_the_plain_file(read_csv: Read, content: bytes) -> None:
    assert is_as_text(read_csv(content))


def test_a_note_names_comment_lines_and_line_numbers_include_them(read_csv: Read) -> None:
    assert read_csv(f"# one\n# two\n{TEXT}").notes == ("left out 2 comment lines above the header",)
    with pytest.raises(DataError, match="line 6: 1 fields, but the header, line 3, has 3"):
        read_csv(f"# one\n# two\n{TEXT}7\n")


def test_a_header_may_begin_with_a_hash(read_csv: Read) -> None:
    samples = read_csv("#a\tb\ty\n1\t2\t0.5\n3\t4\t1.5\n")
    assert samples.columns == ("#a", "b")
    assert samples.notes == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1\x15\x04\xff\xff", "it is Parquet; save it as CSV"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "it is an Excel workbook; save the sheet as CSV"),
        (zipped("d.csv"), "it is a zip archive; unpack it"),
        (zipped("x.npy"), 'it is a NumPy .npz file; set data.name = "npz"'),
        (b"BZh91AY&SY\x9a\xb0", "compressed with bzip2"),
        (b"\x28\xb5\x2f\xfd\x00", "compressed with zstd"),
        (b"\x89HDF\r\n\x1a\n\0", "it is HDF5"),
        (b'[{"a": 1}]', "it is JSON"),
        (b"\n<!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "compressed with gzip, but damaged"),
        (TEXT.encode("utf-16-le"), "perhaps UTF-16 without a byte order mark"),
        (TEXT.encode("utf-16")[:-1], "incomplete UTF-16"),
        (b"a,y\n1,\xe9\n", "line 2: not UTF-8"),
    ],
)
def test_the_type_of_other_files_is_reported(read_csv: Read, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_csv(content)


def test_a_column_name_may_equal_the_first_bytes_of_another_file_type(read_csv: Read) -> None:
    assert read_csv(TEXT.replace("a,b", "ORC,PAR1")).columns == ("ORC", "PAR1")


@pytest.mark.parametrize("text", ["5.1,3.5,0\n4.9,3.0,0\n", "5.1,3.5,setosa\n4.9,3.0,setosa\n", "1,1,2\n3,4,5\n"])
def test_a_file_without_a_header_is_reported(read_csv: Read, text: str) -> None:
    with pytest.raises(DataError, match=r"the file needs a header|the first line of the file must name its columns"):
        read_csv(text)


def test_a_file_larger_than_memory_is_refused_before_it_is_read(
    read_csv: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.data.whole_file.MEMORY_PER_BYTE", 10**15)
    with pytest.raises(DataError, match=r"reading it would take at least .* of memory, but .* are free"):
        read_csv(TEXT)


def test_gzip_that_decompresses_to_more_than_the_free_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="decompressed it has more than 1,000 bytes"):
        gunzip(gzip.compress(bytes(10**6)), 1000)
