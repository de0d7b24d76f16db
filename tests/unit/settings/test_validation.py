"""What a preset says of a cross-validation: all of its runs, or one of them."""

from __future__ import annotations

import pytest

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation, HoldOut, KFold, LeaveOneOut, check_is_one_run


def validation_of(*assignments: str) -> CrossValidation:
    validation = Preset().override([f"validation.{each}" for each in assignments]).validation
    assert isinstance(validation, CrossValidation)
    return validation


def test_a_preset_without_a_fold_stands_for_all() -> None:
    for method in ("k_fold", "leave_one_out"):
        everything = validation_of(f"method={method}")
        assert everything.is_all
        assert everything.number == 0
        with pytest.raises(PresetError, match=rf'"{method}" with validation.fold = "all" stands for several runs'):
            check_is_one_run(everything)


def test_a_preset_with_a_fold_is_one_run() -> None:
    one = validation_of("method=k_fold", "folds=3", "fold=2")
    assert (one.is_all, one.number) == (False, 2)
    check_is_one_run(one)
    check_is_one_run(HoldOut())
    assert KFold(folds=3).at(2) == one
    assert LeaveOneOut().at(7).number == 7


def test_a_preset_of_one_fold_is_written_and_read() -> None:
    preset = Preset().override(["validation.method=k_fold", "validation.fold=4"])
    assert Preset.from_toml(preset.to_toml(), "here") == preset
    assert 'fold = "all"' in preset.override(["validation.fold=all"]).to_toml()


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["fold=5"], "fold 5 is not one of 5 folds, which are 0 to 4"),
        (["folds=1"], "validation.folds: found 1; must be at least 2"),
        (["folds=2001"], "validation.folds: found 2001; must be at most 2000"),
        (["fold=-1"], "validation.fold: found -1; must be at least 0"),
        (["fold=some"], "must be 'all'"),
    ],
)
def test_a_fold_that_there_is_not_is_refused(assignments: list[str], message: str) -> None:
    with pytest.raises(PresetError, match=message):
        validation_of("method=k_fold", *assignments)
