"""Samples of sound files: all of one rate and length, in memory where they fit, with their groups and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from workbench.data.audio_clips import ClipFormat, Clips, plan_clips, read_all
from workbench.data.groups import group_numbers, shared_groups
from workbench.data.progress import Meter, Report
from workbench.data.readers.sounds import SoundReader
from workbench.data.recordings import LeftOut, Recordings, Scanned, reading_notes, scan
from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.data.words import few
from workbench.errors import DataError
from workbench.units import counted

MOST_SECONDS = 30.0
"""How long the longest file may last, in seconds, without a setting of the length of a sample."""

MUCH_PADDING = 4.0
"""A note says if the longest file lasts more than this many times as long as the median one."""


@dataclass(frozen=True)
class AudioReading:
    """How sounds are read."""

    rate: int
    """Samples a second, in hertz, of all samples."""
    seconds: float
    """The length of a sample; 0 for that of the longest file."""
    clips: Literal["cut", "windows"]
    drop_broken: bool
    """Whether files that cannot be read are left out; otherwise they are an error."""
    memory_limit_bytes: int
    """Samples that need more are read one by one while training."""


def audio_samples(
    splits: Mapping[str, Recordings], task: Task, reading: AudioReading, group: str, report: Report
) -> Samples:
    """Reads sounds as waveforms (clips, length): int16, or float32 if a file has more than 16 bits.

    splits: "train" always, "validation" and "test" if they exist. group: what a group of the recordings is, such as
    "speaker"; clips of one recording are a group where recordings have none. All are read once, also where they do
    not fit into memory, so that broken and silent ones are known. Raises DataError.
    """
    found, errors = scan(splits, reading.drop_broken, report)
    lost = LeftOut(sum(len(each.paths) for each in splits.values()), errors)
    read = _read(found, reading, lost, report)
    form, train = read.planned["train"].format, read.planned["train"]
    notes = [*reading_notes(read.files, form.rate), *_length_notes(read.files, read.planned, form, reading)]
    left_out, silent = str(lost), read.silent
    if left_out:
        notes.append(left_out)
    if silent:
        notes.append(
            f"{counted(len(silent), 'clip')} {'is' if len(silent) == 1 else 'are'} silent, but used: {few(silent)}"
        )
    _check_classes(train, splits["train"], task)
    groups, group_notes = _groups(read.files, read.planned, group)
    return Samples(
        read.made["train"],
        task,
        validation=read.made.get("validation"),
        test=read.made.get("test"),
        notes=(*notes, *group_notes),
        left_out=left_out,
        origins={name: clips.origin for name, clips in read.planned.items()},
        groups=groups,
        reader=SoundReader(form.rate, form.length, form.windows, form.is_deep),
    )


@dataclass(frozen=True)
class _Read:
    """What stays of the files, by split."""

    files: Mapping[str, Scanned]
    planned: Mapping[str, Clips]
    """The clips of these files."""
    made: Mapping[str, Split]
    """Their waveforms, in memory where they fit."""
    silent: list[str]
    """The names of the files of clips that hold nothing but silence."""


def _read(scanned: Mapping[str, Scanned], reading: AudioReading, lost: LeftOut, report: Report) -> _Read:
    """Reads all clips. Files that do not stay have no part in the format of the samples.

    lost: gets the errors of what does not stay. Raises DataError if a split has nothing left.
    """
    _check_left(scanned, lost)
    form = _format(scanned, reading)
    planned = {name: plan_clips(each, form) for name, each in scanned.items()}
    total = sum(len(clips) for clips in planned.values())
    fit = total * form.clip_bytes <= reading.memory_limit_bytes
    meter = Meter(report, "reading sounds" if fit else "checking sounds", total, "clips")
    made: dict[str, Split] = {}
    stay: dict[str, Scanned] = {}
    silent: list[str] = []
    lost.parts, lost.windows = [], 0
    for name, clips in planned.items():
        # Those that do not fit are read too: a broken one would be found only while training.
        waves = torch.zeros(len(clips), form.length, dtype=form.dtype) if fit else None
        names = clips.file_names
        checked = read_all(clips, waves, reading.drop_broken, meter)
        silent += [names[clips.file[index]] for index in checked.silent]
        stay[name] = scanned[name]
        if checked.errors:
            kept = [index for index in range(len(clips)) if index not in checked.errors]
            stay[name] = scanned[name].only(_note_lost(clips, kept, checked.errors, lost))
            waves, clips = None if waves is None else waves[torch.tensor(kept).long()], clips.only(kept)
        planned[name] = clips
        made[name] = Lazy(clips, clips.targets) if waves is None else InMemory(waves, clips.targets)
    meter.finish()
    _check_left(stay, lost)
    return _Read(stay, planned, made, silent) if _format(stay, reading) == form else _read(stay, reading, lost, report)


def _note_lost(clips: Clips, kept: list[int], errors: Mapping[int, DataError], lost: LeftOut) -> list[int]:
    """Notes each broken file once, and returns the numbers of those that stay. errors: of the clips that do not."""
    files = set(clips.file[kept].tolist())
    first: dict[int, DataError] = {}
    for index, error in errors.items():
        first.setdefault(int(clips.file[index]), error)
    lost.whole += [error for file, error in first.items() if file not in files]
    lost.parts += [error for file, error in first.items() if file in files]
    lost.windows += sum(int(clips.file[index]) in files for index in errors)
    return sorted(files)


def _format(scanned: Mapping[str, Scanned], reading: AudioReading) -> ClipFormat:
    is_deep = any(info.is_deep for each in scanned.values() for info in each.infos)
    length = round(reading.seconds * reading.rate)
    if not reading.seconds:
        path, longest = max(
            (
                (path, info)
                for each in scanned.values()
                for path, info in zip(each.files.paths, each.infos, strict=True)
            ),
            key=lambda pair: pair[1].seconds,
        )
        if longest.seconds > MOST_SECONDS:
            raise DataError(
                f"{str(path)!r} lasts {_duration(longest.seconds)}, and all samples would be as long: set data.seconds "
                'to the length of a sample; data.clips = "windows" then divides longer recordings into several'
            )
        length = longest.frames_at(reading.rate)
    return ClipFormat(reading.rate, max(length, 1), reading.clips == "windows", is_deep)


def _length_notes(
    scanned: Mapping[str, Scanned], planned: Mapping[str, Clips], form: ClipFormat, reading: AudioReading
) -> list[str]:
    """Says which recordings are cut, divided or padded."""
    lengths = [info.seconds for each in scanned.values() for info in each.infos]
    seconds = form.length / form.rate
    longer = sum(length > seconds + 0.5 / form.rate for length in lengths)
    shorter = sum(length < seconds - 0.5 / form.rate for length in lengths)
    clips = sum(len(each) for each in planned.values())
    parts = []
    if longer and form.windows:
        parts.append(f"{longer} of {len(lengths)} files are longer; all files give {clips} clips")
    elif longer:
        parts.append(f'{longer} of {len(lengths)} files are longer and cut (data.clips = "windows" divides them)')
    if shorter:
        parts.append(f"{shorter} shorter ones are padded with silence")
    notes = [f"samples last {seconds:.4g} s: {', '.join(parts)}"] if parts else []
    usual = median(lengths)
    if not reading.seconds and seconds > MUCH_PADDING * usual:
        notes.append(
            f"half of the files last at most {usual:.3g} s, so most of what is trained on is silence: data.seconds = "
            f"{usual:.3g} would cut the longer ones"
        )
    return notes


def _check_left(files: Mapping[str, Scanned], lost: LeftOut) -> None:
    """Raises DataError if a split has nothing left. files: what each has."""
    for name, each in files.items():
        if not each.infos:
            without = "" if name == "train" else ", or remove the whole split"
            raise DataError(f"no sound of the {name} split can be read ({lost}); repair these files{without}")


def _check_classes(train: Clips, listed: Recordings, task: Task) -> None:
    """Raises DataError if a class has no training samples, or has lost all of them."""
    if task.kind != "classification":
        return
    for place in (torch.bincount(train.targets, minlength=task.outputs) == 0).nonzero()[:, 0].tolist():
        name = task.classes[place] if task.classes else str(place)
        if bool((listed.targets == place).any()):
            raise DataError(f"no sound of class {name!r} that can be read is left in the training split")
        raise DataError(
            f"no sound of class {name!r} is in the training split, but another split has some: a model could not learn "
            "it; put some into the training split, or leave the class out"
        )


def _groups(scanned: Mapping[str, Scanned], planned: Mapping[str, Clips], noun: str) -> tuple[Tensor | None, list[str]]:
    """The group of each training clip, and notes."""
    names: dict[str, list[str]] = {}
    for split in [name for name in ("train", "validation", "test") if name in planned]:
        clips = planned[split]
        own = scanned[split].files.groups
        if own is None:
            if len(clips) == len(set(clips.file.tolist())):
                continue  # a single clip of each recording: nothing to keep together
            own = [str(path) for path in clips.paths]
        names[split] = [own[number] for number in clips.file]
    if "train" not in names:
        return None, []
    known = scanned["train"].files.groups is not None
    noun = noun if known else "recording"
    count = len(set(names["train"]))
    note = f"the training data has {counted(count, noun)}: splits keep the clips of each on one side"
    return group_numbers(names["train"]), [note, *(shared_groups(names, noun) if known else [])]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
