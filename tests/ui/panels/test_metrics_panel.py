"""The metrics panel: headline, classes and confusion, at which size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.made import events, metrics
from tests.ui.panels.panel_app import (
    WIDTHS,
    final,
    history,
    last,
    seen,
)
from workbench.runs.events import (
    EpochEnd,
    Prepared,
    Started,
    TextGenerated,
)
from workbench.runs.history import RunHistory
from workbench.ui.panels.metrics import MetricsPanel


@pytest.mark.parametrize("width", WIDTHS)
def test_headline_classes_and_confusion_are_shown_at_every_width(width: int) -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(history()), (width, 44))
    for sign in ("accuracy 97.33 %", "F1 97.13 %", "ROC AUC 0.9987", "loss 0.2023", "4 predicted as 9 (12 times)"):
        assert sign in text
    assert "recall" in text
    assert "true class by row" in text
    assert "…" not in text


def test_a_narrow_table_leaves_out_whole_columns() -> None:
    narrow = seen(MetricsPanel(), lambda panel: panel.show(history()), (36, 44))
    table = next(line for line in narrow.splitlines() if "class " in line and "F1" in line)
    assert table.split() == ["│", "class", "precision", "recall", "F1", "│"]
    wide = seen(MetricsPanel(), lambda panel: panel.show(history()), (90, 44))
    assert "samples" in wide


def test_the_matrix_stands_beside_the_table_where_there_is_room() -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(history()), (100, 30))
    assert any("precision" in line and " 8   9 " in line for line in text.splitlines())
    row = next(line for line in text.splitlines() if " 12 " in line)
    assert row.split()[-13:-1] == ["232", "4", ".", ".", ".", ".", "220", ".", ".", ".", ".", "12"]


def test_the_test_result_takes_the_place_of_the_validation_and_says_of_which_weights() -> None:
    made = history(final(metrics(0.9641, 0.121)))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (90, 20))
    assert "test split, best epoch 6" in text
    assert "accuracy 96.41 %" in text


def test_an_epoch_that_was_not_validated_leaves_the_metrics_of_the_one_before() -> None:
    made = history()
    for epoch in range(7, 30):
        made.take(replace(last(made, EpochEnd), epoch=epoch, validation=None, best=False))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (90, 20))
    assert "validation, epoch 6" in text
    assert "accuracy 97.33 %" in text


def test_regression_has_errors_and_no_classes() -> None:
    made = history(final({"loss": 0.25, "rmse": 0.5, "mae": 0.4, "r2": 0.81}))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    for sign in ("loss 0.25", "RMSE 0.5", "MAE 0.4", "R² 0.81"):
        assert sign in text
    assert "class" not in text


def test_a_panel_of_a_run_that_predicts_numbers_promises_no_classes() -> None:
    [prepared] = [event for event in events(0) if isinstance(event, Prepared)]
    made = history(replace(prepared, task="regression"), steps=0)
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    assert "errors and R² appear here with each validation" in text
    assert "precision" in seen(MetricsPanel(), lambda panel: panel.show(None), (90, 12))


def test_unknown_metrics_are_left_out_and_a_loss_that_is_not_finite_is_shown() -> None:
    made = history(final({"loss": None, "accuracy": 0.5, "roc_auc": None, "r2": None}))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    assert "loss nan" in text
    assert "ROC" not in text
    assert "R²" not in text


def many_classes(classes: int) -> RunHistory:
    f1 = [0.5 + index / (2 * classes) for index in range(classes)]
    support = [50] * classes
    f1[7], support[7] = 0.0, 0
    f1[60] = 0.1
    confusion = [[40 if row == column else 0 for column in range(classes)] for row in range(classes)]
    made = history(
        final({"loss": 1.0, "accuracy": 0.7, "precision": f1, "recall": f1, "f1": f1, "support": support,
                "confusion": confusion})
    )  # fmt: skip
    made.view.prepared = replace(last(made, Prepared), classes=[f"kind {index}" for index in range(classes)])
    return made


def test_of_a_hundred_classes_the_worst_are_listed_first_and_it_is_said() -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (90, 44))
    assert "worst 30 of 100" in text
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if "worst 30 of 100" in line) + 1
    assert "kind 60" in lines[first]
    assert "kind 0" in lines[first + 1]
    assert "kind 7 " not in text, "a class that does not occur is no bad one"
    assert "nothing is confused" in text


def test_a_matrix_that_does_not_fit_is_shaded_and_one_that_cannot_is_replaced_by_words() -> None:
    narrow = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (90, 60))
    assert "the confusion matrix takes 108 columns: too wide for here" in narrow
    wide = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (130, 160))
    assert "darker: more" in wide
    assert "▓" in wide
    plain = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (130, 160), ascii_only=True)
    assert plain.isascii()


def test_the_worst_classes_stand_at_the_top_beside_a_large_matrix() -> None:
    lines = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (170, 50)).splitlines()
    assert any("worst 30 of 100" in line and "true class by row" in line for line in lines[:8])


def test_long_class_names_are_shortened_with_an_ellipsis() -> None:
    made = history()
    names = ["a class with a name that nobody would like to type", *(f"c{index}" for index in range(9))]
    made.view.prepared = replace(last(made, Prepared), classes=names)
    assert "a class with a name…" in seen(MetricsPanel(), lambda panel: panel.show(made), (90, 44))


def test_the_metrics_scroll_by_keys_and_say_how_much_is_hidden() -> None:
    top = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10))
    assert "below" in top
    assert "above" not in top
    below = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "down", "down", "down")
    assert "3 above" in below
    assert "accuracy" not in below
    end = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "end")
    assert "below" not in end
    assert "accuracy" in seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "end", "home")


def test_new_metrics_take_the_place_of_those_drawn_before() -> None:
    made = history()

    def more(panel: MetricsPanel) -> None:
        made.take(final(metrics(0.5, 1.0)))
        panel.show(made)

    assert "accuracy 50.00 %" in seen(MetricsPanel(), lambda panel: panel.show(made), (60, 10), then=more)


def test_before_the_first_validation_the_panel_says_what_it_will_show() -> None:
    assert "appear here" in seen(MetricsPanel(), lambda panel: panel.show(None), (60, 10))
    assert "appear here" in seen(MetricsPanel(), lambda panel: panel.show(history(steps=50)), (60, 10))


def test_a_language_models_text_stands_below_its_metrics_with_its_lines() -> None:
    values = {"loss": 1.25, "token_accuracy": 0.6125, "perplexity": 3.49, "bits_per_byte": 1.8034}
    made = history(final(values))
    made.take(
        TextGenerated(
            step=600, epoch=6, prompt="The ", text="with\x1b[2J statement\n \nis a compound stat", seconds=0.5
        )
    )
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    for sign in ("token acc 61.25 %", "PPL 3.49", "bits/byte 1.8034", "what it writes after epoch 6"):
        assert sign in text
    lines = [line.strip("│ ") for line in text.splitlines()]
    place = lines.index("The with statement")
    assert lines[place + 1] == "is a compound stat"
    assert "\x1b[2J" not in text
    made.take(Started(process_id=1, resumed=True, step=500))
    assert "what it writes" not in seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))


def test_a_panel_of_a_language_model_promises_its_own_metrics() -> None:
    [prepared] = [event for event in events(0) if isinstance(event, Prepared)]
    made = history(replace(prepared, task="language_modeling"), steps=0)
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (90, 12))
    assert "perplexity, bits per byte and a sample of text appear here with each validation" in text


def with_names(names: list[str]) -> RunHistory:
    made = history()
    made.view.prepared = replace(last(made, Prepared), classes=names)
    return made


WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def test_a_name_that_begins_with_its_short_form_is_shown_by_it() -> None:
    made = with_names([f"{digit} - {word}" for digit, word in enumerate(WORDS)])
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (100, 30))
    assert " - " not in text
    assert "4 predicted as 9 (12 times)" in text
    assert any(" 8   9 " in line for line in text.splitlines())


def test_heads_that_could_not_be_told_apart_are_numbers_that_the_rows_explain() -> None:
    made = with_names([f"kind of {word}" for word in WORDS])
    lines = seen(MetricsPanel(), lambda panel: panel.show(made), (110, 32)).splitlines()
    assert any(" 9   10 " in line for line in lines)
    assert any("10 kind of ni…" in line for line in lines)


def test_an_error_is_shaded_by_its_fraction_of_the_row() -> None:
    shades = {}

    def read(panel: MetricsPanel) -> None:
        panel.show(history())
        for line in panel.all_lines(96):
            for number in ("12", "3", "220"):
                place = line.plain.find(f" {number} ", 40)
                style = line.get_style_at_offset(panel.app.console, place + 1)
                if place >= 0 and style.bgcolor is not None:
                    shades[number] = style.bgcolor
        assert len(set(shades.values())) == len(shades) == 3

    seen(MetricsPanel(), read, (100, 30))
    assert shades
