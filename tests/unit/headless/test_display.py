"""The lines that headless training prints about a run."""

from __future__ import annotations

import pytest

from workbench.headless.display import describe
from workbench.runs.events import Prepared


@pytest.mark.parametrize(
    ("loading", "words"),
    [
        ("on_device", "samples kept on the device"),
        ("dataloader", "samples read by a DataLoader"),
        ("mine", "samples mine"),
    ],
)
def test_the_first_line_says_in_words_how_samples_are_loaded(loading: str, words: str) -> None:
    prepared = Prepared(
        device="cpu", device_name="CPU", engine="eager", data_loading=loading, parameters=131, train_samples=96,
        batch_size=16, steps_per_epoch=6, epochs=2,
    )  # fmt: skip
    assert describe(prepared).plain.splitlines()[0] == f"131 parameters on the CPU, eager engine, {words}"
