"""Spoken digits are made once, whole or not at all, by whatever is called espeak-ng; and found again."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.unit.data.sounds import RATE, save, tone
from workbench.data import spoken_digits as module
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError, StorageError
from workbench.settings.audio_data import SpokenDigits

PROGRAM = """#!/bin/sh
# Speaks by copying a tone of the word and the voice, and lists its voices; words are counted in a file.
case "$1" in
    --voices=variant) echo "5 variant --/M name !v/m1"; echo "5 variant --/F name !v/f1"; exit ;;
    --voices=en) echo "2 en-gb --/M name gmw/en (en 2)"; echo "2 en-us --/M name gmw/en-US"; exit ;;
esac
echo "$2 $4" >> "{folder}/spoken"
{extra}
cat "{folder}/$2/$4.wav"
"""

Program = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Installs a program of that name that says tones, with another line of shell; four voices are wanted of it."""
    monkeypatch.setattr(module, "SPEAKERS", ("m1", "f1"))
    monkeypatch.setattr(module, "ACCENTS", ("en-us", "en"))
    folder = tmp_path / "bin"

    def install(extra: str = "") -> Path:
        for number, word in enumerate(module.WORDS):
            for loudness, voice in enumerate(("en-us+m1", "en-us+f1", "en+m1", "en+f1", "en+m9", "en-us+m9"), 4):
                save(folder / voice / f"{word}.wav", 0.1 * loudness * tone(200.0 * (number + 1)))
        script = folder / module.PROGRAM
        script.write_text(PROGRAM.format(folder=folder, extra=extra))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return folder

    return install


def read(folder: Path, report: Callable[[Progress], None] = lambda progress: None) -> Samples:
    return SpokenDigits(folder=str(folder), sample_rate=RATE).build(report)


def test_each_digit_is_spoken_by_each_voice_and_kept(tmp_path: Path, program: Program) -> None:
    bin = program("")
    seen: list[Progress] = []
    samples = read(tmp_path / "data", seen.append)
    assert samples.task.classes == tuple("0123456789")
    assert isinstance(samples.train, InMemory)
    assert samples.train.inputs.shape == (40, 800)
    assert samples.train.targets.tolist() == [digit for digit in range(10) for _ in range(4)]
    # Of the digit d: (d + 1) * 200 Hz, so (d + 1) * 20 periods in a tenth of a second.
    peaks = np.abs(np.fft.rfft(samples.train.inputs.numpy())).argmax(1)
    assert peaks.tolist() == [20 * (digit + 1) for digit in range(10) for _ in range(4)]
    assert samples.groups is not None
    assert samples.groups.tolist() == [0, 1, 0, 1] * 10  # both accents of a speaker: en+f1, en+m1, en-us+f1, ...
    spoken = (bin / "spoken").read_text().splitlines()
    assert sorted(spoken) == sorted(
        f"{accent}+{speaker} {word}" for accent in ("en-us", "en") for speaker in ("m1", "f1") for word in module.WORDS
    )
    making = [progress for progress in seen if "espeak-ng" in progress.what]
    assert (making[-1].done, making[-1].total, making[-1].unit) == (40, 40, "words")
    files = sorted((tmp_path / "data").rglob("*.flac"))
    assert len(files) == 40
    assert soundfile.info(files[0]).subtype == "PCM_16"
    again = read(tmp_path / "data")
    assert isinstance(again.train, InMemory)
    assert bool((again.train.inputs == samples.train.inputs).all())
    assert len((bin / "spoken").read_text().splitlines()) == 40


def test_without_the_program_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DataError, match=r"espeak-ng, which is not installed. Install it \(Debian .* apt install espeak"
    ):
        read(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("echo 'no such voice' >&2; exit 3", "failed with exit code 3: no such voice"),
        ("echo nonsense; exit 0", "does not give a sound"),
        ("exit 0", "does not give a sound"),
    ],
)
def test_a_program_that_fails_leaves_nothing_behind(tmp_path: Path, program: Program, extra: str, message: str) -> None:
    program(f'if [ "$4" = seven ]; then {extra}; fi')
    with pytest.raises(DataError, match=rf"espeak-ng -v en.* --stdout seven {message}"):
        read(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    program("")
    assert len(read(tmp_path / "data").train) == 40


def test_voices_that_are_not_installed_are_named(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("")
    monkeypatch.setattr(module, "SPEAKERS", ("m1", "m9"))
    with pytest.raises(DataError, match=r"lacks the voices !v/m9 that spoken_digits needs; install espeak-ng 1.50"):
        read(tmp_path / "data")


def test_a_program_that_speaks_alike_for_two_voices_is_refused(tmp_path: Path, program: Program) -> None:
    """As espeak-ng 1.51 does with en-gb: the voices of the test would be heard in training."""
    program('if [ "$4" = seven ]; then cat "{folder}/en+m1/seven.wav"; exit; fi'.format(folder=tmp_path / "bin"))
    with pytest.raises(DataError, match=r"says 'seven' as en-us\+f1 exactly as it says 'seven' as en-us\+m1"):
        read(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_recordings_of_an_earlier_version_are_not_used(tmp_path: Path, program: Program) -> None:
    """Those of spoken_digits_1 had the same recording under the names of twelve speakers."""
    bin = program("")
    save(tmp_path / "data" / "spoken_digits_1" / "0" / "en-gb+m1.flac", tone(440))
    assert len(read(tmp_path / "data").train) == 40
    assert len((bin / "spoken").read_text().splitlines()) == 40


def test_what_an_interrupted_process_left_is_not_taken_for_whole(tmp_path: Path, program: Program) -> None:
    program("")
    old, new = (tmp_path / "data" / f".{module.FOLDER}.{name}" for name in ("old", "new"))
    for folder in (old, new):
        save(folder / "0" / "en-us+m1.flac", tone(440))
    os.utime(old, (0, time.time() - 2 * module.LEFTOVER_S))
    assert len(read(tmp_path / "data").train) == 40
    assert not old.exists()
    assert new.exists()  # another process may be working on it


def test_two_processes_at_once_get_the_same_files(tmp_path: Path, program: Program) -> None:
    program("sleep 0.01")
    found: list[Samples] = []
    threads = [threading.Thread(target=lambda: found.append(read(tmp_path / "data"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(samples.train) for samples in found] == [40, 40]
    assert [folder.name for folder in (tmp_path / "data").iterdir()] == [module.FOLDER]


def test_files_that_were_removed_are_said(tmp_path: Path, program: Program) -> None:
    program("")
    read(tmp_path / "data")
    next((tmp_path / "data").rglob("*.flac")).unlink()
    with pytest.raises(DataError, match=r"holds 39 of 40 spoken digits; remove this folder, and they are made again"):
        read(tmp_path / "data")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, program: Program) -> None:
    program("")
    (tmp_path / "data").touch()
    with pytest.raises(StorageError, match="cannot write"):
        read(tmp_path / "data")


@pytest.mark.skipif(shutil.which(module.PROGRAM) is None, reason="needs espeak-ng")
def test_the_real_program_has_all_voices_and_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module._check_voices(str(shutil.which(module.PROGRAM)))
    monkeypatch.setattr(module, "SPEAKERS", ("m1", "f1"))
    monkeypatch.setattr(module, "ACCENTS", ("en-us",))
    samples = read(tmp_path)
    assert isinstance(samples.train, InMemory)
    assert len(samples.train) == 20
    assert samples.train.inputs.shape[1] > 0.4 * RATE
    assert samples.notes[0] == "20 of 20 files are resampled to 8,000 Hz, from 22,050 Hz"
    assert not any("silent" in note for note in samples.notes)
    assert len(samples.train.inputs.unique(dim=0)) == 20


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(module.PROGRAM) is None, reason="needs espeak-ng")
def test_all_six_hundred_recordings_of_the_real_program_differ(tmp_path: Path) -> None:
    samples = read(tmp_path)
    assert isinstance(samples.train, InMemory)
    assert len(samples.train.inputs.unique(dim=0)) == len(samples.train) == 600
    assert samples.groups is not None
    assert samples.groups.bincount().tolist() == [50] * 12
