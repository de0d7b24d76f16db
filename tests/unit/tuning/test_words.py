"""What a search has found, in sentences."""

from __future__ import annotations

from typing import Any

from workbench.tuning.events import TrialAsked, TrialFinished, TrialValue
from workbench.tuning.view import StudyView
from workbench.tuning.words import how_far, verdict


def studied(*rates: float) -> StudyView:
    view = StudyView()
    for number, rate in enumerate(rates):
        origin = "list" if number else "preset"
        view.take(TrialAsked(trial=number, settings={"optimizer.learning_rate": rate}, origin=origin))
        view.take(TrialFinished(trial=number, status="completed", value=0.9, metric="accuracy"))
    return view


def found(trial: int, seeds: int, trials: int, tied: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "best": {"trial": trial, "seeds": list(range(seeds))},
        "tied": [{"trial": other} for other in tied],
        "trials": trials,
    }


def test_one_trial_is_not_the_best_of_anything() -> None:
    said = verdict(found(0, 3, 1), studied(0.01))
    assert said.startswith("the preset as it is was the only trial, so that nothing was compared")


def test_the_best_is_named_with_its_settings_and_how_sure_that_is() -> None:
    view = studied(0.01, 0.02)
    assert verdict(found(1, 3, 2), view) == "trial 1 is best over 3 fresh seeds: optimizer.learning_rate=0.02"
    assert "cannot be told apart over 1 fresh seed" in verdict(found(1, 1, 2, tied=(0,)), view)
    assert "that may be chance" in verdict(found(1, 0, 2), view)


def test_a_value_of_a_trial_that_was_not_trained_to_its_end_says_after_how_many_epochs_it_was_measured() -> None:
    view = studied(0.01)
    assert how_far(view.trials[0], 60) == ""
    view.take(TrialAsked(trial=1, settings={}))
    view.take(TrialValue(trial=1, epoch=9, value=0.8))
    assert how_far(view.trials[1], 60) == " after 9 of 60 epochs, not trained to its end,"
