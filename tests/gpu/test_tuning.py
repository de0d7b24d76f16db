"""Range test and batch scan on a GPU: running out of memory is a result, and a tenth of the memory stays free."""

from __future__ import annotations

import pytest
import torch

from tests.gpu.conftest import DIGITS, GPU_ONLY
from workbench.processes.batch_scan import Measured
from workbench.processes.range_test import Request
from workbench.settings.preset import Preset
from workbench.training.job import Job
from workbench.training.prepared_data import prepare
from workbench.training.tuning import batch_scan
from workbench.training.tuning.batch_scan import MeasureBatch, conclude, scan
from workbench.training.tuning.range_test import sweep_seeds
from workbench.training.tuning.suggestion import suggest

pytestmark = GPU_ONLY

DEVICE = torch.device("cuda", 0)


@pytest.fixture
def preset() -> Preset:
    return Preset().override([*DIGITS, "data.batch_size=1"])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.training.tuning.pace.LEAST_SECONDS", 0.05)


def test_running_out_of_memory_ends_the_scan_and_the_card_is_as_before(
    preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = batch_scan.validate_batch

    def hungry(job: Job) -> None:
        """From batch size 8 on a validation needs more than there is."""
        validate(job)
        if job.preset.data.batch_size >= 8:
            torch.empty(torch.cuda.get_device_properties(DEVICE).total_memory, dtype=torch.uint8, device=DEVICE)

    monkeypatch.setattr(batch_scan, "validate_batch", hungry)
    data = prepare(preset, lambda progress: None)
    measure = MeasureBatch(data, preset)
    held = torch.cuda.memory_allocated(DEVICE)
    found = list(scan(len(data.splits.train), None, measure, lambda *_: None))
    assert found[-1] == Measured(8, problem="out of memory", out_of_memory=True)
    assert [each.batch_size for each in found] == [1, 2, 4, 8]
    assert all(each.peak_bytes for each in found[:-1])
    assert conclude(found, 1298, measure).largest == 4
    assert torch.cuda.memory_allocated(DEVICE) <= held + 2**20
    # The limit is lifted: half of the free memory may be taken again.
    torch.empty(torch.cuda.mem_get_info(DEVICE)[0] // 2, dtype=torch.uint8, device=DEVICE)


def test_what_would_leave_less_than_a_tenth_free_runs_out_of_memory(
    preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver would still give it: our limit is lower."""

    def nearly_all(job: Job) -> None:
        free, total = torch.cuda.mem_get_info(DEVICE)
        torch.empty(int(free - 0.05 * total), dtype=torch.uint8, device=DEVICE)

    monkeypatch.setattr(batch_scan, "validate_batch", nearly_all)
    data = prepare(preset, lambda progress: None)
    assert MeasureBatch(data, preset)(16).out_of_memory


def test_the_peak_of_a_batch_size_is_what_its_steps_take(preset: Preset) -> None:
    data = prepare(preset, lambda progress: None)
    measure = MeasureBatch(data, preset)
    small, large = measure(16), measure(1024)
    assert small.peak_bytes is not None
    assert large.peak_bytes is not None
    assert large.peak_bytes > small.peak_bytes
    assert measure.engine == "cuda_graph"


def test_a_range_test_names_rates_and_leaves_the_random_generator_of_the_card_alone(preset: Preset) -> None:
    preset = preset.override(["data.batch_size=64", "model.hidden=[512, 256]", "model.dropout=0.1"])
    data, rates = prepare(preset, lambda progress: None), Request.of(preset).rates()
    before = torch.cuda.get_rng_state(DEVICE)
    suggested = suggest(rates, list(sweep_seeds(data, preset, rates, 3, lambda *_: None))).suggested
    assert torch.equal(torch.cuda.get_rng_state(DEVICE), before)
    assert suggested.steepest is not None
    assert 0.0005 < suggested.steepest < 0.02
