"""The samplers by name. Each is imported only when it is made: Optuna takes a third of a second."""

from __future__ import annotations

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.suggestion import nearest
from workbench.tuning.sampler import Sampler
from workbench.tuning.space import SearchSpace

SAMPLERS: dict[str, str] = {
    "tpe": "where earlier trials were good, by the tree-structured Parzen estimator; a tenth near the best",
    "random": "anywhere; a tenth near the preset or the best",
    "grid": "all combinations, of five values where a range has no step",
    "cmaes": "around a centre that moves to where trials were good (CMA-ES): numbers only, from about 30 trials on",
    "qmc": "evenly spread over the space (Sobol)",
}
"""The samplers, and where they look."""


def make_sampler(name: str, space: SearchSpace, preset: Preset, *, seed: int = 0, maximize: bool = False) -> Sampler:
    """The sampler of that name. maximize: whether larger values are better. Raises PresetError where it cannot be."""
    match name:
        case "tpe" | "random":
            from workbench.tuning.optuna_sampler import OptunaSampler

            return OptunaSampler(space, preset, seed, maximize, name)
        case "qmc":
            from workbench.tuning.optuna_sampler import QmcSampler

            return QmcSampler(space, preset, seed, maximize)
        case "cmaes":
            from workbench.tuning.cma_es import CmaEsSampler

            return CmaEsSampler(space, preset, seed, maximize)
        case "grid":
            from workbench.tuning.grid import GridSampler

            return GridSampler(space, preset, seed, maximize)
    raise PresetError(f"there is no sampler {name}{nearest(name, SAMPLERS)}")
