"""Each kind of model and data in each format: a process with PyTorch or onnxruntime alone gives the same numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.export.made import METRICS, drawn_model
from workbench.export import agreement
from workbench.export.facts import facts_of
from workbench.export.onnx_file import save_onnx
from workbench.export.samples import BATCHES, batches_of, samples_of
from workbench.export.torch_export import EXTRA_FILE, save_torch_export
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel

Data = Mapping[str, tuple[str, ...]]

SMALL = {
    "mlp": ("rows", "model.hidden=[8]"),
    "regression": ("values", "model.hidden=[8]"),
    "sigmoid": ("pixels", "model.hidden=[8]", "loss.name=binary_cross_entropy"),
    "cnn": ("pixels", "model.name=cnn", "model.channels=[4, 8]"),
    "bag": ("texts", "model.name=bag_of_embeddings", "model.width=8"),
    "text_cnn": ("texts", "model.name=text_cnn", "model.width=8", "model.channels=8", "model.windows=[1, 2]"),
    "gru": ("texts", "model.name=gru", "model.width=8", "model.state=8"),
    "lstm": ("texts", "model.name=lstm", "model.width=8", "model.state=8", "model.layers=2", "model.pooling=last"),
    "transformer": ("texts", "model.name=transformer", "model.width=8", "model.heads=2", "model.layers=1"),
    "language model": ("language", "model.name=transformer", "model.width=8", "model.heads=2", "model.layers=1"),
    "language gru": ("language", "model.name=gru", "model.width=8", "model.state=8"),
    "spectrogram": ("log_mel", "model.name=audio_cnn", "model.channels=[4, 8]"),
    "mfcc": ("mfcc", "model.name=audio_cnn", "model.channels=[4, 8]"),
    "waveform": ("waves", "model.name=conv1d", "model.channels=[4, 8]"),
    "sound lstm": ("log_mel", "model.name=lstm", "model.state=8"),
}
"""The kind of data, and the model, small."""
LARGE = {
    "resnet9": ("colours", "model.name=resnet9", "model.width=8"),
    "resnet18": ("pixels", "model.name=torchvision", "model.architecture=resnet18", "model.resize=32"),
    "mobilenet": ("pixels", "model.name=torchvision", "model.architecture=mobilenet_v3_small", "model.resize=32"),
    **{
        f"activation {name}": ("rows", "model.hidden=[8]", f"activation.name={name}")
        for name in (choice.label() for choice in ACTIVATIONS.choices)
    },
}
QUICK_IN_ONNX = ("mlp", "regression", "cnn", "bag", "spectrogram")


def made(name: str, data: Data, folder: Path) -> TrainedModel:
    kind, *model = (SMALL | LARGE)[name]
    return drawn_model(folder / "runs", *data[kind], *model)


def compared(model: TrainedModel, kind: str, file: Path) -> agreement.Agreement:
    """What `agreement.compare` finds on the run's validation samples."""
    samples = samples_of(model, lambda progress: None)
    assert samples.origin == "validation"
    batches = batches_of(samples.raw, 1)
    assert len(batches) == len(BATCHES)
    return agreement.compare(model, kind, file, batches)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK_IN_ONNX else pytest.mark.slow) for name in (*SMALL, *LARGE)],
)
def test_onnx_alone_gives_the_same(name: str, data: Data, tmp_path: Path) -> None:
    model, file = made(name, data, tmp_path), tmp_path / "model.onnx"
    save_onnx(model, file, facts_of(model, "a run", Path("best.pt"), METRICS))
    found = compared(model, "onnx", file)
    assert found.difference < 1e-6 * (1 if model.target_scale is None else float(model.target_scale.std))
    assert found.same_classes == (1.0 if model.target_scale is None else None)


IN_ONE_PROCESS = """
import runpy, sys
script, *files = sys.argv[1:]
for start in range(0, len(files), 3):
    sys.argv = [script, *files[start : start + 3]]
    runpy.run_path(script, run_name="__main__")
"""


def test_torch_alone_gives_the_same(data: Data, tmp_path: Path) -> None:
    """All in one process, which takes long to import PyTorch."""
    _check_all(list(SMALL), data, tmp_path)


@pytest.mark.slow
def test_torch_alone_gives_the_same_of_larger_ones(data: Data, tmp_path: Path) -> None:
    _check_all(list(LARGE), data, tmp_path)


def _check_all(names: list[str], data: Data, folder: Path) -> None:
    expected, files = {}, []
    for number, name in enumerate(names):
        model, file = made(name, data, folder), folder / f"{number}.pt2"
        save_torch_export(model, file, facts_of(model, "a run", Path("best.pt"), METRICS))
        batches = batches_of(samples_of(model, lambda progress: None).raw, 1)
        expected[name] = model, [model(batch).numpy() for batch in batches]
        named = [agreement.named_arrays(model, "torch_export", batch) for batch in batches]
        agreement.save_batches(folder / f"{number}-in.npz", named)
        files += [str(file), str(folder / f"{number}-in.npz"), str(folder / f"{number}-out.npz")]
    script = str(agreement.READERS / "of_torch_export.py")
    # -I: nothing but what is installed is found; the script itself refuses to pass if it has needed workbench.
    command = [sys.executable, "-P", "-I", "-c", IN_ONE_PROCESS, script, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    for number, name in enumerate(names):
        model, outputs = expected[name]
        with np.load(folder / f"{number}-out.npz") as arrays:
            found = agreement.judge(outputs, [arrays[str(batch)] for batch in range(len(outputs))], model)
        assert found.wrong == "", name
        assert found.difference < 1e-6 * (1 if model.target_scale is None else float(model.target_scale.std)), name


def test_the_pt2_file_says_what_it_takes(data: Data, tmp_path: Path) -> None:
    model, file = made("bag", data, tmp_path), tmp_path / "model.pt2"
    save_torch_export(model, file, facts_of(model, "a run", Path("best.pt"), METRICS))
    extra = {EXTRA_FILE: ""}
    program = torch.export.load(file, extra_files=extra).module()
    said = json.loads(extra[EXTRA_FILE])
    assert (said["classes"], said["task"], said["metrics"]) == (["bad", "good"], "classification", METRICS)
    assert (said["run"], said["checkpoint"], said["epoch"]) == ("a run", "best.pt", 3)
    assert said["versions"]["torch"] == torch.__version__
    assert Preset.from_toml(said["preset"], "the file") == model.preset
    [taken] = said["inputs"]
    assert taken["type"] == "int64"
    # By the words in it, the text is made ids as the run did.
    vocabulary = {word: number for number, word in enumerate(said["tokenizer"]["vocabulary"], 2)}
    ids = [vocabulary.get(word, said["tokenizer"]["unknown"]) for word in ("very", "good", "unheard")]
    padded = torch.tensor([ids + [said["tokenizer"]["padding"]] * (taken["shape"][0] - 3)])
    torch.testing.assert_close(program(padded), model(["very good unheard"]))


def test_the_onnx_file_is_one_file_that_says_what_it_takes(data: Data, tmp_path: Path) -> None:
    import onnx

    model, file = made("mlp", data, tmp_path), tmp_path / "out" / "model.onnx"
    file.parent.mkdir()
    save_onnx(model, file, facts_of(model, "a run", Path("best.pt"), METRICS))
    assert list(file.parent.iterdir()) == [file]
    proto = onnx.load(file)
    onnx.checker.check_model(proto, full_check=True)
    said = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(said["classes"]) == ["setosa", "versicolor", "virginica"]
    assert int(said["opset"]) == next(each.version for each in proto.opset_import if not each.domain)
    assert json.loads(said["versions"])["onnx"] == onnx.__version__
    assert Preset.from_toml(said["preset"], "the file") == model.preset
    [taken], [given] = proto.graph.input, proto.graph.output
    assert (taken.name, given.name) == ("samples", "probabilities")
    batch, columns = taken.type.tensor_type.shape.dim
    assert batch.dim_param
    assert columns.dim_value == 4
    assert str(Path(__file__).parents[3]).encode() not in file.read_bytes()
