"""The values of a run's monitored metric after each epoch, for a small curve: read from the run's events at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from workbench.files import open_regular
from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import decode
from workbench.runs.events import EpochEnd

LINE_START = f'{{"type":"{EpochEnd.type}"'.encode()
MOST_BYTES = 2**24
"""Of a longer file, evenly spaced blocks of this many bytes together are read."""
BLOCK_BYTES = 2**19
MOST_DECODED = 64
"""Epochs that are decoded: the line of one may have metrics of a thousand classes."""


def read_epoch_values(run: RunDirectory, metric: str) -> list[float]:
    """Reads the values of a metric after the epochs, of many only some; empty if there are none.

    Of the validation split, or of training without one. An epoch that was trained again after a resume counts once.
    """
    try:
        with open_regular(run.events) as file:
            lines = [line for block in _blocks(file) for line in block.splitlines() if _is_epoch(line)]
    except OSError:
        return []
    by_epoch = {}
    for line in _evenly(lines):
        event = decode(line)
        if isinstance(event, EpochEnd):
            value = (event.validation or event.train).get(metric)
            if isinstance(value, int | float) and value == value:
                by_epoch[event.epoch] = float(value)
    return [by_epoch[epoch] for epoch in sorted(by_epoch)]


def _is_epoch(line: bytes) -> bool:
    """Whether a line is an epoch's, and whole."""
    return line.startswith(LINE_START) and line.endswith(b"}")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    size = file.seek(0, os.SEEK_END)
    blocks = MOST_BYTES // BLOCK_BYTES
    if size <= MOST_BYTES:
        file.seek(0)
        yield file.read()
        return
    for number in range(blocks):
        # A line that the seek cut off does not start like an event and is skipped.
        file.seek(round(number * (size - BLOCK_BYTES) / (blocks - 1)))
        yield file.read(BLOCK_BYTES)


def _evenly(lines: list[bytes]) -> list[bytes]:
    if len(lines) <= MOST_DECODED:
        return lines
    last = len(lines) - 1
    return [lines[round(place * last / (MOST_DECODED - 1))] for place in range(MOST_DECODED)]
