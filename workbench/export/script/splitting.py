"""How a script divides its samples: held out at random, or as the data comes."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.preset import Preset
from workbench.settings.validation import HoldOut, KFold, LeaveOneOut, NoValidation, PredefinedSplit

HOLD_OUT = '''
def hold_out(splits: dict[str, Split], name: str, fraction: float, seed: int) -> None:
    """Moves a fraction of the training samples of each class into a split of their own."""  #? strata
    """Moves a fraction of the training samples into a split of their own."""  #? !strata
    inputs, targets = splits["train"]
    kept, held_out = train_test_split(
        np.arange(len(targets)),
        test_size=round(len(targets) * fraction),
        random_state=seed,
        stratify=targets.numpy(),  #? strata
    )
    for part, chosen in (("train", kept), (name, held_out)):
        indices = torch.from_numpy(np.sort(chosen))
        splits[part] = (inputs[indices], targets[indices])
'''

FOLD = '''
def leave_fold_out(splits: dict[str, Split]) -> None:
    """Moves one fold of the training samples into the validation split."""
    inputs, targets = splits["train"]
    folds = $folds(FOLDS, shuffle=True, random_state=SPLIT_SEED + 1)
    kept, left_out = list(folds.split(np.zeros(len(targets)), $strata))[FOLD]
    for part, indices in (("train", kept), ("validation", left_out)):
        splits[part] = (inputs[indices], targets[indices])
'''

LEAVE_ONE_OUT = '''
def leave_one_out(splits: dict[str, Split]) -> None:
    """Moves one of the training samples into the validation split."""
    inputs, targets = splits["train"]
    kept = torch.arange(len(targets)) != FOLD
    splits["train"] = (inputs[kept], targets[kept])
    splits["validation"] = (inputs[~kept], targets[~kept])
'''


def splitting_part(preset: Preset, facts: Facts) -> Part:
    """Functions that divide the samples. `model` of the part: the lines that call them, on `splits`."""
    if facts.sounds is not None and facts.is_grouped:
        return Part()  # the data is read speaker by speaker
    if facts.is_grouped:
        raise UsageError("--to script cannot keep groups of samples (speakers, authors) in one split")
    choice = preset.validation
    strata = choice.stratified and facts.task == "classification"
    codes, imports, calls = [], [], []
    settings: list[tuple[str, object]] = []
    random_test = not facts.own_test and facts.test_samples is not None
    if random_test or (isinstance(choice, HoldOut) and not facts.is_one_text):
        codes.append(fill(HOLD_OUT, {"strata": strata}))
        imports += ["import numpy as np", "from sklearn.model_selection import train_test_split"]
    if random_test:
        settings.append(("TEST_FRACTION", choice.test_fraction))
        calls.append('hold_out(splits, "test", TEST_FRACTION, SPLIT_SEED)')
    match choice:
        case HoldOut() if facts.is_one_text:
            pass
        case HoldOut():
            settings.append(("VALIDATION_FRACTION", choice.fraction))
            calls.append('hold_out(splits, "validation", VALIDATION_FRACTION, SPLIT_SEED + 1)')
        case KFold():
            codes.append(
                fill(FOLD, folds="StratifiedKFold" * strata or "KFold", strata="targets" if strata else "None")
            )
            settings += [("FOLDS", choice.folds), ("FOLD", choice.number)]
            imports += ["import numpy as np", f"from sklearn.model_selection import {'Stratified' * strata}KFold"]
            calls.append("leave_fold_out(splits)")
        case LeaveOneOut():
            codes.append(fill(LEAVE_ONE_OUT))
            settings.append(("FOLD", choice.number))
            calls.append("leave_one_out(splits)")
        case NoValidation() if facts.own_validation:
            calls.append('del splits["validation"]')
        case NoValidation() | PredefinedSplit():
            pass
    if any("SPLIT_SEED" in call for call in calls) or isinstance(choice, KFold):
        settings.append(("SPLIT_SEED", choice.seed))
    return Part("\n\n\n".join(codes), tuple(imports), tuple(settings), "\n".join(calls))
