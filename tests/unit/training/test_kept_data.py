"""Data that one process keeps for its next trial."""

from __future__ import annotations

import pytest
import torch

from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.training import prepared_data
from workbench.training.epoch_order import epoch_order
from workbench.training.job import Job, build_job
from workbench.training.kept_data import KeptData


def preset(*changes: str) -> Preset:
    return library.load("iris").override(changes)


def as_it_begins(job: Job) -> list[torch.Tensor]:
    return [*job.model.state_dict().values(), epoch_order(job, 0), torch.rand(3)]


def test_a_trial_on_kept_data_begins_as_one_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Preset] = []

    def prepare(*given: object) -> object:
        read.append(given[0])  # type: ignore[arg-type]
        return real(*given)  # type: ignore[arg-type]

    real = prepared_data.prepare
    monkeypatch.setattr(prepared_data, "prepare", prepare)
    kept = KeptData()
    for changes in ([], ["training.seed=3"], ["data.batch_size=8", "model.hidden=[5]", "optimizer.name=sgd"]):
        alone = as_it_begins(build_job(preset(*changes), lambda progress: None))
        after = as_it_begins(build_job(preset(*changes), lambda progress: None, kept.prepare))
        assert all(torch.equal(one, other) for one, other in zip(alone, after, strict=True)), changes
    assert len(read) == 1
    build_job(preset("validation.seed=5"), lambda progress: None, kept.prepare)
    assert len(read) == 2, "another split is other data"
