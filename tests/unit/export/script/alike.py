"""Trains a preset here and by its script, and compares both to the bit."""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.export.script.machine import Machine
from workbench.export.script.process import describe
from workbench.export.script.recorded import Recorded
from workbench.export.script.write import write_script
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import create_run
from workbench.runs.event_lines import float32_text_value
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer


def slow(*assignments: str) -> Any:
    """The parameter of a test that takes long: only a slow run has it."""
    return pytest.param(list(assignments), id=" ".join(assignments), marks=pytest.mark.slow)


def script_of(preset: Preset, *, engine: str = "eager", on_gpu: bool = False) -> str:
    """The script of a preset, as if this process or a GPU had trained it."""
    facts = describe(build_job(preset, lambda progress: None))
    machine = Machine(
        run="a-run",
        torch=torch.__version__,
        cpu="",
        num_threads=torch.get_num_threads(),
        by_onednn=facts.multiplies_by_onednn and not on_gpu,
        traced=engine == "traced",
        on_gpu=on_gpu,
    )
    return write_script(preset, facts, machine)


def run_script(text: str, folder: Path) -> tuple[Any, list[float], list[dict[str, dict[str, float]]]]:
    """Trains by a script: the model, the losses, and what epochs ended with."""
    file = folder / "written.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("written", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with unchanged_process():
        spec.loader.exec_module(module)
        model, losses, epochs = module.train()
    return model, losses, epochs


@contextmanager
def unchanged_process() -> Iterator[None]:
    """Sets back what a script sets for its process, for the tests that follow in this one."""
    threads, precision, limit = (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        csv.field_size_limit(),
    )
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        csv.field_size_limit(limit)


def assert_trains_alike(preset: Preset, folder: Path) -> str:
    """Losses, results of epochs and weights must be the same to the bit. Returns the script."""
    run = create_run(folder, preset.name, preset.to_toml())
    trainer = Trainer(build_job(preset, lambda progress: None), run, EventWriter(run.events), Inbox(run))
    trainer.train()
    recorded = Recorded.of(run)
    text = script_of(preset, engine=trainer.engine.name)
    model, losses, epochs = run_script(text, folder)
    assert_is_well_written(folder / "written.py")
    assert [float32_text_value(loss) for loss in losses] == recorded.losses
    assert len(epochs) == len(recorded.epochs)
    for found, ended in zip(epochs, recorded.epochs, strict=True):
        for split, wanted in (("train", ended.train), ("validation", ended.validation)):
            assert (split in found) == (wanted is not None)
            if wanted is not None:
                assert found[split] == {name: wanted[name] for name in found[split]}
    best = best_checkpoint(run)
    kept = checkpoints.load(best if best.exists() else run.last_checkpoint, torch.device("cpu"))["model"]
    weights = model.state_dict()
    assert list(weights) == list(kept)
    assert all(torch.equal(weights[name], kept[name]) for name in kept)
    return text


def assert_is_well_written(file: Path) -> None:
    """Its names are used, its imports sorted, and its lines laid out as ruff would, of at most 120 characters."""
    if importlib.util.find_spec("ruff") is None:
        return  # an environment for the card, which has PyTorch and pytest alone
    ruff = [sys.executable, "-m", "ruff"]
    checked = [*ruff, "check", "--isolated", "--line-length=120", "--select=E4,E7,E9,F,I,W,B,UP", "--quiet", str(file)]
    for command in (checked, [*ruff, "format", "--isolated", "--line-length=120", "--diff", "--quiet", str(file)]):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
