"""How the data looks: a picture, a sound and a text, in the three kinds of terminals. Summaries are made up."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import make_app, settled
from tests.ui.made_measuring import fake_process
from tests.ui.test_data import lines, opened
from tests.unit.pictures.made import FLOWERS, TEXTS
from workbench.processes.data import ClassCount, DataSummary, Image, Sample, Spectrogram, TensorShape, Text, Waveform

Compare = Callable[..., bool]
SIDE = 28


def ring() -> Image:
    """A ring, soft at its edges, as a written 0 is."""

    def brightness(row: int, column: int) -> int:
        distance = math.hypot((row - 13.5) / 1.25, column - 13.5)
        return round(255 * max(1 - abs(distance - 7) / 3, 0))

    return Image(1, SIDE, SIDE, [brightness(row, column) for row in range(SIDE) for column in range(SIDE)])


def word() -> Sample:
    """A sound whose pitch rises, with an overtone, and which fades."""
    rows, columns = 40, 80

    def loudness(row: int, column: int) -> float:
        pitch = 6 + 10 * column / columns
        near = max(math.exp(-((row - tone) ** 2) / 4) * strength for tone, strength in ((pitch, 1), (2 * pitch, 0.7)))
        return round(near * math.sin(math.pi * column / columns), 3)

    values = [loudness(row, column) for row in range(rows) for column in range(columns)]
    highs = [round(math.sin(math.pi * column / columns) ** 2, 3) for column in range(columns)]
    return Sample(
        4,
        "yes",
        waveform=Waveform([-each for each in highs], highs, seconds=0.8, sample_rate=16_000),
        spectrogram=Spectrogram("log-mel", rows, columns, values, 0.8, "20 Hz", "8 kHz"),
    )


def digits() -> DataSummary:
    return replace(
        FLOWERS,
        data="mnist",
        learns="10 classes (0, 1, … 9)",
        outputs=10,
        classes=[ClassCount(str(digit), {"train": 5000 - 90 * digit, "test": 1000}) for digit in range(10)],
        samples=[Sample(12, "0", image=ring())],
        notes=[],
    )


def commands() -> DataSummary:
    return replace(
        digits(),
        data="audio_folder",
        learns="2 classes (no, yes)",
        classes=[ClassCount("no", {"train": 300, "test": 60}), ClassCount("yes", {"train": 240, "test": 60})],
        raw=[TensorShape("", [12_800], "int16")],
        model_input=[TensorShape("", [1, 40, 80], "float32")],
        encoding="log_mel",
        samples=[word()],
        notes=["600 of 600 files are resampled to 16,000 Hz, from 22,050 Hz", "left out 1 of 601 files: no/9.wav"],
    )


def reviews() -> DataSummary:
    text = "A quiet film that trusts its viewers: little is said,\nand all of it is meant. The last scene is worth it."
    tokens = ["a", "quiet", "film", "that", "trusts", "its", "viewers", ":", "little", "is", "said", ",", "and", "all"]
    return replace(TEXTS, data="text_table", samples=[Sample(3, "rose", text=Text(text, False, tokens, 212, 128))])


@pytest.mark.parametrize(
    ("summary", "size", "theme", "keys"),
    [
        (digits, (120, 36), "dark", []),
        (commands, (80, 24), "light", ["right"]),
        (reviews, (200, 50), "dark", []),
    ],
    ids=["image-120x36", "sound-80x24", "text-200x50"],
)
def test_the_data(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    summary: Callable[[], DataSummary],
    size: tuple[int, int],
    theme: str,
    keys: list[str],
) -> None:
    fake_process(monkeypatch, tmp_path, lines(summary()))
    app = make_app(tmp_path / "runs", theme=f"workbench-{theme}", page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)
