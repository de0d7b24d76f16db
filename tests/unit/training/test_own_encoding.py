"""A data source that brings its own encoding: one class and its line in the table, and no other file knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.scripted import build_trainer, of_type
from workbench.data.encoding import Encoding
from workbench.data.encodings import ENCODINGS, restored_encoding, saved_encoding
from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.errors import DataError, UserCodeError
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.job import build_job
from workbench.training.memory.estimate import expected_memory
from workbench.training.timing.clock import PhaseClock

LENGTH, WINDOW = 64, 16


class Spectrum(Encoding):
    """Waveforms (n, samples) as the magnitudes of their frequencies (n, window // 2 + 1, frames), scaled."""

    name: ClassVar[str] = "spectrum"

    def __init__(self, window: int, scale: Tensor) -> None:
        super().__init__()
        self.window = window
        self.scale: Tensor
        self.register_buffer("scale", scale)

    def forward(self, waves: Tensor) -> Tensor:
        frames = waves.float().unflatten(1, (-1, self.window))
        magnitudes: Tensor = torch.fft.rfft(frames).abs().transpose(1, 2)
        return magnitudes / self.scale

    def arguments(self) -> dict[str, Any]:
        return {"window": self.window, "scale": self.scale}


def fitted(train: Split) -> Encoding:
    """Scaled to 1 at the loudest frequency of the training split."""
    unscaled = Spectrum(WINDOW, torch.ones(()))
    loudest = max(float(unscaled(train[index][0].unsqueeze(0)).max()) for index in range(len(train)))
    return Spectrum(WINDOW, torch.tensor(loudest))


def waves() -> tuple[Tensor, Tensor]:
    """Sines of two frequencies in noise, in int16 as audio files hold them, by class."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(160) % 2
    times = torch.arange(LENGTH) + torch.randint(0, WINDOW, (160, 1), generator=generator)
    clean = torch.sin(times * (2 * torch.pi / WINDOW) * torch.where(labels == 1, 5, 2).unsqueeze(1))
    noisy = clean + torch.randn(160, LENGTH, generator=generator) / 2
    return (noisy * 5000).to(torch.int16), labels


def in_memory() -> Samples:
    return Samples(InMemory(*waves()), Task("classification", 2, classes=("low", "high")), fit_encoding=fitted)


def read_one_by_one() -> Samples:
    inputs, targets = waves()
    return Samples(
        Lazy(InMemory(inputs, targets), targets),
        Task("classification", 2, classes=("low", "high")),
        fit_encoding=fitted,
    )


PRESET = [
    *("data.name=module", "data.function=mine:waves", "data.batch_size=16", "model.hidden=[16]", "training.epochs=6"),
    *("runtime.device=cpu", "runtime.num_workers=0", "optimizer.learning_rate=0.01"),
]


@pytest.fixture(params=[in_memory, read_one_by_one])
def preset(
    request: pytest.FixtureRequest,
    user_functions: dict[str, Callable[..., object]],
    monkeypatch: pytest.MonkeyPatch,
) -> Preset:
    user_functions["mine:waves"] = request.param
    monkeypatch.setitem(ENCODINGS, "spectrum", Spectrum)
    return Preset().override(PRESET)


def test_it_is_fitted_on_the_training_split_and_makes_the_input_of_every_batch(preset: Preset) -> None:
    job = build_job(preset, lambda progress: None)
    assert job.input_shape == (WINDOW // 2 + 1, LENGTH // WINDOW)
    assert job.raw == {"shape": [LENGTH], "type": "int16"}
    assert isinstance(job.encoding, Spectrum)
    batches = [batch.tensor for batch in job.train.batches(torch.arange(len(job.train)), PhaseClock())]
    assert max(float(batch.max()) for batch in batches) == pytest.approx(1.0)
    assert job.notes == ()


def test_a_checkpoint_predicts_by_it_on_raw_waves(preset: Preset, tmp_path: Path) -> None:
    trainer = build_trainer(create_run(tmp_path, preset.name, preset.to_toml()))
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    assert test.metrics["accuracy"] > 0.9
    split = preset.validation.build(in_memory()).test
    assert isinstance(split, InMemory)
    model = TrainedModel.load(best_checkpoint(trainer.run))
    assert float((model(split.inputs).argmax(1) == split.targets).double().mean()) == test.metrics["accuracy"]
    assert torch.equal(model(split.inputs.int()), model(split.inputs))
    with pytest.raises(DataError, match=r"samples are float32, but the model takes .* \(n, 64\) in int16"):
        model(split.inputs / 5000)


def test_memory_is_expected_with_what_it_makes(preset: Preset) -> None:
    memory = expected_memory(build_job(preset, lambda progress: None))
    assert memory.reason == ""
    assert memory.peak_bytes is not None


def test_what_is_no_encoding_is_refused(preset: Preset, user_functions: dict[str, Callable[..., object]]) -> None:
    user_functions["mine:waves"] = lambda: replace(in_memory(), fit_encoding=lambda train: nn.Flatten())  # type: ignore[arg-type, return-value]
    with pytest.raises(UserCodeError, match=r"fit_encoding gave a Flatten; it must give a .*Encoding"):
        build_job(preset, lambda progress: None)


@pytest.mark.parametrize("argument", [np.int64(3), np.ones(3), Path("scale"), [{"scale": np.float32(3)}]])
def test_an_argument_that_no_checkpoint_can_hold_is_refused_before_anything_is_trained(
    preset: Preset, monkeypatch: pytest.MonkeyPatch, argument: object
) -> None:
    """`checkpoints.load` would refuse to read it, and the run could not be resumed."""
    monkeypatch.setattr(Spectrum, "arguments", lambda _: {"scale": argument})
    with pytest.raises(
        UserCodeError, match=r"argument 'scale' of the encoding 'spectrum' is a (int64|ndarray|Posix|f)"
    ):
        build_job(preset, lambda progress: None)


def test_names_in_numpys_strings_are_kept_as_pythons_own(
    preset: Preset, user_functions: dict[str, Callable[..., object]], tmp_path: Path
) -> None:
    classes = tuple(np.array(["low", "high"]))
    user_functions["mine:waves"] = lambda: replace(in_memory(), task=Task("classification", np.int64(2), classes))  # type: ignore[arg-type]
    trainer = build_trainer(create_run(tmp_path, preset.name, preset.to_toml()))
    trainer.train()
    assert TrainedModel.load(best_checkpoint(trainer.run)).classes == ("low", "high")
    assert build_trainer(trainer.run).restore() == []


def test_an_encoding_comes_back_from_plain_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODINGS, "spectrum", Spectrum)
    encoding = Spectrum(WINDOW, torch.tensor(3.0))
    saved = saved_encoding(encoding)
    assert saved == {"name": "spectrum", "arguments": {"window": WINDOW, "scale": torch.tensor(3.0)}}
    raw, _ = waves()
    assert torch.equal(restored_encoding(saved)(raw), encoding(raw))
