"""Each kind of model and data in each format: a process with PyTorch or onnxruntime alone gives the same numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from packaging.version import parse
from PIL import Image
from torch import Tensor, nn

from tests.unit.export.made import METRICS, drawn_model
from workbench.data.readers.source import Source
from workbench.data.samples import NamedInMemory, Samples, Task
from workbench.data.spectrogram import LogMel
from workbench.export import agreement
from workbench.export.facts import provenance_of
from workbench.export.onnx_file import save_onnx
from workbench.export.preparation import preparation_of
from workbench.export.program import Spectrogram
from workbench.export.samples import BATCHES, batches_of, samples_of
from workbench.export.torch_export import EXTRA_FILE, ExportError, save_torch_export
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel

Data = Mapping[str, tuple[str, ...]]
Functions = dict[str, Callable[..., Any]]

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


def compared(model: TrainedModel, kind: str, file: Path) -> agreement.OutputAgreement:
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
    try:
        save_onnx(model, file, provenance_of(model, "a run", Path("best.pt"), METRICS))
    except ExportError as error:
        if parse(torch.__version__) >= parse("2.9"):
            raise
        pytest.skip(f"the exporter of an older PyTorch: {error}")
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


@pytest.mark.slow
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
        save_torch_export(model, file, provenance_of(model, "a run", Path("best.pt"), METRICS))
        batches = batches_of(samples_of(model, lambda progress: None).raw, 1)
        assert_no_path_of_this_machine(file)
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


def assert_no_path_of_this_machine(file: Path) -> None:
    """Of source code, which an exporter notes of each node; the preset says where data is."""
    with zipfile.ZipFile(file) as archive:
        parts = [name for name in archive.namelist() if not name.endswith(EXTRA_FILE)]
        assert [name for name in parts if b".py" in archive.read(name)] == []


def test_the_pt2_file_says_what_it_takes(data: Data, tmp_path: Path) -> None:
    model, file = made("bag", data, tmp_path), tmp_path / "model.pt2"
    save_torch_export(model, file, provenance_of(model, "a run", Path("best.pt"), METRICS))
    extra = {EXTRA_FILE: ""}
    program = torch.export.load(file, extra_files=extra).module()
    said = json.loads(extra[EXTRA_FILE])
    assert (said["classes"], said["task"], said["metrics"]) == (["bad", "good"], "classification", METRICS)
    assert (said["run"], said["checkpoint"], said["epoch"]) == ("a run", "best.pt", 3)
    assert said["versions"]["torch"] == torch.__version__
    assert Preset.from_toml(said["preset"], "the file") == model.preset
    [taken] = said["inputs"]
    assert taken["type"] == "int64"
    # By the words and the pattern in it, the text is made ids as the run did.
    vocabulary = {word: number for number, word in enumerate(said["tokenizer"]["vocabulary"], 2)}
    words = re.findall(said["tokenizer"]["pattern"], "very good unheard")
    assert words == ["very", "good", "unheard"]
    ids = [vocabulary.get(word, said["tokenizer"]["unknown"]) for word in words]
    padded = torch.tensor([ids + [said["tokenizer"]["padding"]] * (taken["shape"][0] - 3)])
    torch.testing.assert_close(program(padded), model(["very good unheard"]))


def test_the_onnx_file_is_one_file_that_says_what_it_takes(data: Data, tmp_path: Path) -> None:
    import onnx

    model, file = made("mlp", data, tmp_path), tmp_path / "out" / "model.onnx"
    file.parent.mkdir()
    save_onnx(model, file, provenance_of(model, "a run", Path("best.pt"), METRICS))
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


ROWS = [{"size": 0.5 * row, "city": ("Ulm", "Bonn", "Köln")[row % 3], "kind": "ab"[row % 2]} for row in range(60)]


def test_a_row_of_a_table_is_predicted_by_the_metadata_alone(tmp_path: Path) -> None:
    """Columns by name, and words that are ones and zeros, as somebody without workbench would."""
    import onnxruntime

    lines = [f"{row['city']},{row['size']},{row['kind']}" for row in ROWS]
    (tmp_path / "rows.csv").write_text("\n".join(["city,size,kind", *lines]), encoding="utf-8")
    model = drawn_model(tmp_path, "data.name=csv", f"data.file={tmp_path}/rows.csv", "data.target=kind")
    save_torch_export(model, tmp_path / "model.pt2", {})
    save_onnx(model, tmp_path / "model.onnx", {"versions": {}, "made_by": "workbench 0"})
    extra = {EXTRA_FILE: ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=extra).module()
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    by_onnx = session.get_modelmeta().custom_metadata_map
    said = json.loads(extra[EXTRA_FILE])
    assert {name: json.loads(by_onnx[name]) for name in ("reader", "columns")} == {
        "reader": said["reader"],
        "columns": said["columns"],
    }
    assert by_onnx["preparation"] == said["preparation"]
    assert sorted(said["columns"]) == ["city=Bonn", "city=Köln", "city=Ulm", "size"]
    listed = f"the columns of its input are, in this order: {', '.join(said['columns'])}"
    assert said["preparation"] == f"{listed}; city=Bonn is 1 where city is Bonn, else 0"

    row: dict[str, Any] = {"size": 3.25, "city": "Köln"}
    made: list[float] = []
    for column in said["reader"]["arguments"]["columns"]:
        value = row[column["name"]]
        made += [float(value == word) for word in column["categories"]] if "categories" in column else [value]
    samples = torch.tensor([made], dtype=torch.float64)
    assert said["columns"][int(samples[0].tolist().index(1.0))] == "city=Köln"
    (tmp_path / "new.csv").write_text("size,city\n3.25,Köln\n", encoding="utf-8")
    assert model.reader is not None
    [chunk] = model.reader.read([Source(str(tmp_path / "new.csv"))], 8)
    assert isinstance(chunk.raw, Tensor)
    expected = model(chunk.raw)
    torch.testing.assert_close(program(samples), expected)
    [by_session] = session.run(None, {"samples": samples.numpy()})
    torch.testing.assert_close(torch.from_numpy(by_session), expected)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("rows", "the columns of its input are, in this order: sepal length (cm), sepal width (cm), "),
        ("log_mel", "recordings become one channel at 8,000 Hz in int16, their beginning of "),
        (
            "texts",
            "texts are put in lower case, normalised to NFC and split by the tokenizer's pattern; each word",
        ),
        (
            "images",
            "images are turned as their EXIF says and become RGB; the shorter side is scaled to 8 pixels and",
        ),
    ],
)
def test_what_happens_before_a_program_is_said(data: Data, tmp_path: Path, kind: str, said: str) -> None:
    images, runs = tmp_path / "images", tmp_path / "runs"
    for name in ("a", "b") if kind == "images" else ():
        (images / name).mkdir(parents=True)
        for number in range(20):
            Image.new("RGB", (12, 10), (number, 90, 7)).save(images / name / f"{number}.png")
    settings = dict(data) | {"images": ("data.name=image_folder", f"data.folder={images}", "data.size=8")}
    model = {"texts": ("model.name=bag_of_embeddings",), "log_mel": ("model.name=audio_cnn",)}
    trained = drawn_model(runs, *settings[kind], *model.get(kind, ()))
    found = preparation_of(trained)
    assert found["preparation"].startswith(said)
    assert found["reader"] == trained.description["reader"]
    json.dumps(found)


@pytest.mark.parametrize(("kind", "window"), [("log_mel", "25"), ("mfcc", "25"), ("log_mel", "15.375")])
def test_a_spectrum_by_convolution_is_that_of_the_fourier_transform(
    data: Data, tmp_path: Path, kind: str, window: str
) -> None:
    """A window of 200 samples, and one of 123, which stands in a transform of 128 off its middle."""
    model = drawn_model(tmp_path, *data[kind], f"data.window_ms={window}", "model.name=audio_cnn", "model.channels=[4]")
    assert isinstance(model.encoding, LogMel)
    waves = samples_of(model, lambda progress: None).raw
    assert isinstance(waves, Tensor)
    found = Spectrogram(model.encoding, by_convolution=True)(waves)
    torch.testing.assert_close(found, model.encoding(waves), rtol=0, atol=2e-4)


def test_where_a_fourier_transform_cannot_be_exported_there_is_another_way(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PyTorch 2.6 cannot, of any batch."""
    model, file = made("spectrogram", data, tmp_path), tmp_path / "model.pt2"
    waves = samples_of(model, lambda progress: None).raw
    expected = model(waves)

    def refuse(*_: object) -> None:
        raise RuntimeError("aten._fft_r2c.default")

    monkeypatch.setattr(LogMel, "all_at_once", refuse)
    save_torch_export(model, file, provenance_of(model, "a run", Path("best.pt"), METRICS))
    torch.testing.assert_close(torch.export.load(file).module()(waves), expected, rtol=0, atol=1e-5)


class ByName(nn.Module):
    """Scores of ids up to a length."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Embedding(20, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        there = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
        total: Tensor = (self.scores(ids) * there.unsqueeze(2)).sum(1)
        return total / lengths.unsqueeze(1)


OWN = ("data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model")


def test_tensors_by_name_are_inputs_by_name(tmp_path: Path, user_functions: Functions) -> None:
    ids, lengths = torch.randint(0, 20, (96, 6)), torch.randint(1, 7, (96,))
    named = NamedInMemory({"ids": ids, "lengths": lengths}, torch.arange(96) % 2)
    user_functions["mine:data"] = lambda: Samples(named, Task("classification", 2, classes=("a", "b")))
    user_functions["mine:model"] = lambda inputs, outputs, activation: ByName()
    model, facts = drawn_model(tmp_path, *OWN), {"versions": {}, "made_by": "workbench 0"}
    save_onnx(model, tmp_path / "model.onnx", facts)
    assert compared(model, "onnx", tmp_path / "model.onnx").difference < 1e-6
    save_torch_export(model, tmp_path / "model.pt2", facts)
    run = torch.export.load(tmp_path / "model.pt2").module()
    batch = {"ids": ids[:5], "lengths": lengths[:5]}
    torch.testing.assert_close(run(batch), model(batch))


class Decides(nn.Module):
    """What it computes depends on the numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.scores(x) if x.sum() > 0 else self.scores(-x)
        return scores


class Eigen(Decides):
    """What ONNX has no operator for."""

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.scores(torch.linalg.eigvalsh(x.unsqueeze(2) @ x.unsqueeze(1)))
        return scores


def of_ones_own(module: type[nn.Module], folder: Path, user_functions: Functions) -> TrainedModel:
    user_functions["mine:model"] = lambda inputs, outputs, activation: module()
    return drawn_model(folder, "data.name=iris", "model.name=module", "model.function=mine:model")


def test_a_model_that_no_program_can_express_is_refused(tmp_path: Path, user_functions: Functions) -> None:
    model = of_ones_own(Decides, tmp_path, user_functions)
    with pytest.raises(ExportError, match=r"^PyTorch cannot export this model: .*data-dependent") as error:
        save_torch_export(model, tmp_path / "model.pt2", {})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "model.pt2").exists()


def test_an_operator_that_onnx_lacks_is_named(tmp_path: Path, user_functions: Functions) -> None:
    model = of_ones_own(Eigen, tmp_path, user_functions)
    with pytest.raises(ExportError, match=r"^ONNX has no operator for PyTorch's aten\.\w+, which this model uses"):
        save_onnx(model, tmp_path / "model.onnx", {})
    save_torch_export(model, tmp_path / "model.pt2", {})


def test_a_model_too_large_for_one_onnx_file_is_refused_at_once(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.export.onnx_file.MOST_BYTES", 100)
    with pytest.raises(ExportError, match="larger than the 2 GB that one ONNX file can hold"):
        save_onnx(made("mlp", data, tmp_path), tmp_path / "model.onnx", {})
