from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from workbench.data.progress import Progress
from workbench.data.samples import Samples, Texts
from workbench.errors import DataError, PresetError
from workbench.settings.text_data import TextFolder


def read(folder: Path, **settings: object) -> Samples:
    choice = TextFolder.model_validate({"folder": str(folder)} | settings)
    return choice.build(lambda progress: None)


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def texts_of(samples: Samples) -> list[str]:
    assert isinstance(samples.train, Texts)
    return list(samples.train.texts)


def test_folders_are_classes_and_files_texts(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "neg/b.txt": "bad\r\nfilm\r",
        "neg/a.TXT": "worse",
        "pos/x.txt.gz": gzip.compress("gut für".encode()),
    }
    samples = read(write(tmp_path, files))
    assert texts_of(samples) == ["worse", "bad\nfilm\n", "gut für"]
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [0, 0, 1]
    assert samples.task.classes == ("neg", "pos")
    assert samples.notes == ()
    assert samples.validation is samples.test is None


def test_split_folders_are_splits(tmp_path: Path) -> None:
    write(tmp_path, {f"{split}/{name}/1.txt": f"{split} {name}" for split in ("train", "val", "test") for name in "ab"})
    samples = read(tmp_path)
    for split, name in ((samples.train, "train"), (samples.validation, "val"), (samples.test, "test")):
        assert isinstance(split, Texts)
        assert list(split.texts) == [f"{name} a", f"{name} b"]
        assert split.targets.tolist() == [0, 1]


def test_other_files_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.txt": "x", "a/2.png": b"\x89PNG", "a/deep/3.txt": "y", "b/1.txt": "z", "top.txt": "t"})
    notes = read(tmp_path).notes
    assert f"found 1 text in folders below those of classes: '{tmp_path / 'a' / 'deep'}'" in notes
    assert "left out 1 file, not a text or not readable: 1 '.png'" in notes
    assert f"left out 1 text outside the folders of classes: '{tmp_path / 'top.txt'}'" in notes


def test_guessed_encodings_are_said_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"a/{n}.txt": "é".encode("cp1252") for n in range(3)}
    samples = read(write(tmp_path, {**files, "b/1.txt": "ü"}))
    assert texts_of(samples) == ["é", "é", "é", "ü"]
    [note] = samples.notes
    assert f"{tmp_path / 'a' / '0.txt'} and 2 more: not UTF-8, so read as cp1252, a guess" in note


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/1.txt": "x"}, r"has a single class, 'a'; expected .*/<class>/\*\.txt, with at least two classes"),
        ({"1.txt": "x"}, r"has no folders \(1 text lies directly in it\)"),
        ({"a/1.png": "x", "b/1.png": "y"}, r"has no texts; expected \*\.txt, in one folder per class"),
        ({"a/1.txt": "x", "b/1.doc": "y"}, r"b' has no texts but 1 '\.doc'; expected \*\.txt"),
        ({"a/1.txt": "x", "b/1.txt": b"\x89PNG\r\n\x1a\n\0"}, r"b/1\.txt is not a text file: it is a PNG image"),
        ({"a/1.txt": b"a\xff\0", "b/1.txt": ""}, r"a/1\.txt, line 1: not text, or in an encoding"),
    ],
)
def test_bad_folders_are_refused_with_what_is_wrong(
    tmp_path: Path, files: dict[str, str | bytes], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, files))


def test_a_missing_folder_and_a_bad_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not exist; data\.folder must name one"):
        read(tmp_path / "none")
    with pytest.raises(PresetError, match=r"data\.encoding = 'utf-9' is unknown"):
        read(write(tmp_path, {"a/1.txt": "x", "b/1.txt": "y"}), encoding="utf-9")


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[Progress] = []
    write(tmp_path, {"a/1.txt": "x", "b/1.txt": "y"})
    TextFolder.model_validate({"folder": str(tmp_path)}).build(seen.append)
    assert seen[-1] == Progress("reading texts", 2, 2, "texts")
