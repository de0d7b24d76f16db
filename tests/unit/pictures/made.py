"""Made summaries and samples."""

from __future__ import annotations

from dataclasses import replace

from workbench.processes.data import (
    ClassCount,
    DataSummary,
    Image,
    Lengths,
    Numbers,
    Row,
    Sample,
    Spectrogram,
    SplitSize,
    TensorShape,
    Text,
    Waveform,
)

ROW = Row(["width", "height"], [1.5, None], [0.25, -2.0])
GREY = Image(1, 2, 2, [0, 255, 255, 0])
COLOURED = Image(3, 1, 2, [255, 0, 0, 255, 0, 0])
"""A red pixel and a green one."""
WAVE = Waveform([-1.0, -0.5, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0], seconds=0.5, sample_rate=16_000)
SPECTRUM = Spectrogram("log-mel", 2, 4, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0], 2.0, "20 Hz", "8 kHz")
"""First low, then high."""
SHORT = Text("to be or\nnot", is_whole=False, tokens=["to", " be", "\n"], length=12, kept=12)

FLOWERS = DataSummary(
    data="iris",
    task="classification",
    learns="2 classes (rose, tulip)",
    outputs=2,
    splits=[SplitSize("train", 1200), SplitSize("test", 300)],
    classes=[
        ClassCount("rose", {"train": 1000, "test": 250}),
        ClassCount("tulip", {"train": 200, "test": 50}),
    ],
    more_classes=0,
    numbers=[],
    more_numbers=0,
    raw=[TensorShape("", [1, 28, 28], "uint8")],
    model_input=[TensorShape("", [1, 28, 28], "float32")],
    encoding="standardize",
    samples=[Sample(7, "rose", row=ROW), Sample(9, "tulip", row=ROW)],
    notes=["12 rows with missing values were dropped"],
)
PRICES = replace(
    FLOWERS,
    task="regression",
    learns="price: numbers from 1 to 9.5",
    outputs=1,
    classes=[],
    numbers=[Numbers("price", 1.0, 9.5, 4.25, 2.5, {"5": 1.5, "25": 2.0, "50": 4.0, "75": 6.0, "95": 9.0})],
    samples=[Sample(3, "price 4.5", row=ROW)],
)
TEXTS = replace(
    FLOWERS,
    raw=[TensorShape("", [], "text")],
    model_input=[TensorShape("", [128], "int64")],
    encoding="words",
    vocabulary=20_000,
    lengths=Lengths("tokens", 3, 61, 120.5, 3000, 1200, limit=128, cut=31),
    samples=[Sample(0, "rose", text=SHORT)],
)
