"""D shows the data of the settings being edited; left and right step through its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import preset
from tests.ui.made_measuring import failure, fake_process, notes_of
from tests.ui.test_runs_live import until
from tests.unit.pictures.made import FLOWERS, GREY, ROW, SHORT, SPECTRUM, WAVE
from workbench.processes.data import DataSummary, Sample
from workbench.processes.measuring import ANSWER, PROGRESS, Progress, typed_line
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.data import DataDialog
from workbench.ui.dialogs.question import QuestionDialog
from workbench.ui.live.data_key import key_of

SIZES = [(80, 24), (120, 36), (200, 50)]
SAMPLES = [
    Sample(7, "rose", image=GREY),
    Sample(9, "tulip", row=ROW),
    Sample(11, "rose", text=SHORT),
    Sample(13, "tulip", waveform=WAVE, spectrogram=SPECTRUM),
]
MADE = replace(FLOWERS, samples=SAMPLES)
READING = typed_line(PROGRESS, Progress("reading the data"))


def lines(answer: DataSummary = MADE) -> list[str]:
    return [READING, typed_line(ANSWER, answer)]


def app_of(tmp_path: Path, **how: Any) -> WorkbenchApp:
    return make_app(tmp_path / "runs", page="settings", **how)


async def opened(pilot: Pilot[None], *, done: bool = True) -> DataDialog:
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, DataDialog))
    dialog = pilot.app.screen
    assert isinstance(dialog, DataDialog)
    if done:
        await until(pilot, lambda: dialog.is_done)
    await pilot.pause()
    await pilot.pause()
    return dialog


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_facts_and_samples_are_seen_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], ascii_only: bool
) -> None:
    asked = fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path, ascii_only=ascii_only)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        text = screen_text(app)
        assert "2 classes (rose, tulip)" in text
        assert "1,200 train" in text
        assert "12 rows with missing values were dropped" in text
        assert "esc close" in text
        if size[0] < 110:
            await pilot.press("right")
        seen = [screen_text(app)]
        for _ in SAMPLES[1:]:
            await pilot.press("right")
            seen.append(screen_text(app))
        for place, said in enumerate(("sample 7 of train", "model gets", "12 tokens", "8 kHz")):
            assert said in seen[place]
            assert f"{place + 1} of 4" in seen[place]
        assert ("@@@" if ascii_only else "▀▀▀") in seen[0]
        assert not ascii_only or all(text.isascii() for text in seen)

    drive(app, steps, size)
    _, module, request = notes_of(asked)
    assert module == "DATA"
    assert Preset.from_toml(str(request["preset"]), "asked").differences(preset()) == {}


def test_on_a_narrow_screen_the_facts_are_the_first_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        assert "predicts" in screen_text(app)
        await pilot.press("right")
        assert "1 of 4" in screen_text(app)
        assert "predicts" not in screen_text(app)
        await pilot.press("left", "left")
        assert "4 of 4" in screen_text(app)
        await pilot.press("right")
        assert "predicts" in screen_text(app)

    drive(app, steps, (80, 24))


def test_a_terminal_of_few_colours_gets_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLORTERM", "")
    fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        assert "@@@" in screen_text(app)
        assert "▀" not in screen_text(app)

    drive(app, steps)


def test_c_shows_one_class_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("C")
        assert "1 of 2 of rose" in screen_text(app)
        await pilot.press("right")
        assert "sample 11 of train" in screen_text(app)
        await pilot.press("C")
        assert "1 of 2 of tulip" in screen_text(app)
        await pilot.press("C")
        assert "1 of 4" in screen_text(app)

    drive(app, steps)


def test_a_class_that_is_a_number_is_not_taken_for_a_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered = [replace(sample, target=str(place % 2)) for place, sample in enumerate(SAMPLES)]
    fake_process(monkeypatch, tmp_path, lines(replace(MADE, samples=numbered)))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("C")
        assert "1 of 2 of class 0" in screen_text(app)

    drive(app, steps)


def test_a_narrow_border_still_says_how_to_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        border = app.screen.query_one("#box").region.bottom - 1
        assert "f5 read again  esc close" in screen_text(app).splitlines()[border]

    drive(app, steps, size=(60, 20))


def test_what_was_read_is_kept_until_the_data_changes_or_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        first, _, _ = notes_of(asked)
        await pilot.press("escape")
        await until(pilot, lambda: not psutil.pid_exists(first))
        app.draft.enter("optimizer.learning_rate", "0.5")
        await opened(pilot)
        assert "2 classes" in screen_text(app)
        assert notes_of(asked)[0] == first, "no process has been launched"
        await pilot.press("f5")
        await until(pilot, lambda: notes_of(asked)[0] != first)
        dialog = app.screen
        assert isinstance(dialog, DataDialog)
        await until(pilot, lambda: dialog.is_done)
        assert "2 classes" in screen_text(app)
        second, _, _ = notes_of(asked)
        await pilot.press("escape")
        app.draft.choose("data", "wine")
        await opened(pilot)
        assert notes_of(asked)[0] != second

    drive(app, steps)


def test_leaving_while_it_is_read_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_process(monkeypatch, tmp_path, [READING])
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot, done=False)
        await until(pilot, lambda: "reading the data" in screen_text(app))
        await pilot.press("right", "C", "f5", "down")
        assert isinstance(app.screen, DataDialog)
        process_id, _, _ = notes_of(asked)
        await pilot.press("escape")
        await until(pilot, lambda: not psutil.pid_exists(process_id))

    drive(app, steps)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (failure("mnist is not in data yet: the first run downloads it there"), "mnist is not in data yet"),
        ([READING], "the measuring process ended without an answer"),
    ],
)
def test_why_it_cannot_be_read_is_a_line_and_it_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Sequence[str], expected: str
) -> None:
    fake_process(monkeypatch, tmp_path, said, dies=True)
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        dialog = await opened(pilot)
        assert expected in screen_text(app)
        assert "f5 read again" in screen_text(app)
        assert dialog.query_one("#box").outer_size.height < 10, "no room for a picture that there is not"
        fake_process(monkeypatch, tmp_path, lines())
        await pilot.press("f5")
        await until(pilot, lambda: dialog.is_done and not dialog.failure)
        await pilot.pause()
        assert "2 classes (rose, tulip)" in screen_text(app)
        assert expected not in screen_text(app)

    drive(app, steps)


def test_invalid_settings_are_said_and_nothing_is_opened(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    app.draft.enter("data.batch_size", "-1")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("D")
        await pilot.pause()
        assert not isinstance(app.screen, DataDialog)
        assert "the data cannot be read: data.batch_size" in screen_text(app)

    drive(app, steps)


def test_code_of_the_preset_runs_only_after_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("def data(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    asked = fake_process(monkeypatch, tmp_path, lines())
    app = app_of(tmp_path, chosen=Preset().override(["data.name=module", "data.function=mine:data"]))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, DataDialog)
        assert not asked.exists()
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(app.screen, DataDialog))
        await until(pilot, asked.exists)

    drive(app, steps)
    assert code.is_trusted("mine:data")


def test_a_long_list_scrolls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = replace(MADE, notes=[f"note number {place}" for place in range(60)])
    fake_process(monkeypatch, tmp_path, lines(many))
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await opened(pilot)
        assert "note number 59" not in screen_text(app)
        await pilot.press("end")
        await pilot.pause()
        assert "note number 59" in screen_text(app)
        await pilot.press("home")
        await pilot.pause()
        assert "note number 0" in screen_text(app)

    drive(app, steps, (80, 24))


def test_the_hint_of_the_data_names_the_key(tmp_path: Path) -> None:
    app = app_of(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "D shows it" in screen_text(app)

    drive(app, steps)


def test_settings_of_training_do_not_decide_what_is_read() -> None:
    fast = Preset()
    assert key_of(fast) == key_of(
        fast.override(["optimizer.learning_rate=0.5", "training.epochs=3", "data.batch_size=8"])
    )
    assert key_of(fast) != key_of(fast.override(["validation.seed=3"]))
    assert key_of(fast) != key_of(fast.override(["data.name=iris"]))
