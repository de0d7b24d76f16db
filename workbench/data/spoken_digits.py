"""Spoken digits by synthetic voices, made on the spot by espeak-ng and kept as FLAC files."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbench.data.audio_folder import audio_folder
from workbench.data.audio_samples import AudioReading
from workbench.data.progress import Meter, Report
from workbench.data.samples import Samples
from workbench.errors import DataError
from workbench.files import storage_error

PROGRAM = "espeak-ng"

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
"""Voices of espeak-ng, of men and women: the groups that a split keeps on one side."""
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-029")
"""Accents of English, each spoken by each of them: sixty voices. Not en-gb, which is British as en is: espeak-ng 1.51
speaks it with one and the same voice, whichever speaker is asked for."""

FOLDER = "spoken_digits_2"
"""Within the folder of data sets; another number for other words or voices."""

SPEAKER = re.compile(r"\+(\w+)\.flac$")

TIMEOUT_S = 60.0
"""For one word, which takes 30 ms."""

MOST_PROGRAMS = 4
"""Words that are spoken at the same time."""

LEFTOVER_S = 3600.0
"""Unfinished folders older than this are removed: no one works on them any more."""


def spoken_digits(folder: Path, reading: AudioReading, report: Report) -> Samples:
    """Reads the digits 0 to 9 by sixty voices, and makes them in `folder` first if they are not there.

    The voices are twelve speakers with five accents each; a speaker stays in one split, so that a test is of unseen
    ones. Raises DataError if espeak-ng is not installed or fails, StorageError if the files cannot be written.
    """
    place = folder / FOLDER
    if not place.is_dir():
        _make(place, report)
    files = sum(1 for _ in place.glob("?/*.flac"))
    if files != len(WORDS) * len(SPEAKERS) * len(ACCENTS):
        raise DataError(
            f"{place} holds {files} of {len(WORDS) * len(SPEAKERS) * len(ACCENTS)} spoken digits; remove this folder, "
            "and they are made again"
        )
    return audio_folder(place, SPEAKER, reading, report)


def _make(place: Path, report: Report) -> None:
    """Makes all files in a folder of its own and renames that, so that an interrupted run leaves nothing behind."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise DataError(
            f"spoken_digits are made by {PROGRAM}, which is not installed. Install it (Debian and Ubuntu: apt install "
            f"{PROGRAM}; Fedora: dnf install {PROGRAM}; macOS: brew install {PROGRAM}) and start again: it makes them "
            "once, in less than a minute"
        )
    _check_voices(program)
    jobs = [
        (word, number, f"{accent}+{speaker}")
        for number, word in enumerate(WORDS)
        for speaker in SPEAKERS
        for accent in ACCENTS
    ]
    meter = Meter(report, f"making spoken digits with {PROGRAM}", len(jobs), "words")
    unfinished: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(place)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{FOLDER}."))
        for number in range(len(WORDS)):
            (unfinished / str(number)).mkdir()

        def make(job: tuple[str, int, str]) -> bytes:
            word, number, voice = job
            sound = _spoken(program, voice, word)
            (unfinished / str(number) / f"{voice}.flac").write_bytes(sound)
            return hashlib.sha256(sound).digest()

        digests = []
        with ThreadPoolExecutor(min(MOST_PROGRAMS, os.cpu_count() or 1)) as pool:
            for digest in pool.map(make, jobs):
                digests.append(digest)
                meter.add(1)
        _check_distinct(program, [(word, voice) for word, _, voice in jobs], digests)
        unfinished.chmod(0o755)  # mkdtemp makes it private
        try:
            unfinished.rename(place)
        except OSError:
            if not place.is_dir():  # another process may have made them meanwhile
                raise
    except OSError as error:
        raise storage_error(place, error) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
    meter.finish()


def _spoken(program: str, voice: str, word: str) -> bytes:
    """One word as a FLAC file. Raises DataError if the program fails."""
    import soundfile

    command = [program, "-v", voice, "--stdout", word]
    try:
        said = _output(command)
        samples, rate = soundfile.read(io.BytesIO(said), dtype="int16")
    except RuntimeError as error:
        raise DataError(f"{' '.join(command)} does not give a sound: {error}") from error
    if len(samples) == 0:
        raise DataError(f"{' '.join(command)} says nothing")
    flac = io.BytesIO()
    soundfile.write(flac, samples, rate, format="FLAC", subtype="PCM_16")
    return flac.getvalue()


def _check_distinct(program: str, spoken: Sequence[tuple[str, str]], digests: Sequence[bytes]) -> None:
    """Raises DataError if two speakers have the same recording: a test on unseen ones would be on those of training.

    spoken: the word and the voice of each recording.
    """
    first: dict[bytes, tuple[str, str]] = {}
    for (word, voice), digest in zip(spoken, digests, strict=True):
        other_word, other = first.setdefault(digest, (word, voice))
        if other.partition("+")[2] != voice.partition("+")[2]:
            raise DataError(
                f"{program} says {word!r} as {voice} exactly as it says {other_word!r} as {other}, so that speakers of "
                "the test would be heard in training; install espeak-ng 1.51 or another version, with its data"
            )


def _check_voices(program: str) -> None:
    """Raises DataError if a voice is not installed: the program would speak with another one without a word."""
    # A language stands alone, or in parentheses where a voice speaks it beside its own: "en-gb gmw/en (en 2)".
    known = {name.lstrip(b"(") for kind in ("variant", "en") for name in _output([program, f"--voices={kind}"]).split()}
    wanted = [*(f"!v/{speaker}" for speaker in SPEAKERS), *ACCENTS]
    missing = [voice for voice in wanted if voice.encode() not in known]
    if missing:
        raise DataError(
            f"{program} lacks the voices {', '.join(missing)} that spoken_digits needs; install espeak-ng 1.50 or "
            "later, with its data"
        )


def _output(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{' '.join(command)} takes longer than {TIMEOUT_S:g} s") from error
    if done.returncode != 0:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0]
        raise DataError(f"{' '.join(command)} failed with exit code {done.returncode}: {said}")
    return done.stdout


def _remove_leftovers(place: Path) -> None:
    """Removes folders that a killed process left unfinished."""
    for folder in place.parent.glob(f".{FOLDER}.*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > LEFTOVER_S:
                shutil.rmtree(folder, ignore_errors=True)
