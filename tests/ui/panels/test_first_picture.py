"""What the idle screen shows of the settings: the layers, what they take, the data and the schedule."""

from __future__ import annotations

from dataclasses import replace

from tests.ui.made import preset
from tests.ui.panels.panel_app import seen
from tests.unit.pictures.made import COLOURED, FLOWERS, PRICES
from workbench.processes.data import Image, Sample
from workbench.processes.preview import Layer, Model
from workbench.ui.live.planner import Expectation
from workbench.ui.live.preview import Picture
from workbench.ui.panels.data_preview import DataPreviewPanel
from workbench.ui.panels.model import ModelPanel, roughly
from workbench.ui.panels.schedule import SchedulePanel

MIB = 2**20
REASON = "nets:make is not trusted yet; starting a run asks"
MLP = Model(
    [
        Layer("layers", "Sequential", [10], 535_818, is_group=True),
        Layer("layers.0", "Flatten", [784], 0),
        Layer("layers.1", "Linear", [512], 401_920),
        Layer("layers.2", "ReLU", [512], 0),
        Layer("layers.3", "Linear", [256], 131_328),
        Layer("layers.4", "ReLU", [256], 0),
        Layer("layers.5", "Linear", [10], 2_570),
    ],
    535_818,
    [1, 28, 28],
)
SQUARE = Image(1, 8, 8, [255] * 64)
SHOWN = replace(FLOWERS, samples=[Sample(place, f"{place} - name", image=SQUARE) for place in range(6)])
PICTURE = Picture(data=SHOWN, model=MLP)
EXPECTED = Expectation(
    parameters=535_818,
    kinds={"parameters": 2 * MIB, "optimizer": 4 * MIB, "rest": 10 * MIB},
    peak_bytes=16 * MIB,
    steps_per_epoch=938,
    step_ms=0.9412,
)


def model(picture: Picture, expectation: Expectation | None, size: tuple[int, int] = (50, 23)) -> list[str]:
    text = seen(ModelPanel(), lambda panel: panel.show(picture, expectation, "mlp", 10), size)
    return [line.strip("│ ") for line in text.splitlines()]


def test_each_layer_has_its_output_and_its_parameters() -> None:
    lines = model(PICTURE, None)
    assert "model  mlp  535,818 parameters" in lines[0]
    cells = [line.split() for line in lines[1:8]]
    assert cells[0] == ["layer", "output", "parameters"]
    assert [row[:3] for row in cells[1:]] == [
        ["Flatten", "784"],
        ["Linear", "512", "401,920"],
        ["ReLU", "512"],
        ["Linear", "256", "131,328"],
        ["ReLU", "256"],
        ["Linear", "10", "2,570"],
    ]


def test_below_stands_what_they_take_as_far_as_it_is_known() -> None:
    text = "\n".join(model(PICTURE, EXPECTED))
    assert "16.0 MiB at the peak" in text or "16 MiB at the peak" in text
    assert "step about 0.940 ms   epoch 938 steps" in text
    assert "10 epochs about 8.8 s" in text
    unknown = "\n".join(model(PICTURE, replace(EXPECTED, step_ms=None, peak_bytes=None)))
    assert "at the peak" not in unknown
    assert "epoch 938 steps" in unknown
    assert "about" not in unknown


def test_a_low_panel_keeps_its_layers_first() -> None:
    lines = model(PICTURE, EXPECTED, (50, 8))
    assert sum("Linear" in line for line in lines) == 3
    assert not any("memory" in line for line in lines)


def test_the_network_of_the_settings_before_takes_nothing() -> None:
    lines = model(replace(PICTURE, is_old=True), EXPECTED)
    assert any("Linear" in line for line in lines)
    assert not any("MiB" in line for line in lines), "that would be of the new settings"


def test_why_there_is_nothing_is_said_once() -> None:
    unread = Picture(reason=REASON)
    assert REASON in seen(DataPreviewPanel(), lambda panel: panel.show(unread, "digits"), (70, 10))
    assert "once the data has been read" in " ".join(model(unread, None, (70, 10)))
    assert REASON in " ".join(model(Picture(data=SHOWN, reason=REASON), None, (70, 10)))


def test_where_room_is_short_all_layers_stand_and_the_kinds_of_memory_do_not() -> None:
    assert any("optimizer" in line for line in model(PICTURE, EXPECTED, (36, 21)))
    lines = model(PICTURE, EXPECTED, (36, 15))
    assert sum("Linear" in line for line in lines) == 3
    assert any("at the peak" in line for line in lines)
    assert not any("optimizer" in line for line in lines)


def test_about_has_two_digits() -> None:
    assert [roughly(ms) for ms in (0.0412, 9.77, 4980, 178_000)] == ["0.041 ms", "9.8 ms", "5 s", "2:58 min"]


def data(picture: Picture, size: tuple[int, int] = (50, 16)) -> str:
    return seen(DataPreviewPanel(), lambda panel: panel.show(picture, "iris"), size, ascii_only=True)


def test_samples_stand_under_their_class_above_the_balance_of_the_classes() -> None:
    lines = data(PICTURE).splitlines()
    assert "data  iris  1,200 train, 300 test" in lines[0]
    assert "2 classes (rose, tulip)" in lines[1]
    assert lines[2].split() == ["|", "0", "1", "2", "3", "|"]
    assert lines[3].count("@" * 8) == 4
    rose, tulip = (next(line for line in lines if name in line) for name in ("rose  ", "tulip "))
    assert "1,000" in rose
    assert "200" in tulip
    assert 4 * tulip.count("=") <= rose.count("=") <= 6 * tulip.count("=")


def test_a_coloured_image_and_numbers_to_predict_are_shown_too() -> None:
    prices = replace(PRICES, samples=[Sample(0, "price 4.5", image=COLOURED)])
    text = data(Picture(data=prices))
    assert "price  mean 4.25" in text
    assert "|" in text.splitlines()[-3]


def schedule(*overrides: str, size: tuple[int, int] = (60, 12)) -> str:
    chosen = preset().override(list(overrides))
    return seen(SchedulePanel(), lambda panel: panel.show(chosen), size, ascii_only=True)


def test_the_schedule_is_drawn_from_its_first_rate_to_its_last() -> None:
    text = schedule("schedule.name=cosine", "optimizer.learning_rate=0.01")
    lines = text.splitlines()
    assert "learning rate  cosine  0.01 -> " in lines[0]
    assert "10 epochs" in lines[-1]
    left, right = ([y for y, line in enumerate(lines[1:-3]) if "*" in line[x : x + 8]] for x in (8, 50))
    assert max(left) < min(right), "it falls"


def test_a_schedule_that_depends_on_results_says_so() -> None:
    assert "falls when the validation loss stops improving" in schedule("schedule.name=plateau", size=(80, 12))
    assert "warm-up 2" in schedule("schedule.warmup_epochs=2")
