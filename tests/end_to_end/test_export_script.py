"""`workbench export RUN --to script`, and what somebody without workbench does with the file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from tests.end_to_end.conftest import Workbench, events_of
from workbench.runs.checkpoints import best_checkpoint
from workbench.training.checkpointing.files import load

RUN_IT = (
    "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__'); "
    "sys.exit(any(name.partition('.')[0] == 'workbench' for name in sys.modules))"
)
SETTINGS = ("training.epochs=40", "model.dropout=0.2", "schedule.name=one_cycle", "training.early_stopping_patience=12")


@pytest.mark.slow
def test_the_script_of_a_run_trains_to_the_same_bits(workbench: Workbench) -> None:
    done = workbench.run("train", "iris", *(word for each in SETTINGS for word in ("--set", each)), "-q")
    assert done.returncode == 0, done.stderr
    run = workbench.the_run()
    assert events_of(run, "prepared")[0]["engine"] == "traced"
    exported = workbench.run("export", "iris", "--to", "script", "--json")
    assert exported.returncode == 0, exported.stderr
    [result] = map(json.loads, exported.stdout.splitlines())
    steps = sum(len(event["losses"]) for event in events_of(run, "steps"))
    assert (result["to"], result["steps"], result["is_exact"]) == ("script", steps, True)

    alone = workbench.folder / "alone"
    alone.mkdir()
    script = workbench.folder / f"{run.name}.py"
    command = [sys.executable, "-I", "-c", RUN_IT, str(script)]
    ran = subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    weights = torch.load(alone / "iris.pt", weights_only=True)
    kept = load(best_checkpoint(run), torch.device("cpu"))["model"]
    assert list(weights) == list(kept)
    assert all(torch.equal(weights[name], kept[name]) for name in kept)
    tested = events_of(run, "test")[0]["metrics"]
    assert f"'loss': {tested['loss']!r}, 'accuracy': {tested['accuracy']!r}" in ran.stdout.splitlines()[-1]

    assert "exists already" in workbench.run("export", "iris", "--to", "script").stderr
    # Another loss in the record, as if the data had changed since.
    text = run.events.read_text()
    loss = json.dumps(events_of(run, "steps")[0]["losses"][0])
    run.events.write_text(text.replace(loss, "1.5", 1))
    refused = workbench.run("export", "iris", "--to", "script", "--out", "other.py")
    assert refused.returncode == 3
    assert "the script was not written, because it does not train as the run did: the loss of step 1" in refused.stderr
    assert not (workbench.folder / "other.py").exists()
