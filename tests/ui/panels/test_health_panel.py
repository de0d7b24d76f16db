"""The health page: a row for each layer, shades over time, values under a cursor, and troubles in words."""

from __future__ import annotations

from dataclasses import replace

from tests.ui.made import looks
from tests.ui.panels.panel_app import history, last, seen
from workbench.runs.events import Prepared
from workbench.runs.history import RunHistory
from workbench.ui.panels.health import HealthPanel

LOW, HIGH = (100, 8), (100, 30)


def page(size: tuple[int, int], *keys: str, count: int = 4, ascii_only: bool = True) -> list[str]:
    """In ASCII shades are characters."""
    made = history(*looks(count))
    return seen(HealthPanel(), lambda panel: panel.show(made), size, *keys, ascii_only=ascii_only).splitlines()


def row(lines: list[str], name: str) -> str:
    return next(line for line in lines if f"| {name} " in line)


def test_a_row_shades_its_layer_over_time_and_ends_in_its_value_and_trouble() -> None:
    lines = page(LOW)
    assert "health  gradient norm  ! 1 vanishing" in lines[0]
    first = row(lines, "layers.0")
    # 0.5, 0.005, 5e-5 and 5e-7 on a logarithmic scale from 5e-7 to 5: seven shades, six cells a look
    assert first.startswith("| layers.0  ######++++++------......"), first
    assert first.rstrip(" |").endswith("5e-07  ! vanishing")
    assert row(lines, "layers.12").startswith("| layers.12 ########################")
    assert row(lines, "layers.12").rstrip(" |").endswith(" 2.5")
    assert "5e-07 .:-=+*# 5, log" in lines[-1]


def test_the_axis_names_the_first_and_the_last_look() -> None:
    assert "step 100             400" in page(LOW)[-2]


def test_b_switches_between_the_metrics_and_back() -> None:
    weights = page(LOW, "b")
    assert "health  weight norm" in weights[0]
    assert row(weights, "layers.3").rstrip(" |").endswith(" 5.03")
    dead = page(LOW, "b", "b")
    assert "health  dead or saturated  ! 1 dead" in dead[0]
    assert row(dead, "layers.1").rstrip(" |").endswith(" 90 %  ! dead")
    assert row(dead, "layers.1").startswith("| layers.1  ......------++++++######  ")
    assert "0 % " in dead[-1]
    assert " 100 %" in dead[-1]
    assert "gradient norm" in page(LOW, "b", "b", "b")[0]


def test_where_there_is_room_all_metrics_are_shown() -> None:
    lines = page(HIGH)
    titles = [line for line in lines if ", log" in line or "100 %" in line]
    assert [title.split("  ")[0].strip("| ") for title in titles] == [
        "gradient norm",
        "weight norm",
        "dead or saturated",
    ]
    assert "! 1 vanishing  ! 1 dead" in lines[0]
    assert "norm" not in lines[0]


def test_a_cursor_reads_the_values_of_another_look_and_esc_removes_it() -> None:
    lines = page(LOW, "left", "left")
    assert row(lines, "layers.0").rstrip(" |").endswith(" 5e-05")
    assert "vanishing" not in row(lines, "layers.0"), "the word is about the latest look"
    assert "^ step 300" in lines[-2]
    assert lines[-2].index("^") == row(lines, "layers.0").index("-"), "below the look"
    assert "^ step 100" in page(LOW, *["left"] * 9)[-2]
    assert "^" not in page(LOW, "left", "escape")[-2]


def test_more_looks_than_cells_all_fit() -> None:
    lines = page((50, 8), count=300)
    assert all(len(line) == 50 for line in lines)
    assert "vanishing" in row(lines, "layers.0")
    assert "30,000" in lines[-2]


def test_layers_out_of_sight_are_reached_by_scrolling_while_the_axis_stays() -> None:
    lines = page((100, 6))
    assert "2 below" in lines[-1]
    assert "step 100" in lines[-2]
    scrolled = page((100, 6), "down", "down")
    assert row(scrolled, "layers.12")
    assert "step 100" in scrolled[-2]


def test_before_the_first_look_the_panel_says_what_it_will_show() -> None:
    assert "appear here" in seen(HealthPanel(), lambda panel: panel.show(None), LOW)
    assert "appear here" in seen(HealthPanel(), lambda panel: panel.show(history()), LOW)


def test_a_network_whose_activations_cannot_die_says_so() -> None:
    look = replace(next(looks(1)), layers=[])
    text = seen(HealthPanel(), lambda panel: panel.show(history(look)), LOW, "b", "b")
    assert "no activation of this network can be dead or saturated" in text


def test_loss_scaling_makes_gradients_that_are_not_finite_normal() -> None:
    look = next(looks(1))
    look.tensors[0]["non_finite_share"] = 0.1
    made = history(look)
    assert "not finite" in seen(HealthPanel(), lambda panel: panel.show(made), LOW)
    scaled = RunHistory()
    for event in (replace(last(made, Prepared), precision="fp16"), look):
        scaled.take(event)
    assert "not finite" not in seen(HealthPanel(), lambda panel: panel.show(scaled), LOW)
