"""How much each searched setting mattered: PED-ANOVA by Optuna, which asks what the best trials have in common.

It imports scikit-learn, which takes seconds: never in the app's process.

Source: Watanabe, Bansal and Hutter, *PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
Subspaces*, IJCAI 2023.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from workbench.settings.preset import Preset
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView

LEAST_TRIALS = 10
"""With fewer the fractions are chance."""


def importances(view: StudyView, space: SearchSpace, preset: Preset) -> dict[str, float]:
    """The fraction, from 0 to 1, of each setting that all trials have, the largest first; empty with too few trials.

    Trials are compared by the first epoch that all of them have reached.
    """
    trials = [trial for trial in view.trials.values() if trial.repeats is None and trial.values]
    if view.metric is None or len(trials) < LEAST_TRIALS:
        return {}
    paths = _in_all(trials, space, preset)
    if not paths:
        return {}
    return _by_optuna(trials, paths, space, preset, view.metric.higher_is_better)


def _in_all(trials: Sequence[TrialView], space: SearchSpace, preset: Preset) -> list[str]:
    completed = [space.completed(trial.settings, preset) for trial in trials]
    return [path for path in space.paths if all(path in values for values in completed)]


def _by_optuna(
    trials: Sequence[TrialView], paths: Sequence[str], space: SearchSpace, preset: Preset, maximize: bool
) -> dict[str, float]:
    import optuna

    from workbench.tuning.optuna_sampler import distribution_of, internal

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    epoch = min(max(trial.values) for trial in trials)
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    dimensions = {dimension.path: dimension for dimension in space.spans if dimension.path in paths}
    for trial in trials:
        value = trial.values.get(epoch)
        settings = space.completed(trial.settings, preset)
        if value is None or value != value:
            continue
        parameters = {path: internal(dimension, settings[path]) for path, dimension in dimensions.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study.add_trial(
                optuna.trial.create_trial(
                    params=parameters,
                    distributions={path: distribution_of(dimension) for path, dimension in dimensions.items()},
                    value=value,
                )
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator(), params=list(paths)
        )
    return {path: float(fraction) for path, fraction in found.items()}
