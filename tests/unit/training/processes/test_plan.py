"""The plan's numbers against those counted by hand."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data.progress import Progress
from workbench.processes.plan import SEVERAL
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.preset import Preset
from workbench.training import prepared_data
from workbench.training.engines import choose
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.processes import plan
from workbench.training.processes.plan import make_plan

CLASSIC_WEIGHTS = 784 * 512 + 512 * 256 + 256 * 10
CLASSIC_PARAMETERS = CLASSIC_WEIGHTS + 512 + 256 + 10
BATCH = 64


@pytest.fixture(scope="module")
def mnist_shaped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An .npz of 1,000 random images of 28 × 28 pixels in 10 classes, 200 of them to test."""
    random = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("data") / "mnist.npz"
    arrays: dict[str, Any] = {}
    for split, samples in (("train", 800), ("test", 200)):
        arrays[f"x_{split}"] = random.integers(0, 256, (samples, 28, 28), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(samples) % 10
    np.savez(file, **arrays)
    return str(file)


@pytest.fixture
def classic(mnist_shaped: str) -> Preset:
    """The classic network: 784-512-256-10, batches of 64."""
    return Preset().override(
        ["data.name=npz", f"data.file={json.dumps(mnist_shaped)}", "runtime.device=cpu", "training.epochs=10"]
    )


def test_parameters_are_those_of_the_classic_network(classic: Preset) -> None:
    assert CLASSIC_PARAMETERS == 535_818
    assert make_plan(classic).parameters == CLASSIC_PARAMETERS


def test_several_presets_are_planned_as_each_alone_and_data_is_read_once(
    classic: Preset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    presets = [
        classic,
        classic.override(["data.batch_size=16", "model.hidden=[8]", "training.seed=3"]),
        classic.override(["data.batch_size=100000"]),
        Preset().override(["data.name=iris", "data.batch_size=16", "runtime.device=cpu"]),
    ]
    alone = [asdict(make_plan(each)) for each in (presets[0], presets[1], presets[3])]
    read: list[str] = []

    def reading(preset: Preset, report: Callable[[Progress], None]) -> PreparedData:
        read.append(preset.data.name)
        return prepare(preset, report)

    monkeypatch.setattr(prepared_data, "prepare", reading)
    monkeypatch.setattr(sys, "argv", ["plan", SEVERAL])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([each.to_toml() for each in presets])))
    assert plan.main() == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert [plans[0], plans[1], plans[3]] == json.loads(json.dumps(alone))
    assert "choose a batch size of at most that" in plans[2]["error"]
    assert read == ["npz", "iris"]


def test_flops_are_two_a_product_forward_and_twice_that_backward_but_for_the_input(classic: Preset) -> None:
    forward = 2 * BATCH * CLASSIC_WEIGHTS
    backward = 2 * forward - 2 * BATCH * 784 * 512  # nobody asks for the gradient of the pixels
    assert make_plan(classic).flops_per_step == forward + backward


def test_flops_of_a_step_count_all_accumulated_batches(classic: Preset) -> None:
    one, three = make_plan(classic), make_plan(classic.override(["training.gradient_accumulation=3"]))
    assert one.flops_per_step is not None
    assert three.flops_per_step == 3 * one.flops_per_step


def test_flops_of_a_convolution_are_those_of_its_products(classic: Preset) -> None:
    cnn = ["model.name=cnn", "model.channels=[4]", "model.hidden=0", "model.batch_norm=false"]
    found = make_plan(classic.override(cnn))
    convolution, linear = 28 * 28 * 4 * 9, 4 * 14 * 14 * 10
    assert found.parameters == 4 * 9 + 4 + linear + 10
    # Backward the weights of both, and the inputs of the second alone.
    assert found.flops_per_step == 2 * BATCH * (2 * convolution + 3 * linear)


def test_splits_steps_and_shapes_are_those_of_the_training(classic: Preset) -> None:
    found = make_plan(classic)
    assert (found.train_samples, found.validation_samples, found.test_samples) == (680, 120, 200)
    assert (found.steps_per_epoch, found.steps) == (11, 110)
    assert (found.task, found.outputs, found.input_shape) == ("classification", 10, (1, 28, 28))
    assert found.data_loading == "on_device"
    assert found.device.startswith("cpu")


def test_without_validation_its_size_is_absent_and_not_zero(classic: Preset) -> None:
    assert make_plan(classic.override(["validation.method=none"])).validation_samples is None


@pytest.mark.parametrize(
    ("optimizer", "share"),
    [
        (["optimizer.name=adam"], 2.0),
        (["optimizer.name=adamw"], 2.0),
        (["optimizer.name=amsgrad"], 3.0),
        (["optimizer.name=sgd", "optimizer.momentum=0.9"], 1.0),
        (["optimizer.name=sgd", "optimizer.momentum=0.0"], 0.0),
        (["optimizer.name=adagrad"], 1.0),
        (["optimizer.name=lion"], 1.0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_optimizers_state_is_so_many_times_the_parameters(
    classic: Preset, optimizer: list[str], share: float
) -> None:
    memory = make_plan(classic.override(optimizer)).memory_bytes
    assert memory["parameters"] == 4 * CLASSIC_PARAMETERS
    assert memory["optimizer"] == pytest.approx(share * 4 * CLASSIC_PARAMETERS, rel=1e-3)


@pytest.mark.parametrize("label", OPTIMIZERS.labels)
def test_every_optimizer_is_planned_without_training_anything(label: str) -> None:
    preset = Preset().override([f"optimizer.name={label}", "data.name=iris", "runtime.device=cpu"])
    memory = make_plan(preset).memory_bytes
    assert 0 <= memory["optimizer"] <= 5 * memory["parameters"]


def test_memory_is_reported_by_kind_with_its_peak(classic: Preset) -> None:
    found = make_plan(classic)
    memory, peak = found.memory_kinds, found.peak_bytes
    assert set(memory) == {"parameters", "gradients", "optimizer", "activations", "data", "rest"}
    assert peak == sum(memory.values())
    # Input of each layer: the pixels, and what the two activations give; scores, their logarithms and the loss. At the
    # peak, when most gradients are there, some of them have been let go of.
    assert 0 < memory["activations"] <= 4 * BATCH * (784 + 512 + 256 + 30) + 1024
    assert memory["data"] == 1000 * (4 * 784 + 8)


@pytest.mark.parametrize(
    ("assignments", "engine", "reason"),
    [
        ([], "traced", "the fastest here that fits; eager if tracing fails at the start"),
        (["runtime.engine=eager"], "eager", "asked for"),
        (["data.batch_size=680", "model.hidden=[1024]"], "eager", "steps of this size gain nothing by being traced"),
    ],
)
def test_the_engine_of_the_run_is_named(classic: Preset, assignments: list[str], engine: str, reason: str) -> None:
    found = make_plan(classic.override(assignments))
    assert (found.engine, found.engine_reason) == (engine, reason)


@pytest.mark.parametrize(("epochs", "engine"), [(9, "eager"), (10, "traced")])
def test_a_run_of_few_steps_is_not_traced(
    classic: Preset, monkeypatch: pytest.MonkeyPatch, epochs: int, engine: str
) -> None:
    steps = make_plan(classic.override(["training.epochs=10"])).steps
    monkeypatch.setattr(choose, "LEAST_TRACED_STEPS", steps)
    found = make_plan(classic.override([f"training.epochs={epochs}"]))
    assert found.engine == engine
    why = f"tracing takes longer than it saves in {found.steps} steps"
    assert (found.engine_reason == why) is (engine == "eager")


def test_samples_that_are_loaded_take_no_memory_on_the_device(classic: Preset) -> None:
    found = make_plan(classic.override(["runtime.data_loading=dataloader", "runtime.num_workers=0"]))
    assert found.data_loading == "dataloader"
    assert found.memory_bytes["data"] == 0


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str) -> tuple[int, Any]:
    """Exit code and answer of the plan's process for a preset on standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    exit_code = plan.main()
    return exit_code, json.loads(capsys.readouterr().out)


def test_the_process_answers_with_one_json_object(
    classic: Preset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, found = answer(monkeypatch, capsys, classic.to_toml())
    assert exit_code == 0
    assert found["parameters"] == CLASSIC_PARAMETERS
    assert "Linear" in found["model"]


def test_in_the_background_it_makes_way_and_fetches_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    priorities: list[int] = []
    monkeypatch.setattr(sys, "argv", ["plan", "--background"])
    monkeypatch.setattr(os, "nice", priorities.append)
    for name in ("OMP_NUM_THREADS", "WORKBENCH_OFFLINE"):
        monkeypatch.setenv(name, "")
    preset = Preset().override(["data.name=mnist", f"data.folder={json.dumps(str(tmp_path))}"])
    exit_code, found = answer(monkeypatch, capsys, preset.to_toml())
    assert exit_code == 3
    assert "the first run downloads it" in found["error"]
    assert found["kind"] == "not_downloaded", "which keeps nobody from starting a run"
    assert priorities == [19]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "exit_code", "kind", "words"),
    [
        ('[data]\nname = "iris"\nbatch_size = 5000\n', 2, "preset", "5000"),
        ('[data]\nname = "npz"\nfile = "nowhere.npz"\n', 3, "data", "nowhere.npz"),
        ("nonsense", 2, "preset", "not valid TOML"),
        ('[runtime]\ndevice = "cpu"\nengine = "compiled"\n', 2, "preset", "compiled steps are for NVIDIA GPUs"),
        ('[runtime]\ndevice = "cpu"\nengine = "cuda_graph"\n', 2, "preset", 'runtime.engine = "cuda_graph", but'),
    ],
)
def test_the_process_answers_a_preset_that_cannot_be_trained_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    exit_code: int,
    kind: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found_code, found = answer(monkeypatch, capsys, text)
    assert (found_code, found["exit_code"], found["kind"]) == (exit_code, exit_code, kind)
    assert words in found["error"]
    assert "Traceback" not in found["error"]
