"""Tables of sounds: file names, targets, groups and splits by column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.data.sounds import save, tone
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError
from workbench.settings.audio_data import AudioTable
from workbench.settings.preset import Preset
from workbench.training.prepared_data import prepare

HEADER = "file,speaker,word,age,part"
ROWS = [
    "sounds/a.wav,anna,yes,30.5,train",
    "sounds/b.flac,anna,no,30.5,train",
    "sounds/c.wav,bert,yes,61,Val",
    "sounds/d.wav,bert,no,61,val",
    "sounds/e.wav,cora,yes,17,TEST",
    "sounds/f.wav,cora,no,17,test",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for index, row in enumerate(ROWS):
        save(tmp_path / row.split(",")[0], tone(300.0 * (index + 1)))
    (tmp_path / "table.csv").write_text("\n".join([HEADER, *ROWS]))
    return tmp_path / "table.csv"


def read(file: Path, target: str = "word", **settings: Any) -> Samples:
    return AudioTable(file=str(file), target=target, sample_rate=8000, **settings).build(lambda progress: None)


def test_rows_are_samples(table: Path) -> None:
    samples = read(table)
    assert samples.task.classes == ("no", "yes")
    assert isinstance(samples.train, InMemory)
    assert samples.train.inputs.shape == (6, 800)
    assert samples.train.targets.tolist() == [1, 0, 1, 0, 1, 0]
    assert samples.groups is None
    assert samples.notes == ()
    # Of the third row: 900 Hz at 8,000 Hz, so 90 periods in a tenth of a second.
    spectrum = torch.fft.rfft(samples.train.inputs[2].float()).abs()
    assert int(spectrum.argmax()) == 90


def test_numbers_are_predicted(table: Path) -> None:
    samples = read(table, "age")
    assert samples.task.kind == "regression"
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [[30.5], [30.5], [61.0], [61.0], [17.0], [17.0]]


def test_a_column_gives_groups_and_another_one_splits(table: Path) -> None:
    samples = read(table, group="speaker")
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0, 1, 1, 2, 2]
    samples = read(table, group="speaker", split="part")
    assert [len(split or ()) for split in (samples.train, samples.validation, samples.test)] == [2, 2, 2]
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0]
    assert len(samples.notes) == 1


def test_a_group_on_both_sides_is_said(table: Path) -> None:
    table.write_text(table.read_text().replace("bert,no", "anna,no"))
    assert read(table, group="speaker", split="part").notes == (
        "the training data has 1 speaker, but the data's own splits do not keep the clips of each on one side",
        "1 of 2 speakers of the validation split are in the train split too ('anna'): its results are those of known "
        "speakers",
    )


def test_windows_of_a_row_have_its_target_and_group(table: Path) -> None:
    samples = read(table, group="speaker", seconds=0.05, clips="windows")
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [1, 1, 0, 0] * 3
    assert samples.groups is not None
    assert samples.groups.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_files_may_lie_in_another_folder_or_be_absolute(table: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.csv"
    text = table.read_text().replace("sounds/a.wav", str(tmp_path / "sounds" / "a.wav")).replace("sounds/", "")
    elsewhere.write_text(text.replace(str(tmp_path) + "/a.wav", str(tmp_path) + "/sounds/a.wav"))
    assert len(read(elsewhere, folder=str(tmp_path / "sounds")).train) == 6


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (("sounds/c.wav", "sounds/x.wav"), {}, r"cannot read the sound '.*sounds/x.wav': it does not exist; .*broken"),
        (("sounds/c.wav", ""), {}, r"table.csv, line 4, column 'file': the first of 1 missing values"),
        (("61,Val", "61,maybe"), {"split": "part"}, r"line 4, column 'part': 'maybe' is not a split; write train"),
        (("train", "test"), {"split": "part"}, r"column 'part': no row is for training"),
        ((",yes,", ",no,"), {}, r"'no' is the only class; there is nothing to learn"),
        (("", ""), {"group": "voice"}, r"data.group: .* has no column 'voice'"),
        (("", ""), {"audio": "path"}, r"data.audio: .* has no column 'path'"),
        (("", ""), {"group": "word"}, r"column 'word' is named both in data.target and in data.group"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    table: Path, change: tuple[str, str], settings: dict[str, Any], message: str
) -> None:
    table.write_text(table.read_text().replace(*change))
    with pytest.raises(DataError, match=message):
        read(table, **settings)


def test_a_class_that_another_split_alone_has_is_named(table: Path) -> None:
    table.write_text(table.read_text().replace("cora,no", "cora,maybe").replace("cora,yes", "cora,maybe"))
    with pytest.raises(DataError, match=r"no sound of class 'maybe' is in the training split, but another split has"):
        read(table, split="part")


def test_a_table_without_rows_and_one_that_is_a_sound_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text(HEADER + "\n")
    with pytest.raises(DataError, match="has no rows below its header"):
        read(tmp_path / "empty.csv")
    save(tmp_path / "sound.wav", tone(440)).rename(tmp_path / "sound.csv")
    with pytest.raises(DataError, match=r"sound.csv"):
        read(tmp_path / "sound.csv")


def test_rows_of_one_file_are_said_and_stay_in_one_split(table: Path) -> None:
    table.write_text(
        table.read_text().replace("sounds/c.wav", "sounds/a.wav").replace("sounds/e", "sounds/../sounds/a")
    )
    samples = read(table)
    assert samples.notes == (
        "2 rows name a sound file that another row names too",
        "the training data has 4 recordings: splits keep the clips of each on one side",
    )
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 1, 0, 2, 0, 3]


def test_windows_of_rows_of_one_file_stay_in_one_split(table: Path) -> None:
    table.write_text(table.read_text().replace("sounds/c.wav", "sounds/a.wav"))
    samples = read(table, seconds=0.05, clips="windows")
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0, 1, 1, 0, 0, 2, 2, 3, 3, 4, 4]


def test_a_file_on_both_sides_is_an_error(table: Path) -> None:
    text = table.read_text()
    table.write_text(text.replace("sounds/e.wav", "sounds/../sounds/a.wav"))
    with pytest.raises(
        DataError, match=r"line 6, column 'part': the sound 'sounds/../sounds/a.wav' is of 'TEST' .* 'train' in line 2"
    ):
        read(table, split="part")
    with pytest.raises(DataError, match=r"line 6, column 'speaker': .* is of 'cora' here, but of 'anna' in line 2"):
        read(table, group="speaker")
    table.write_text(text.replace("sounds/d.wav", "sounds/c.wav").replace("no,61,val", "no,61,valid"))  # as is Val
    assert len(read(table, group="speaker", split="part").validation or ()) == 2


def test_missing_labels_are_an_error_or_their_rows_are_left_out(table: Path) -> None:
    text = table.read_text().replace("b.flac,anna,no", "b.flac,anna,NA").replace("c.wav,bert,yes", "c.wav,bert,")
    table.write_text(text)
    with pytest.raises(DataError) as caught:
        read(table)
    assert "line 3, column 'word': 'NA' is the first of 2 missing values in 2 of 6 rows" in str(caught.value)
    assert 'set data.missing = "drop"' in str(caught.value)
    assert "data.ignore" not in str(caught.value)
    samples = read(table, missing="drop")
    assert samples.task.classes == ("no", "yes")
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [1, 0, 1, 0]
    assert samples.left_out.startswith("left out 2 of 6 rows with missing values ('word' lacks 2)")
    assert samples.left_out in samples.notes
    table.write_text(text.replace("bert,,", "bert,yes,").replace("e.wav,cora,yes", "e.wav,cora,NA"))
    samples = read(table, missing_values=("",))
    assert samples.task.classes == ("NA", "no", "yes")
    assert samples.notes == ()


def test_rows_and_files_that_are_left_out_are_both_said(table: Path) -> None:
    table.write_text(table.read_text().replace("f.wav,cora,no", "f.wav,cora,NaN"))
    (table.parent / "sounds" / "a.wav").write_bytes(b"")
    samples = read(table, missing="drop", broken="drop")
    assert len(samples.train) == 4
    assert samples.left_out.startswith("left out 1 of 6 rows with missing values")
    assert "; left out 1 of 5 files: " in samples.left_out


@pytest.mark.parametrize("target", ["word", "age"])
def test_names_that_look_like_those_of_speakers_are_said(tmp_path: Path, target: str) -> None:
    rows = ["file,word,age,speaker"]
    for index in range(8):
        name, word = ("anna", "bert")[index % 2], ("yes", "no")[index // 4]
        save(tmp_path / f"{name}_{index}.wav", tone(300.0))
        rows.append(f"{name}_{index}.wav,{word},{20.5 + index},{name}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    assert read(tmp_path / "table.csv", target).notes == (
        "if 'anna', 'bert' in the names of the files are speakers, a random split puts some on both sides: a column of "
        "speakers, which data.group names, keeps each in one split",
    )
    assert not any("random" in note for note in read(tmp_path / "table.csv", target, group="speaker").notes)


def test_folders_of_speakers_are_said(tmp_path: Path) -> None:
    rows = ["file,word"]
    for index in range(8):
        file = f"sounds/{('anna', 'bert')[index % 2]}/{index}.wav"
        save(tmp_path / file, tone(300.0))
        rows.append(f"{file},{('yes', 'no')[index // 4]}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    assert read(tmp_path / "table.csv").notes == (
        "if 'anna', 'bert' in the names of the files are speakers, a random split puts some on both sides: a column of "
        "speakers, which data.group names, keeps each in one split",
    )


@pytest.mark.parametrize(
    ("method", "validation", "note"),
    [
        ("holdout", [1, 0], "the 2 samples that data.split says are for validation are held out, and"),
        ("predefined", [1, 0], ""),
        ("none", None, "the data's own validation split of 2 samples is not used"),
    ],
)
def test_rows_for_validation_are_held_out(table: Path, method: str, validation: list[int] | None, note: str) -> None:
    settings = ["data.name=audio_table", f"data.file={table}", "data.target=word", "data.split=part"]
    fitting = ["data.sample_rate=8000", "data.mels=8", "data.low_hz=100.0", "data.batch_size=2", "model.name=audio_cnn"]
    preset = Preset().override([*settings, *fitting, f"validation.method={method}"])
    prepared = prepare(preset, lambda progress: None)
    splits = prepared.splits
    found = [None if each is None or each.targets is None else each.targets.tolist()
             for each in (splits.train, splits.validation, splits.test)]  # fmt: skip
    assert found == [[1, 0], validation, [1, 0]]
    said = [each for each in prepared.notes if "validation" in each]
    assert len(said) == bool(note)
    assert all(each.startswith(note) for each in said)


def test_without_rows_for_validation_some_are_drawn(table: Path) -> None:
    table.write_text(table.read_text().replace("61,Val", "61,train").replace("61,val", "61,train"))
    samples = read(table, split="part")
    splits = Preset().override(["validation.fraction=0.5"]).validation.build(samples)
    assert (len(splits.train), len(splits.validation or ()), len(splits.test or ())) == (2, 2, 2)
