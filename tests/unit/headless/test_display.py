"""The lines that headless training prints about a run."""

from __future__ import annotations

import pytest

from workbench.headless.display import LineDisplay, _progress_parts, describe, epoch_line
from workbench.runs.events import EpochEnd, Prepared, TextGenerated, WarningRaised
from workbench.runs.view import RunView


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


def test_large_numbers_of_epochs_and_steps_have_separators() -> None:
    prepared = Prepared(
        device="cpu", device_name="CPU", engine="eager", data_loading="on_device", parameters=131, train_samples=96,
        batch_size=16, steps_per_epoch=6, epochs=12_000,
    )  # fmt: skip
    view = RunView(step=7200, epoch=1199.5, prepared=prepared)
    view.epoch_end = EpochEnd(
        epoch=1199, step=7194, learning_rate=0.1, train={}, validation={"accuracy": 0.98765}, best=True
    )
    assert _progress_parts(view, prepared, narrow=True)[:2] == ["epoch 1,200/12,000", "step 7,200"]
    assert epoch_line(EpochEnd(epoch=7, step=42, learning_rate=0.1, train={}, best=False), view).plain.startswith(
        "epoch      7/12,000"
    )
    assert "acc 98.77 %" in _progress_parts(view, prepared, narrow=True)


def test_notes_of_the_data_are_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay()
    for message, is_note in (("samples last 0.5 s", True), ("training starts again", False)):
        display.show(b"", WarningRaised(step=0, message=message, is_note=is_note), RunView())
    assert capsys.readouterr().out.splitlines() == ["note: samples last 0.5 s", "warning: training starts again"]


def test_what_a_language_model_writes_stands_behind_a_bar_below_its_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    display, view = LineDisplay(), RunView()
    for epoch, best in ((1, True), (2, False)):
        end = EpochEnd(epoch=epoch, step=epoch, learning_rate=0.1, train={"loss": 2.0}, best=best)
        text = TextGenerated(step=epoch, epoch=epoch, prompt="The ", text=f"text of {epoch}\n \nin two lines")
        for event in (end, text):
            display.show(b"", event, view)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch 1/1")
    assert [line.rstrip() for line in lines[1:]] == [
        "  │ The text of 1",
        "  │ in two lines",
    ]  # 2: too soon, and not best


def test_the_progress_of_a_language_model_shows_its_accuracy() -> None:
    prepared = Prepared(device="cpu", device_name="CPU", batch_size=16, steps_per_epoch=6, epochs=2)
    view = RunView(step=6, epoch=1.0, prepared=prepared)
    view.epoch_end = EpochEnd(
        epoch=1, step=6, learning_rate=0.1, train={}, validation={"token_accuracy": 0.5}, best=True
    )
    assert "acc 50.00 %" in _progress_parts(view, prepared, narrow=True)
