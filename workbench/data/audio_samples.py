"""Samples of sound files: all of one rate and length, in memory where they fit, with their groups and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from workbench.data.audio_clips import ClipFormat, Clips, decode, plan_clips
from workbench.data.audio_file import FULL_SCALE
from workbench.data.groups import group_numbers, shared_groups
from workbench.data.progress import Meter, Report
from workbench.data.recordings import LeftOut, Recordings, Scanned, reading_notes, scan
from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.data.words import few
from workbench.errors import DataError

MOST_SECONDS = 30.0
"""How long the longest file may last, in seconds, without a setting of the length of a sample."""

SILENT = 10 ** (-80 / 20)
"""A recording whose samples all stay below this is silent: 80 decibels below full scale."""

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
    "speaker"; clips of one recording are a group where recordings have none. Silent clips are named where all are read
    into memory. Raises DataError.
    """
    found, errors = scan(splits, reading.drop_broken, report)
    lost = LeftOut(sum(len(each.paths) for each in splits.values()), errors)
    scanned, planned, waves = _read(found, reading, lost, report)
    form = planned["train"].format
    notes = reading_notes(scanned, form.rate)
    notes += _length_notes(scanned, planned, form, reading)
    made: dict[str, Split] = {name: Lazy(clips, clips.targets) for name, clips in planned.items()}
    made |= {name: InMemory(read, planned[name].targets) for name, read in waves.items()}
    silent = [name for split, read in waves.items() for name in _silent(read, planned[split])]
    if left_out := str(lost):
        notes.append(left_out)
    if silent:
        notes.append(f"{len(silent)} clips are silent, but used: {few(silent)}")
    _check_classes(planned["train"], splits["train"], task)
    groups, group_notes = _groups(scanned, planned, group)
    return Samples(
        made["train"],
        task,
        validation=made.get("validation"),
        test=made.get("test"),
        notes=(*notes, *group_notes),
        left_out=left_out,
        groups=groups,
    )


def _read(
    scanned: Mapping[str, Scanned], reading: AudioReading, lost: LeftOut, report: Report
) -> tuple[Mapping[str, Scanned], dict[str, Clips], dict[str, Tensor]]:
    """Returns the files that stay, their clips, and by split the waveforms (clips, length); none where they do not fit.

    lost: gets the errors of what does not stay. Files that do not stay have no part in the format of the samples.
    Raises DataError.
    """
    if any(not each.infos for each in scanned.values()):
        raise DataError(f"no sound that can be read is left in a split; {lost}")
    form = _format(scanned, reading)
    planned = {name: plan_clips(each, form) for name, each in scanned.items()}
    total = sum(len(clips) for clips in planned.values())
    if total * form.clip_bytes > reading.memory_limit_bytes:
        return scanned, planned, {}
    meter = Meter(report, "reading sounds", total, "clips")
    waves: dict[str, Tensor] = {}
    stay: dict[str, Scanned] = {}
    lost.parts, lost.windows = [], 0
    for name, clips in planned.items():
        waves[name], broken = decode(clips, reading.drop_broken, meter)
        stay[name] = scanned[name]
        if broken:
            kept = [index for index in range(len(clips)) if index not in broken]
            waves[name], planned[name] = waves[name][torch.tensor(kept).long()], clips.only(kept)
            files = set(clips.file[kept].tolist())
            stay[name] = scanned[name].only(sorted(files))
            first: dict[int, DataError] = {}
            for index, error in broken.items():
                first.setdefault(int(clips.file[index]), error)
            lost.whole += [error for file, error in first.items() if file not in files]
            lost.parts += [error for file, error in first.items() if file in files]
            lost.windows += sum(int(clips.file[index]) in files for index in broken)
    meter.finish()
    if any(not each.infos for each in stay.values()) or _format(stay, reading) != form:
        return _read(stay, reading, lost, report)
    return stay, planned, waves


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


def _silent(waves: Tensor, clips: Clips) -> list[str]:
    """The names of the clips that hold nothing but silence."""
    limit = SILENT if clips.format.is_deep else SILENT * FULL_SCALE
    # The largest of int16 has no negative, and abs() of that would be negative.
    silent = (waves.amax(1) < limit) & (waves.amin(1) > -limit)
    paths = [clips.paths[clips.file[index]] for index in silent.nonzero()[:, 0].tolist()]
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _check_classes(train: Clips, listed: Recordings, task: Task) -> None:
    """Raises DataError if a class has no training samples, or has lost all of them."""
    if task.kind != "classification":
        return
    for number in (torch.bincount(train.targets, minlength=task.outputs) == 0).nonzero()[:, 0].tolist():
        name = task.classes[number] if task.classes else str(number)
        if bool((listed.targets == number).any()):
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
    note = f"the training data has {count} {noun}{'s' * (count != 1)}: splits keep the clips of each on one side"
    return group_numbers(names["train"]), [note, *(shared_groups(names, noun) if known else [])]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
