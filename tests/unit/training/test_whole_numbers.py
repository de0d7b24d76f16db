"""Whole numbers that a user's function returns: ids reach the user's model as they are (data/REPORT 23)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from tests.unit.training.conftest import events_of
from workbench.errors import UserCodeError
from workbench.runs.directory import create_run
from workbench.runs.events import Steps
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import Job, build_job
from workbench.training.memory.estimate import expected_memory
from workbench.training.processes.plan import make_plan
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

VOCABULARY, WORDS = 50, 12
IDS = torch.randint(0, VOCABULARY, (96, WORDS), generator=torch.Generator().manual_seed(0))
LABELS = (IDS == 7).any(1).long()

Functions = dict[str, Callable[..., Any]]


class Listed(Dataset[Any]):
    """The same samples, read one by one."""

    classes = ("no", "yes")

    def __len__(self) -> int:
        return len(IDS)

    def __getitem__(self, index: int) -> Any:
        return IDS[index].numpy().astype("int32"), int(LABELS[index])


class Bag(nn.Module):
    """Refuses everything but ids."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 8)
        self.scores = nn.Linear(8, outputs)

    def forward(self, ids: Tensor) -> Tensor:
        assert ids.dtype == torch.int64
        scores: Tensor = self.scores(self.embedding(ids).mean(1))
        return scores


DATA = ["data.name=module", "data.function=mine:data", "data.batch_size=16", "runtime.device=cpu", "training.epochs=2"]
OWN = [*DATA, "model.name=module", "model.function=mine:model"]


@pytest.fixture
def functions(user_functions: Functions) -> Functions:
    user_functions["mine:data"] = lambda: (IDS, LABELS)
    user_functions["mine:model"] = lambda inputs, outputs, activation: Bag(outputs)
    return user_functions


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override(assignments), lambda progress: None)


def losses(folder: Path, *assignments: str) -> list[float]:
    """Every step's loss of a whole training."""
    job = job_of(*assignments)
    run = create_run(folder, job.preset.name, job.preset.to_toml())
    trainer = Trainer(job, run, EventWriter(run.events), Inbox(run))
    trainer.train()
    return [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]


@pytest.mark.parametrize("data", [lambda: (IDS, LABELS), lambda: (IDS.int().numpy(), LABELS.numpy()), Listed])
@pytest.mark.parametrize("data_loading", ["auto", "dataloader"])
def test_ids_reach_the_model_as_they_are(functions: Functions, data: Callable[[], Any], data_loading: str) -> None:
    functions["mine:data"] = data
    job = job_of(*OWN, f"runtime.data_loading={data_loading}", "runtime.num_workers=0")
    batch = next(iter(job.train.batches(torch.arange(len(job.train)), PhaseClock())))
    assert batch.tensor.dtype == job.input_type == torch.int64
    assert {tuple(row) for row in batch.tensor.tolist()} <= {tuple(row) for row in IDS.tolist()}
    assert job.notes == (
        "inputs are whole numbers and so reach the model as they are (int64); floating-point ones are standardised",
    )


@pytest.mark.parametrize("data", [lambda: (IDS, LABELS), Listed])
def test_engines_agree_on_ids(functions: Functions, tmp_path: Path, data: Callable[[], Any]) -> None:
    functions["mine:data"] = data
    workers = "runtime.num_workers=0"
    expected = losses(tmp_path, *OWN, workers, "runtime.engine=eager")
    assert losses(tmp_path, *OWN, workers, "runtime.engine=traced") == pytest.approx(expected, rel=1e-4)
    assert losses(tmp_path, *OWN, workers) == expected


@pytest.mark.parametrize(("data", "resident"), [(lambda: (IDS, LABELS), True), (Listed, False)])
def test_plan_and_memory_are_known_for_ids(functions: Functions, data: Callable[[], Any], resident: bool) -> None:
    functions["mine:data"] = data
    memory = expected_memory(job_of(*OWN))
    assert memory.reason == ""
    assert (memory.kinds["data"] >= IDS.nbytes / 2) == resident
    plan = make_plan(Preset().override(OWN))
    assert plan.input_shape == (WORDS,)
    assert plan.parameters == 50 * 8 + 8 * 2 + 2


def test_the_error_for_a_model_that_takes_measures_names_what_to_return(functions: Functions) -> None:
    functions["mine:model"] = lambda inputs, outputs, activation: nn.Linear(WORDS, outputs)
    with pytest.raises(UserCodeError, match=r"The samples are whole numbers .int64.*floating-point numbers, which are"):
        job_of(*OWN)


@pytest.mark.parametrize("data", [lambda: (IDS, LABELS), Listed])
def test_other_models_take_whole_numbers_as_measures(functions: Functions, data: Callable[[], Any]) -> None:
    functions["mine:data"] = data
    job = job_of(*DATA, "runtime.num_workers=0", "validation.method=none", "validation.test_fraction=0")
    batch = next(iter(job.train.batches(torch.arange(len(job.train)), PhaseClock())))
    columns = IDS[: len(batch.tensor)].double()
    expected = (columns - IDS.double().mean(0)) / IDS.double().std(0, correction=0)
    torch.testing.assert_close(batch.tensor, expected.float())
    assert any("which the model mlp takes as measures, not as ids" in note for note in job.notes)
