"""Folders of sounds: classes and splits, one rate and length for all, groups, and what is said of the files."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.unit.data.sounds import RATE, save, tone, two_pitches
from workbench.data.audio_folder import audio_folder
from workbench.data.audio_samples import AudioReading
from workbench.data.groups import speaker_pattern
from workbench.data.image_folder import image_folder
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Lazy, Samples, Split
from workbench.errors import DataError, PresetError
from workbench.settings.audio_data import AudioFolder

PLENTY = 10**8
READING = AudioReading(RATE, 0.0, "cut", False, PLENTY)


def read(folder: Path, pattern: str = "", **changes: Any) -> Samples:
    return audio_folder(folder, speaker_pattern(pattern), replace(READING, **changes), lambda progress: None)


def waves(split: Split | None) -> Tensor:
    assert isinstance(split, InMemory)
    return split.inputs


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff"])
def test_sixteen_bits_are_read_to_the_bit(tmp_path: Path, suffix: str) -> None:
    numbers = np.random.default_rng(0).integers(-(2**15), 2**15, 800).astype(np.int16)
    numbers[:2] = -(2**15), 2**15 - 1
    for name in ("a", "b"):
        save(tmp_path / name / f"x.{suffix}", numbers)
    assert torch.equal(waves(read(tmp_path).train)[0], torch.from_numpy(numbers))


def test_classes_and_files_are_sorted_and_waves_have_sixteen_bits(tmp_path: Path) -> None:
    samples = read(two_pitches(tmp_path))
    assert samples.task.classes == ("high", "low")
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    found = waves(samples.train)
    assert (found.shape, found.dtype) == ((6, 800), torch.int16)
    assert samples.notes == ()
    assert samples.groups is None


def test_split_folders_are_found(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("Val", 2), ("testing", 1)):
        two_pitches(tmp_path / split, count)
    samples = read(tmp_path)
    assert [len(waves(split)) for split in (samples.train, samples.validation, samples.test)] == [6, 4, 2]


def test_more_than_sixteen_bits_are_kept_for_all_files(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.wav", tone(440, level=1e-5), subtype="FLOAT")
    save(tmp_path / "b" / "y.wav", tone(440))
    found = waves(read(tmp_path).train)
    assert found.dtype == torch.float32
    assert torch.equal(found[0], torch.from_numpy(tone(440, level=1e-5)))
    assert (found[1] - torch.from_numpy(tone(440))).abs().max() < 1e-4


def test_rates_channels_and_lengths_are_made_equal_and_said(tmp_path: Path) -> None:
    save(tmp_path / "a" / "stereo.wav", np.stack([tone(440, 0.2)] * 2, axis=1))
    save(tmp_path / "a" / "fast.flac", tone(440, 0.2, 16000), 16000)
    save(tmp_path / "b" / "slow.wav", tone(440, 0.2, 4000), 4000)
    save(tmp_path / "b" / "short.wav", tone(440, 0.1))
    samples = read(tmp_path)
    assert waves(samples.train).shape == (4, 1600)
    assert samples.notes == (
        "2 of 4 files are resampled to 8,000 Hz, from 16,000, 4,000 Hz",
        "1 of 4 files have more than one channel, whose mean is taken",
        "samples last 0.2 s: 1 shorter ones are padded with silence",
    )
    [short] = [wave for wave in waves(samples.train) if not wave[800:].any()]
    assert short[:800].any()


def test_longer_recordings_are_cut(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    samples = read(tmp_path, seconds=0.05)
    assert torch.equal(waves(samples.train), waves(read(tmp_path).train)[:, :400])
    assert samples.notes == (
        'samples last 0.05 s: 6 of 6 files are longer and cut (data.clips = "windows" divides them)',
    )


def test_windows_divide_a_recording_and_belong_together(tmp_path: Path) -> None:
    """0.1 s give three windows of 0.03 s, and a third of one that is left out; half of one is kept."""
    two_pitches(tmp_path, 2)
    save(tmp_path / "low" / "zoe.wav", tone(300, 0.045))
    whole = waves(read(tmp_path).train)
    samples = read(tmp_path, seconds=0.03, clips="windows")
    found = waves(samples.train)
    assert found.shape == (4 * 3 + 2, 240)
    assert torch.equal(found[:3].reshape(-1), whole[0, :720])
    assert torch.equal(found[-2:].reshape(-1), whole[-1, :480])
    assert not found[-1, 120:].any()
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    assert samples.notes == (
        "samples last 0.03 s: 5 of 5 files are longer; all files give 14 clips",
        "the training data has 5 recordings: splits keep the clips of each on one side",
    )


def test_windows_of_another_rate_begin_where_those_of_the_same_rate_do(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name / "x.wav", tone(440, 1.0, 11025), 11025, subtype="FLOAT")
    found = waves(read(tmp_path, seconds=0.1, clips="windows").train)[:10].reshape(-1)
    error = (found - torch.from_numpy(tone(440, 1.0))).abs()
    assert error.median() < 1e-2
    assert error.unflatten(0, (10, 800))[:, 50:-50].max() < 0.07  # a clip begins within half a sample of the file


def test_samples_that_do_not_fit_are_read_one_by_one_and_are_the_same(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "fast.flac", tone(440, 0.05, 16000), 16000)
    cases: list[dict[str, Any]] = [{}, {"seconds": 0.03, "clips": "windows"}]
    for changes in cases:
        kept, lazy = read(tmp_path, **changes), read(tmp_path, memory_limit_bytes=1000, **changes)
        assert isinstance(lazy.train, Lazy)
        assert torch.equal(torch.stack([lazy.train[index][0] for index in range(len(lazy.train))]), waves(kept.train))
        assert lazy.train.targets is not None
        assert kept.train.targets is not None
        assert torch.equal(lazy.train.targets, kept.train.targets)
        assert lazy.notes == kept.notes
        again = pickle.loads(pickle.dumps(lazy.train.dataset))
        assert torch.equal(again[1][0], waves(kept.train)[1])
        assert len(set(again.names)) == len(lazy.train)


def test_silent_recordings_are_named(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "nothing.wav", np.zeros(800, np.float32))
    save(tmp_path / "low" / "faint.wav", tone(300, level=5e-5))
    assert read(tmp_path).notes == ("2 clips are silent, but used: 'low/faint.wav', 'low/nothing.wav'",)


def damaged(path: Path) -> Path:
    """A FLAC file whose header is right, and whose sound is overwritten in its second half."""
    save(path, tone(300.0, 2.0) + np.random.default_rng(0).normal(0, 0.01, 2 * RATE).astype(np.float32))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("changes", [{}, {"seconds": 0.03, "clips": "windows"}])
def test_broken_and_silent_files_are_found_too_where_sounds_do_not_fit(tmp_path: Path, changes: dict[str, Any]) -> None:
    two_pitches(tmp_path, 2)
    wrong = tone(300)
    wrong[[10, 700]] = np.nan
    save(tmp_path / "high" / "nan.wav", wrong, subtype="FLOAT")
    save(tmp_path / "high" / "nothing.wav", np.zeros(800, np.float32))
    damaged(tmp_path / "low" / "damaged.flac")
    with pytest.raises(DataError, match=r"nan.wav': it holds nan at sample 10 .*data.broken = \"drop\""):
        read(tmp_path, memory_limit_bytes=10, **changes)
    seen: list[Progress] = []
    reading = replace(READING, drop_broken=True, **changes)
    kept = audio_folder(tmp_path, None, reading, lambda progress: None)
    lazy = audio_folder(tmp_path, None, replace(reading, memory_limit_bytes=10), seen.append)
    assert isinstance(lazy.train, Lazy)
    found = torch.stack([lazy.train[index][0] for index in range(len(lazy.train))])
    assert torch.equal(found, waves(kept.train))
    assert lazy.notes == kept.notes
    assert lazy.left_out == kept.left_out
    windows = "52 windows of " if changes else ""  # 2 of the one file, 50 of the other
    assert lazy.left_out.startswith(f"left out {windows}2 of 7 files: ")
    assert any("silent, but used: 'high/nothing.wav'" in note for note in lazy.notes)
    last = [progress for progress in seen if progress.what == "checking sounds"][-1]
    assert last.done == last.total


@pytest.mark.parametrize("limit", [10, PLENTY])
def test_a_split_of_broken_files_is_named_with_the_reason(tmp_path: Path, limit: int) -> None:
    two_pitches(tmp_path / "train", 2)
    for name in ("high", "low"):
        save(tmp_path / "test" / name / "x.wav", np.full(800, np.nan, np.float32), subtype="FLOAT")
    with pytest.raises(
        DataError, match=r"no sound of the test split can be read \(left out 2 of 6 files: .*high/x.wav': it holds nan"
    ):
        read(tmp_path, drop_broken=True, memory_limit_bytes=limit)
    for path in (tmp_path / "test").glob("*/x.wav"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"no sound of the test split can be read \(left out 2 of 6 files: .*is empty"):
        read(tmp_path, drop_broken=True, memory_limit_bytes=limit)


def test_one_is_not_spoken_of_as_several(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "nothing.wav", np.zeros(800, np.float32))
    assert read(tmp_path).notes == ("1 clip is silent, but used: 'low/nothing.wav'",)
    for name in ("x", "y"):
        (tmp_path / "low" / f"{name}.wav").touch()
    with pytest.raises(DataError, match=r"\(1 more file cannot be read\)"):
        read(tmp_path)


def test_a_recording_of_hours_needs_the_length_of_a_sample(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "long.flac", np.zeros(3 * 3600 * 1000, np.int16), 1000)
    with pytest.raises(DataError, match=r"long.flac' lasts 3 h 0 min, .* set data.seconds .* data.clips = \"windows\""):
        read(tmp_path)
    assert waves(read(tmp_path, seconds=0.1).train).shape == (7, 800)


def test_a_single_long_recording_that_makes_all_others_mostly_silence_is_said(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "long.wav", tone(300, 1.0))
    assert read(tmp_path).notes[1] == (
        "half of the files last at most 0.1 s, so most of what is trained on is silence: data.seconds = 0.1 would cut "
        "the longer ones"
    )


def test_broken_files_are_an_error_or_left_out(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    (tmp_path / "low" / "empty.wav").touch()
    save(tmp_path / "low" / "wrong.wav", np.full(800, np.nan, np.float32), subtype="FLOAT")
    with pytest.raises(DataError, match=r"low/empty.wav': it is empty; repair or remove it, or data.broken = \"drop\""):
        read(tmp_path)
    samples = read(tmp_path, drop_broken=True)
    assert waves(samples.train).shape == (6, 800)
    assert samples.left_out.startswith("left out 2 of 8 files: ")
    assert samples.left_out in samples.notes
    (tmp_path / "low" / "empty.wav").unlink()
    with pytest.raises(DataError, match=r"low/wrong.wav': it holds nan at sample 0 .* data.broken"):
        read(tmp_path)
    for path in (tmp_path / "low").iterdir():
        path.write_text("no sound")
    with pytest.raises(DataError, match="no sound of class 'low' that can be read is left in the training split"):
        read(tmp_path, drop_broken=True)


def torn(*places: float) -> Any:
    """0.1 s of a tone that is not a number at these seconds."""
    wave = tone(300)
    wave[[round(place * RATE) for place in places]] = np.nan
    return wave


def test_windows_that_are_left_out_are_counted_and_each_file_is_named_once(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    save(tmp_path / "low" / "torn.wav", torn(0.01, 0.015, 0.06), subtype="FLOAT")
    windows: dict[str, Any] = {"seconds": 0.02, "clips": "windows", "drop_broken": True}
    samples = read(tmp_path, **windows)
    assert waves(samples.train).shape == (7 * 5 - 2, 160)
    assert samples.left_out.startswith("left out 2 windows of 1 of 7 files: cannot read the sound ")
    assert samples.left_out.count("torn.wav") == 1
    assert samples.left_out in samples.notes
    assert samples.groups is not None
    assert torch.bincount(samples.groups).tolist() == [5] * 6 + [3]
    save(tmp_path / "low" / "all.wav", torn(0.01, 0.03, 0.05, 0.07, 0.09), subtype="FLOAT")
    (tmp_path / "low" / "empty.wav").touch()
    samples = read(tmp_path, **windows)
    assert waves(samples.train).shape == (33, 160)
    assert samples.left_out.startswith("left out 2 of 9 files and 2 windows of 1 other: cannot read the sound ")
    assert all(samples.left_out.count(name) == 1 for name in ("all.wav", "empty.wav", "torn.wav"))
    assert samples.notes[0] == "samples last 0.02 s: 7 of 7 files are longer; all files give 33 clips"


def test_a_file_that_is_left_out_has_no_part_in_the_length_and_type_of_samples(tmp_path: Path) -> None:
    two_pitches(tmp_path)
    expected = read(tmp_path)
    save(tmp_path / "low" / "long.wav", np.append(tone(300, 2.0), np.float32(np.nan)), subtype="FLOAT")
    samples = read(tmp_path, drop_broken=True)
    assert waves(samples.train).shape == (6, 800)
    assert torch.equal(waves(samples.train), waves(expected.train))
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert samples.notes == (samples.left_out,)
    assert samples.left_out.startswith("left out 1 of 7 files: ")


def test_another_kind_of_files_is_recognised(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "pictures" / name / "x.png")
    with pytest.raises(
        DataError, match=r"has no sound files; expected \*.wav.* holds images, which data.name = \"image_folder\" reads"
    ):
        read(tmp_path / "pictures")
    two_pitches(tmp_path / "sounds")
    with pytest.raises(DataError, match=r"has no images; .* holds sound files, which data.name = \"audio_folder\""):
        image_folder(tmp_path / "sounds", 0, 3, PLENTY, lambda progress: None)


def test_one_class_and_no_files_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "one" / "low" / "x.wav", tone(440))
    with pytest.raises(DataError, match=r"has a single class, 'low'"):
        read(tmp_path / "one")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"has no folders; expected .*\*.wav"):
        read(tmp_path / "none")
    save(tmp_path / "flat" / "x.wav", tone(440))
    with pytest.raises(DataError, match=r"has no folders \(1 sound file lies directly in it\)"):
        read(tmp_path / "flat")
    with pytest.raises(DataError, match=r"does not exist; data.folder must name one"):
        read(tmp_path / "nowhere")


def test_the_name_of_a_file_gives_its_speaker(tmp_path: Path) -> None:
    samples = read(two_pitches(tmp_path), r"^([a-z]+)_")
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 1, 2, 0, 1, 2]
    assert samples.notes == ("the training data has 3 speakers: splits keep the clips of each on one side",)


def test_windows_of_a_speaker_stay_together_across_recordings(tmp_path: Path) -> None:
    samples = read(two_pitches(tmp_path, 2), r"^([a-z]+)_", seconds=0.05, clips="windows")
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_a_speaker_on_both_sides_of_the_datas_own_splits_is_said(tmp_path: Path) -> None:
    two_pitches(tmp_path / "train", 3)
    two_pitches(tmp_path / "test", 2)
    assert read(tmp_path, r"^([a-z]+)_").notes == (
        "the training data has 3 speakers, but the data's own splits do not keep the clips of each on one side",
        "2 of 2 speakers of the test split are in the train split too ('anna', 'bert'): its results are those of known "
        "speakers",
    )


def test_a_name_without_a_speaker_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 of 6 file names do not match data.speaker_pattern = .*: 'cora_take2.wav'"):
        read(two_pitches(tmp_path), r"^([ab][a-z]+)_")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["high/anna_0", "high/bert_0", "low/anna_0", "low/bert-1"], "'anna', 'bert'"),
        (["high/anna_0", "high/anna_1", "low/bert_0", "low/bert_1"], ""),  # no one speaks in two classes
        (["high/take_0", "high/take_1", "low/take_0", "low/take_1"], ""),  # a single name
        (["high/a_0", "high/b_0", "low/c_0", "low/a_0"], ""),  # most names are of one file
        (["high/anna_0", "high/bert_0", "low/anna_0", "low/bert"], ""),  # a name without a number
    ],
)
def test_names_that_look_like_those_of_speakers_are_said(tmp_path: Path, names: list[str], said: str) -> None:
    for index, name in enumerate(names):
        save(tmp_path / f"{name}.wav", tone(300.0 * (index + 1)))
    samples = read(tmp_path)
    expected = (
        f"if {said} in the names of the files are speakers, a random split puts some on both sides: "
        r"data.speaker_pattern = '^(.+)[_-]\d+\.' keeps each in one split"
    )
    assert samples.notes == ((expected,) if said else ())
    with_pattern = read(tmp_path, r"^(.+?)(?:[_-]\d+)?\.")
    assert with_pattern.groups is not None
    assert not any("random split" in note for note in with_pattern.notes)


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("{word}_{speaker}_{take}", r"^[^_-]+[_-](.+)[_-]\d+\."),
        ("{speaker}-{word}-{take}", r"^(.+)[_-][^_-]+[_-]\d+\."),
    ],
)
def test_speakers_are_found_beside_the_class_in_a_name(tmp_path: Path, form: str, pattern: str) -> None:
    for word in range(2):
        for index in range(4):
            name = form.format(word=word, speaker=["jackson", "theo"][index % 2], take=index)
            save(tmp_path / str(word) / f"{name}.wav", tone(300.0 + 100 * index))
    assert read(tmp_path).notes == (
        "if 'jackson', 'theo' in the names of the files are speakers, a random split puts some on both sides: "
        f"data.speaker_pattern = '{pattern}' keeps each in one split",
    )
    samples = read(tmp_path, pattern)
    assert samples.groups is not None
    assert samples.groups.tolist() == [int("theo" in path) for path in sorted(map(str, tmp_path.glob("0/*")))] * 2


def test_speakers_without_a_sign_before_the_number_are_found(tmp_path: Path) -> None:
    for index in range(8):
        save(tmp_path / "ab"[index // 4] / f"{('anna', 'bert')[index % 2]}{index}.wav", tone(300.0))
    pattern = r"^([^_-]*[^\d_-])\d+\."
    assert read(tmp_path).notes == (
        "if 'anna', 'bert' in the names of the files are speakers, a random split puts some on both sides: "
        f"data.speaker_pattern = '{pattern}' keeps each in one split",
    )
    samples = read(tmp_path, pattern)
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def folders_of_speakers(folder: Path, *more: str) -> Path:
    for word in ("high", "low"):
        for file in ("anna/1.wav", "bert/1.wav", "bert/old/2.wav", "cora/2.wav", *more):
            save(folder / word / file, tone(300.0))
    return folder


def test_folders_of_speakers_are_found(tmp_path: Path) -> None:
    folders_of_speakers(tmp_path, "1.wav")  # else it is not clear which folders are classes
    assert read(tmp_path).notes[-1] == (
        "if 'anna', 'bert', 'cora' in the names of the files are speakers, a random split puts some on both sides: "
        "data.speaker_pattern = '^([^/]+)/' keeps each in one split, once '1.wav', '1.wav' are renamed to match it too"
    )


def test_whether_folders_are_classes_or_speakers_is_asked_and_the_pattern_says_it(tmp_path: Path) -> None:
    folders_of_speakers(tmp_path)
    with pytest.raises(DataError, match=r"which are the classes\? .* speakers, data\.speaker_pattern = '\^\(\[\^/\]"):
        read(tmp_path)
    samples = read(tmp_path, "^([^/]+)/")
    assert samples.task.classes == ("high", "low")
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 1, 1, 2] * 2


def test_a_few_other_names_do_not_silence_the_warning(tmp_path: Path) -> None:
    for index in range(8):
        save(tmp_path / "ab"[index // 4] / f"{('anna', 'bert')[index % 2]}_{index}.wav", tone(300.0))
    save(tmp_path / "a" / "noise.wav", tone(500.0))
    assert read(tmp_path).notes == (
        "if 'anna', 'bert' in the names of the files are speakers, a random split puts some on both sides: "
        r"data.speaker_pattern = '^(.+)[_-]\d+\.' keeps each in one split, once 'noise.wav' is renamed to match it too",
    )
    for index in range(2):
        save(tmp_path / "b" / f"noise{'xy'[index]}.wav", tone(500.0))
    assert read(tmp_path).notes == ()  # 3 of 11 names are too many


def test_folders_that_are_called_like_splits_are_no_speakers(tmp_path: Path) -> None:
    for index in range(8):
        save(tmp_path / "ab"[index // 4] / ("train", "val")[index % 2] / f"{index}.wav", tone(300.0))
    save(tmp_path / "a" / "9.wav", tone(300.0))
    assert not any("speakers" in note for note in read(tmp_path).notes)


def test_a_file_outside_the_folders_of_speakers_is_named(tmp_path: Path) -> None:
    save(folders_of_speakers(tmp_path) / "low" / "3.wav", tone(300.0))
    with pytest.raises(DataError, match=r"1 of 9 file names do not match data.speaker_pattern = .*: '3.wav'"):
        read(tmp_path, "^([^/]+)/")


def test_a_pattern_without_a_slash_is_for_the_name_of_the_file(tmp_path: Path) -> None:
    for word in ("high", "low"):
        for file in ("old/anna_1.wav", "bert_1.wav"):
            save(tmp_path / word / file, tone(300.0))
    samples = read(tmp_path, "^([a-z]+)_")
    assert samples.groups is not None
    assert samples.groups.tolist() == [1, 0, 1, 0]


def test_likely_speakers_in_several_splits_of_the_data_are_said(tmp_path: Path) -> None:
    for split, names in (("train", "anna bert"), ("validation", "cora dora"), ("test", "anna cora")):
        for word in ("high", "low"):
            for name in names.split():
                for take in range(2):
                    save(tmp_path / split / word / f"{name}_{take}.wav", tone(300.0))
    known = ": its results are those of known speakers"
    assert [note.partition("are speakers, ")[2] for note in read(tmp_path).notes] == [
        f"1 of 2 speakers of the test split are in the train split too ('anna'){known}",
        f"1 of 2 speakers of the test split are in the validation split too ('cora'){known}",
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"data.speaker_pattern = '\(' is not a regular expression"),
        ("anna", "has 0 groups in parentheses and needs one"),
        ("(a)(b)", "has 2 groups in parentheses and needs one"),
    ],
)
def test_a_pattern_that_gives_no_speaker_is_refused_before_anything_is_read(pattern: str, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        AudioFolder(folder="nowhere", speaker_pattern=pattern).build(lambda progress: None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"high_hz": 5000.0, "sample_rate": 8000}, r"data.high_hz = 5000, .* hold frequencies up to 4000 Hz"),
        ({"low_hz": 4000.0, "sample_rate": 8000}, r"data.low_hz = 4000 must be less than .*, 4000 Hz"),
        ({"encoding": "mfcc", "coefficients": 65}, r"data.coefficients = 65, but 64 bands"),
        ({"mels": 1024, "low_hz": 100.0, "high_hz": 101.0}, r"data.mels = 1024: .* too narrow .*; choose fewer"),
        ({"encoding": "waveform", "time_masks": 1}, r"are for spectrograms, but data.encoding = \"waveform\""),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PresetError, match=message):
        AudioFolder(folder="nowhere", **settings).build(lambda progress: None)


def test_an_ogg_file_without_an_end_is_noted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=80_000)
    files = [save(tmp_path / name / "x.ogg", noise) for name in ("a", "b")]
    content = files[1].read_bytes()
    files[1].write_bytes(content[: content.rfind(b"OggS")])
    assert read(tmp_path).notes[0] == "1 of 2 files (Ogg) do not mark their end, and may be cut off: 'b/x.ogg'"
