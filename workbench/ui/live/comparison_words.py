"""A comparison of settings in words: the question, the method and the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.advice.policy import POLICY
from workbench.advice.rule import percent, severity_of
from workbench.metrics import metric
from workbench.processes.comparison import Comparison, Measure, Measured
from workbench.ui.live.comparison import change_in_words
from workbench.units import count, decimals, rate, size

F1 = metric("f1_macro")
LEAST_DIFFERENCE = 0.03
"""Two figures without an interval differ only from here on: 1.2 % was measured between equal settings."""

QUESTIONS: dict[Measure, str] = {
    "speed": "does {change} train more samples/s?",
    "memory": "does {change} take less memory?",
    "validation_loss": "does {change} reach a lower validation loss?",
    "f1": "does {change} raise F1, all classes counting alike?",
    "dead_units": "does {change} leave fewer units dead?",
    "saturated_units": "does {change} leave fewer values saturated?",
}

OF_LEARNING: dict[Measure, str] = {
    "validation_loss": "the loss of validation samples is measured",
    "f1": "validation samples are classified",
    "dead_units": "the loss of validation samples is measured, and at the end dead units are counted",
    "saturated_units": "the loss of validation samples is measured, and at the end saturated values are counted",
}
"""What is done after each round, for measures of learning."""

WITHOUT_MEASURE = (
    "Two training runs side by side cannot answer this: the change only decides when training ends, and each step "
    "stays as it is. Keep it for the next run?"
)


def question(change: Sequence[str], measure: Measure | None, now: str) -> str:
    """The question; now: the values that the changed settings have."""
    words = f"{change_in_words(change)} (now {now})" if now else change_in_words(change)
    return QUESTIONS[measure].format(change=words) if measure is not None else f"{words}?"


def method(measure: Measure) -> str:
    """How it is measured."""
    thrown_away = "The models are thrown away, and nothing is saved."
    if measure in OF_LEARNING:
        return (
            "Both settings train from the start, in turns, on the same samples; after each round "
            f"{OF_LEARNING[measure]}. {thrown_away}"
        )
    return f"Both settings train in turns, in short rounds. {thrown_away}"


def answer(comparison: Comparison, change: Sequence[str], rule: str, times: str) -> str:
    """What was found, in a sentence or two; rule: whose finding led to it."""
    words = change_in_words(change)
    if comparison.changed.loss is None and comparison.measure in OF_LEARNING:
        return f"{words}: training diverges, its loss is no longer a finite number"
    result = {
        "speed": pace,
        "memory": _memory,
        "validation_loss": _lowest_loss,
        "f1": _f1,
        "dead_units": _fraction,
        "saturated_units": _fraction,
    }[comparison.measure](comparison, times)
    unseen = _not_shown(comparison, rule)
    return f"{words}: {result}" + (f". {unseen}" if unseen else "")


def pace(comparison: Comparison, times: str) -> str:
    """The ratio of the two paces: "5.1 × the samples a second"; times: the glyph."""
    is_small = abs(comparison.ratio - 1) < LEAST_DIFFERENCE
    if is_small or comparison.ratio_low <= 1 <= comparison.ratio_high:
        return "no clear difference in samples/s"
    return f"{ratio(comparison.ratio)} {times} samples/s"


def _memory(comparison: Comparison, times: str) -> str:
    before, after = comparison.present.peak_bytes, comparison.changed.peak_bytes
    if before is None or after is None:
        return "this device does not report how much memory they take"
    return f"at most {size(after)} of memory instead of {size(before)}; {pace(comparison, times)}"


def _lowest_loss(comparison: Comparison, _times: str) -> str:
    before, after = comparison.present.lowest_loss, comparison.changed.lowest_loss
    if after is None:
        return "its loss was never a finite number"
    if before is None or comparison.present.loss is None:
        return f"its lowest {loss_name(comparison)} is {_loss(after)}; with the present settings training diverges"
    low, high = comparison.difference_low, comparison.difference_high
    is_small = abs(after - before) < LEAST_DIFFERENCE * abs(before)
    if is_small if low is None or high is None else low <= 0 <= high:
        return f"no clear difference in the lowest {loss_name(comparison)}: {_loss(after)} against {_loss(before)}"
    return f"the lowest {loss_name(comparison)} is {_loss(after)} instead of {_loss(before)}"


def _f1(comparison: Comparison, _times: str) -> str:
    before, after = comparison.present.f1, comparison.changed.f1
    if before is None or after is None:
        return "F1 could not be measured"
    return f"F1 over the classes is {F1.write(after)} instead of {F1.write(before)}"


def _fraction(comparison: Comparison, _times: str) -> str:
    before, after = comparison.present.fraction, comparison.changed.fraction
    if after is None:
        return "the activations of its model cannot be looked at"
    against = "; with the present settings training diverges" if before is None else f" instead of {percent(before)}"
    what = "units are dead" if comparison.measure == "dead_units" else "values are saturated"
    return f"in the worst layer {percent(after)} of the {what}{against}"


def _not_shown(comparison: Comparison, rule: str) -> str:
    """A caveat if the present settings did not show the trouble that the comparison is about; else empty."""
    present, shown = comparison.present, True
    if rule in ("dead-units", "saturated-units"):
        shown = present.fraction is None or severity_of(rule, present.fraction) is not None
    elif rule == "not-finite":
        shown = present.loss is None
    elif rule == "overfitting" and present.loss is not None and present.lowest_loss:
        shown = severity_of(rule, present.loss / present.lowest_loss - 1) is not None
    if shown:
        return ""
    return (
        f"But on the {count(comparison.samples)} samples trained here the present settings do not show "
        f"{TROUBLES.get(rule, POLICY[rule].title)}: so this does not show whether the change helps against it"
    )


TROUBLES = {"not-finite": "a loss that is not finite"}
"""What a rule finds, for rules whose title is no noun."""


def rows(comparison: Comparison, times: str) -> list[tuple[str, str, str, str]]:
    """Rows of (name, present, changed, remark); the figure that decides comes first."""
    low, high = ratio(comparison.ratio_low), ratio(comparison.ratio_high)
    spread = f"{ratio(comparison.ratio)} {times}, middle half of {comparison.rounds} paired rounds {low}–{high}"
    validated = f"{count(comparison.validation_samples)} samples" if comparison.validation_samples else ""
    if comparison.difference_low is not None and comparison.difference_high is not None:
        low_loss, high_loss = comparison.difference_low, comparison.difference_high
        validated = f"difference {low_loss:+.2g} to {high_loss:+.2g} (95 %, {validated})"
    unlike = "" if comparison.same_loss else "another kind of loss"
    name = loss_name(comparison)
    epochs = f"{comparison.epochs:.3g} epochs each" if comparison.measure in OF_LEARNING else ""
    made: list[tuple[str, Callable[[Measured], str], str]] = []
    if comparison.measure in OF_LEARNING:
        made += [
            ("F1 over the classes", lambda side: "" if side.f1 is None else F1.write(side.f1), ""),
            ("in the worst layer", lambda side: "" if side.fraction is None else percent(side.fraction), ""),
            (f"lowest {name}", lambda side: _loss(side.lowest_loss), unlike or validated),
            ("    after samples", lambda side: "" if side.lowest_after is None else count(side.lowest_after), ""),
            (f"last {name}", lambda side: _loss(side.loss), unlike),
        ]
        if comparison.measure != "f1":
            made = [row for row in made if not row[0].startswith("F1")]
    made += [
        ("samples/s", lambda side: rate(side.samples_per_second), spread),
        ("peak memory", lambda side: "" if side.peak_bytes is None else size(side.peak_bytes), ""),
        ("steps measured", lambda side: count(side.steps), epochs),
    ]
    if comparison.present.engine != comparison.changed.engine:
        made.append(("engine", lambda side: side.engine, ""))
    values = [(title, of(comparison.present), of(comparison.changed), remark) for title, of, remark in made]
    return [row for row in values if row[1] or row[2]]


def loss_name(comparison: Comparison) -> str:
    """The name of the losses: of validation or of training samples."""
    return "validation loss" if comparison.validation_samples else "training loss"


def _loss(value: float | None) -> str:
    return "not finite" if value is None else decimals(value)


def ratio(value: float) -> str:
    """A ratio as people read it: 0.83, 1.07, 5.1, 24."""
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 10 else f"{value:.0f}"
