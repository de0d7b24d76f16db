"""Reads sounds from folders, one folder per class."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch

from workbench.data.audio_samples import AudioReading, audio_samples
from workbench.data.class_folders import find_files
from workbench.data.file_kinds import SOUNDS
from workbench.data.groups import speakers
from workbench.data.likely_speakers import likely_speakers
from workbench.data.progress import Report
from workbench.data.recordings import Recordings
from workbench.data.samples import Samples, Task


def audio_folder(folder: Path, pattern: re.Pattern[str] | None, reading: AudioReading, report: Report) -> Samples:
    """Reads FOLDER/<class>/ or FOLDER/{train,validation,test}/<class>/ as waveforms, see `audio_samples`.

    pattern: finds the speaker of a file, see `groups.search_name`; the samples of one then stay in one split. Raises
    DataError if the folders are not classes, a name does not match, or a file is broken.
    """
    layout = find_files(folder, SOUNDS, has_groups=pattern is not None and "/" in pattern.pattern)
    splits = {
        name: Recordings(
            files.paths,
            torch.tensor(files.targets, dtype=torch.int64),
            files.names,
            None if pattern is None else speakers(files.names, pattern),
        )
        for name, files in layout.splits.items()
    }
    task = Task("classification", len(layout.classes), classes=layout.classes)
    samples = audio_samples(splits, task, reading, "speaker", report)
    notes = layout.notes + samples.notes
    if pattern is None:
        notes += tuple(likely_speakers(splits, classified=True, advice="data.speaker_pattern = '{pattern}'"))
    return replace(samples, notes=notes)
