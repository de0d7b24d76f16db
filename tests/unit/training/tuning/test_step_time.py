"""The time of a step as a preview measures it."""

from __future__ import annotations

import pytest
import torch

from workbench.settings.preset import Preset
from workbench.training.job import Job, build_job
from workbench.training.tuning import step_time
from workbench.training.tuning.pace import Pace
from workbench.training.tuning.step_time import MOST_FLOPS, gpu_step_ms_of, step_ms_of

DIGITS = ["data.name=digits", "data.batch_size=64", "model.hidden=[16]", "runtime.device=cpu"]


def job_of(*overrides: str) -> Job:
    return build_job(Preset().override([*DIGITS, *overrides]), lambda progress: None)


def test_a_step_is_run_and_timed() -> None:
    found = step_ms_of(job_of(), 1000)
    assert found is not None
    assert 0 < found < 1000


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that were measured; each step takes 2 ms."""
    sizes: list[int] = []

    def pace_of(run: object, effort: object) -> Pace:
        assert callable(run)
        steps, samples = run(1)
        sizes.append(samples // steps)
        return Pace(samples_per_second=1.0, step_seconds=0.002)

    monkeypatch.setattr(step_time, "pace_of", pace_of)
    return sizes


def test_of_a_large_step_a_part_of_the_batch_is_measured(measured: list[int]) -> None:
    assert step_ms_of(job_of(), 4 * MOST_FLOPS) == pytest.approx(2 * 4)
    assert measured == [16]


def test_all_batches_of_a_step_count(measured: list[int]) -> None:
    assert step_ms_of(job_of("training.gradient_accumulation=3"), 3 * MOST_FLOPS) == pytest.approx(2 * 3)
    assert measured == [64]


def test_a_step_that_would_take_long_even_with_one_sample_is_not_measured(measured: list[int]) -> None:
    assert step_ms_of(job_of(), 65 * MOST_FLOPS) is None
    assert measured == []


def test_on_a_gpu_a_step_of_the_own_engine_is_timed_where_there_is_room(
    measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 2000))
    assert gpu_step_ms_of(job_of(), 500) == pytest.approx(2)
    assert gpu_step_ms_of(job_of(), 501) is None, "others may need the memory"
    assert gpu_step_ms_of(job_of(), None) is None
    assert gpu_step_ms_of(job_of("runtime.engine=compiled"), 500) is None, "to compile takes a minute"
    assert measured == [64]


def test_no_process_that_reads_is_started_to_time_a_step(measured: list[int]) -> None:
    assert step_ms_of(job_of("runtime.data_loading=dataloader"), 1000) is None
    assert measured == []
