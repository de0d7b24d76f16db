"""What is said of a script that differs from its run, does not run, or imports workbench."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import wait_for
from workbench.atomic_files import scratch_folder
from workbench.errors import UsageError, WorkbenchError
from workbench.export.script.check import compare
from workbench.export.script.recorded import Recorded
from workbench.export.script.refusals import refuse
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Prepared, Started, Steps
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset

SCRIPT = """
import torch

def train(most_steps):
    losses = [0.5, 0.25, 0.125, 0.0625][:most_steps]
    return torch.nn.Linear(1, 1), losses, [{"train": {"loss": 0.3}, "validation": {"loss": 0.25, "accuracy": 1.0}}]
"""


def steps(first: int, *losses: float) -> Steps:
    return Steps(first_step=first, epoch=0.0, losses=list(losses), learning_rate=0.1, seconds=1.0)


def epoch(number: int, accuracy: float) -> EpochEnd:
    validation = {"loss": 0.25, "accuracy": accuracy, "f1_macro": 0.3}
    return EpochEnd(epoch=number, step=4, learning_rate=0.1, train={"loss": 0.3}, validation=validation, best=True)


PREPARED = Prepared(device="cpu", device_name="CPU", batch_size=4, steps_per_epoch=4, epochs=1)


@pytest.mark.slow
def test_losses_and_results_are_compared_to_the_bit() -> None:
    same = Recorded(PREPARED, [0.5, 0.25, 0.125, 0.0625], [epoch(1, 1.0)])
    agreement = asyncio.run(compare(SCRIPT, same, 0, None))
    assert agreement.is_exact
    assert agreement.in_words() == "all 4 steps and the results of 1 epoch are the same to the bit"

    other = Recorded(PREPARED, [0.5, 0.25, 0.1250001, 0.0625, 0.03], [epoch(1, 0.75)])
    agreement = asyncio.run(compare(SCRIPT, other, 3, None))
    assert not agreement.is_exact
    assert (agreement.steps, agreement.of_steps, agreement.epochs) == (3, 5, 1)
    assert agreement.first_different == "the loss of step 3 is 0.125, and 0.1250001 in the run"
    assert agreement.largest == pytest.approx(0.25)
    assert agreement.largest_early == pytest.approx(8e-7, rel=1e-3)
    assert agreement.in_words().startswith("the first 3 of 5 steps and the results of 1 epoch differ by at most 0.25")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import torch\nimport no_such_package\n", "does not run here: ModuleNotFoundError: No module named 'no_such"),
        (f"import sys\nsys.modules['workbench.x'] = sys\n{SCRIPT}", "it imports workbench"),
    ],
    ids=["a package", "workbench"],
)
def test_a_script_that_needs_more_is_refused(script: str, said: str) -> None:
    with pytest.raises(WorkbenchError, match=said):
        asyncio.run(compare(script, Recorded(PREPARED, [0.5]), 1, None))


SLOW = """
import os, pathlib, time
pathlib.Path({file!r}).write_text(str(os.getpid()))
time.sleep(600)
"""
COMPARE = """
import asyncio, sys
from workbench.export.script.check import compare
from workbench.export.script.recorded import Recorded
asyncio.run(compare(sys.argv[1], Recorded(), 1, None))
"""


def test_the_script_ends_with_who_checks_it_and_its_folder_is_removed_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", COMPARE, SLOW.format(file=str(file))]
    with subprocess.Popen(command, env=environment) as checking:
        wait_for(lambda: file.exists() and bool(file.read_text()))
        checking.kill()
    script = Path(f"/proc/{file.read_text()}")
    wait_for(lambda: not script.exists() or "(zombie)" in (script / "status").read_text())
    [left] = tmp_path.glob("workbench-script-*")
    with scratch_folder("workbench-script-", tmp_path) as folder:
        assert list(tmp_path.glob("workbench-script-*")) == [folder]
        assert folder != left


def test_steps_that_a_resumed_run_did_again_count_once(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    writer = EventWriter(run.events)
    for event in (
        *(Started(process_id=1), PREPARED, steps(1, 0.9, 0.8), steps(3, 0.7), epoch(1, 0.5)),
        *(Started(process_id=2, resumed=True, step=1, epoch=0), PREPARED, steps(2, 0.6, 0.5), epoch(1, 0.75)),
    ):
        writer.write(event)
    recorded = Recorded.of(run)
    assert recorded.losses == [0.9, 0.6, 0.5]
    assert [each.validation for each in recorded.epochs] == [epoch(1, 0.75).validation]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["model.name=module", "model.function=mine:model"], "take mine:model along, because that is code of your own"),
        (["runtime.precision=bf16"], "compute in bf16"),
    ],
)
def test_what_no_script_can_do(settings: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        refuse(Preset().override(settings), Recorded(PREPARED, [0.5]))


def test_a_run_without_steps_has_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match="has trained no step yet"):
        refuse(Preset(), Recorded())
