"""Sounds in training: encoded once or a batch at a time, varied before and after, in every engine, and resumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.unit.data.sounds import RATE
from tests.unit.training.conftest import SPEAKERS
from tests.unit.training.engines.making import direct_engine
from tests.unit.training.engines.test_cuda_graph import engine_of
from tests.unit.training.engines.test_traced import losses
from tests.unit.training.plain import plain_losses
from tests.unit.training.scripted import new_trainer, of_type
from workbench.data.mel import mel_bank
from workbench.data.spectrogram import LogMel
from workbench.errors import DataError, PresetError
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.settings.preset import Preset
from workbench.training.batches import BatchSource, OnDeviceBatches
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.job import Job, build_job
from workbench.training.loader_batches import DataLoaderBatches
from workbench.training.memory.estimate import expected_memory
from workbench.training.prepared_data import prepare
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.samples import StackedSamples

RAW = ["data.time_shift_ms=20", "data.gain_db=6", "data.noise_db=15"]
MASKS = ["data.time_masks=2", "data.time_mask_ms=20", "data.frequency_masks=1", "data.frequency_mask_bands=3"]
ON_HOST = ["runtime.data_loading=dataloader", "runtime.num_workers=0"]


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override(list(assignments)), lambda progress: None)


def epoch(source: BatchSource | None) -> Tensor:
    """All inputs in order, at a seed."""
    assert source is not None
    torch.manual_seed(1)
    return torch.cat([batch.tensor for batch in source.batches(torch.arange(len(source)), PhaseClock())])


def test_a_speaker_is_in_one_split(sound_preset: list[str]) -> None:
    data = prepare(Preset().override(sound_preset), lambda progress: None)
    splits = [split for split in (data.splits.train, data.splits.validation, data.splits.test) if split is not None]
    assert [len(split) for split in splits] == [90, 15, 15]
    whole = {tuple(data.samples.train[index][0].tolist()): index for index in range(120)}
    speakers = [
        {whole[tuple(split[index][0].tolist())] // 5 % SPEAKERS for index in range(len(split))} for split in splits
    ]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == SPEAKERS
    assert data.notes == ("the training data has 8 speakers: splits keep the clips of each on one side",)


@pytest.mark.parametrize("loading", [[], ON_HOST], ids=["on the device", "read one by one"])
def test_waves_vary_before_they_are_encoded_and_in_training_alone(sound_preset: list[str], loading: list[str]) -> None:
    plain, varied = job_of(*sound_preset, *loading), job_of(*sound_preset, *loading, *RAW)
    assert torch.equal(epoch(plain.train), epoch(plain.train))
    assert torch.equal(epoch(plain.validation), epoch(varied.validation))
    assert torch.equal(epoch(plain.test), epoch(varied.test))
    raw = prepare(Preset().override(sound_preset), lambda progress: None).splits.train
    augment = varied.preset.data.raw_augmentation()
    assert augment is not None
    torch.manual_seed(1)
    parts = torch.stack([raw[index][0] for index in range(90)]).split(24)
    expected = torch.cat([varied.encoding(augment(part)) for part in parts])
    torch.testing.assert_close(epoch(varied.train), expected)
    assert not torch.equal(epoch(varied.train), epoch(plain.train))
    assert epoch(varied.train).shape == (90, 1, 16, 13)


def test_samples_are_encoded_once_unless_waves_vary(sound_preset: list[str]) -> None:
    for settings, is_prepared in (
        (sound_preset, True),
        ([*sound_preset, *MASKS], True),
        ([*sound_preset, *RAW], False),
    ):
        train = job_of(*settings).train
        assert isinstance(train, OnDeviceBatches)
        assert train.is_prepared is is_prepared
    varied, plain = job_of(*sound_preset, *RAW), job_of(*sound_preset)
    assert isinstance(varied.validation, OnDeviceBatches)
    assert varied.validation.is_prepared
    assert varied.train.resident_bytes == 90 * (960 * 2 + 8)
    assert plain.train.resident_bytes == 90 * (16 * 13 * 4 + 8)
    some, same = varied.train.sample(7), plain.train.sample(7)
    assert some is not None
    assert same is not None
    torch.testing.assert_close(some.tensor, same.tensor)


def test_masks_blank_spectrograms_of_training_alone(sound_preset: list[str]) -> None:
    plain, masked = job_of(*sound_preset), job_of(*sound_preset, *MASKS)
    found, expected = epoch(masked.train), epoch(plain.train)
    assert torch.equal(epoch(plain.validation), epoch(masked.validation))
    kept = found != 0
    assert 0.05 < 1 - float(kept.double().mean()) < 0.6
    assert torch.equal(found[kept], expected[kept])


def test_masks_have_the_mean_of_a_spectrogram_that_is_not_standardised(sound_preset: list[str]) -> None:
    unscaled = [*sound_preset, "data.normalize=none"]
    found, expected = epoch(job_of(*unscaled, *MASKS).train), epoch(job_of(*unscaled).train)
    means = expected.mean((1, 2, 3), keepdim=True).expand_as(expected)
    assert float(means.abs().min()) > 1  # of logarithms: 0 is far from it
    masked = found != expected
    assert 0.05 < float(masked.double().mean()) < 0.6
    torch.testing.assert_close(found[masked], means[masked])


def test_a_shift_by_more_than_half_of_a_sample_is_refused(sound_preset: list[str]) -> None:
    """Samples last 0.12 s."""
    assert job_of(*sound_preset, "data.time_shift_ms=60").preset.data.raw_augmentation() is not None
    message = r"data.time_shift_ms = 61, but samples last 0.12 s, .* half of that .* choose at most 60$"
    with pytest.raises(PresetError, match=message):
        job_of(*sound_preset, "data.time_shift_ms=61")


MODELS = {
    "audio_cnn": [],
    "audio_cnn on mfcc": ["data.encoding=mfcc", "data.coefficients=13"],
    "conv1d": ["data.encoding=waveform", "model.name=conv1d"],
    "resnet9": ["data.window_ms=16", "data.hop_ms=4", "model.name=resnet9", "model.width=2"],
    "cnn": ["model.name=cnn"],
    "gru": ["model.name=gru", "model.state=8", "model.hidden=4"],
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("varied", [[], [*RAW, *MASKS]], ids=["plain", "varied"])
def test_traced_steps_have_the_losses_of_eager_ones(
    sound_preset: list[str], tmp_path: Path, name: str, varied: list[str]
) -> None:
    varied = [setting for setting in varied if name != "conv1d" or setting not in MASKS]
    settings = [setting for setting in sound_preset if name in ("audio_cnn", "cnn") or "channels" not in setting]
    settings += [*MODELS[name], *varied, "training.epochs=2"]
    found = {}
    for engine in ("eager", "traced"):
        trainer = new_trainer(tmp_path / engine, [*settings, f"runtime.engine={engine}"])
        assert trainer.engine.name == engine
        found[engine] = losses(trainer)
    assert len(found["eager"]) == 8
    assert found["traced"][:4] == pytest.approx(found["eager"][:4], rel=1e-3, abs=1e-5)
    assert found["traced"][4:] == pytest.approx(found["eager"][4:], rel=2e-2)  # rounding has grown


@pytest.mark.parametrize("varied", [[], [*RAW, *MASKS]], ids=["plain", "varied"])
def test_replayed_steps_have_the_losses_of_eager_ones(sound_preset: list[str], varied: list[str]) -> None:
    """The CUDA graph engine gathers, varies and encodes a batch within the work that it captures."""
    found = {}
    for name in ("eager", "cuda_graph"):
        job = job_of(*sound_preset, *varied)
        engine = engine_of(name, job, lambda step: 0.01)
        job.model.train()
        torch.manual_seed(3)
        for number in range(2):
            order = torch.randperm(len(job.train), generator=torch.Generator().manual_seed(number))
            engine.start_epoch(order)
            left, step = len(order), 0
            while left > 0:
                ran = engine.run_steps(step + 1)
                step, left = step + ran.steps, left - ran.samples
        found[name] = [loss.loss for loss in engine.losses.read(wait=True)]
    assert len(found["eager"]) == 8
    if not varied:
        assert found["cuda_graph"] == pytest.approx(found["eager"], rel=1e-3)
    else:  # the steps that warm it up draw random numbers too
        assert np.mean(found["cuda_graph"]) == pytest.approx(np.mean(found["eager"]), rel=0.2)


def test_a_checkpoint_predicts_on_waves(sound_preset: list[str], tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [*sound_preset, "training.epochs=6"])
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    assert test.metrics["accuracy"] == 1.0
    model = TrainedModel.load(best_checkpoint(trainer.run))
    assert isinstance(model.encoding, LogMel)
    assert model.raw == {"shape": [960], "type": "int16"}
    split = prepare(Preset().override(sound_preset), lambda progress: None).splits.test
    assert split is not None
    waves = torch.stack([split[index][0] for index in range(len(split))])
    assert split.targets is not None
    assert torch.equal(model(waves).argmax(1), split.targets)


@pytest.mark.parametrize("settings", [[], RAW, [*RAW, *MASKS, *ON_HOST]], ids=["plain", "varied", "read one by one"])
def test_memory_is_expected(sound_preset: list[str], settings: list[str]) -> None:
    memory = expected_memory(job_of(*sound_preset, *settings))
    assert memory.reason == ""
    assert memory.peak_bytes is not None


def test_variation_is_no_matter_of_the_data_but_the_encoding_is(sound_preset: list[str]) -> None:
    data = prepare(Preset().override(sound_preset), lambda progress: None)
    assert data.serves(Preset().override([*sound_preset, *RAW, *MASKS]))
    for other in ("data.mels=20", "data.hop_ms=5", "data.sample_rate=4000", "data.encoding=mfcc", "data.seconds=0.1"):
        assert not data.serves(Preset().override([*sound_preset, other]))


def test_models_whose_waves_vary_are_trained_one_by_one(sound_preset: list[str]) -> None:
    assert StackedSamples.of([job_of(*sound_preset).train], [0, 0]).count == 90
    with pytest.raises(CannotStackError, match="vary before they are encoded"):
        StackedSamples.of([job_of(*sound_preset, *RAW).train], [0, 0])


def test_samples_that_do_not_fit_are_read_by_a_loader(sound_preset: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = job_of(*sound_preset)
    monkeypatch.setattr("workbench.settings.audio_data.memory_limit_bytes", lambda: 1000)
    job = job_of(*sound_preset, "runtime.num_workers=0")
    assert isinstance(job.train, DataLoaderBatches)
    torch.testing.assert_close(epoch(job.train), epoch(kept.train))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_breaks_while_it_is_read_one_by_one_is_named(
    tones: Path, sound_preset: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    copied = shutil.copytree(tones, tmp_path / "tones")
    monkeypatch.setattr("workbench.settings.audio_data.memory_limit_bytes", lambda: 1000)
    job = job_of(*sound_preset, f"data.folder={copied}", f"runtime.num_workers={workers}", "validation.method=none")
    for path in copied.rglob("s*_3.wav"):
        path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"cannot read the sound '.*s\d_3.wav': it is cut off: 228 of 960 samples"):
        epoch(job.train)
    job.close()


class ByHand(nn.Module):
    """The network of `audio_cnn` with channels 4 and 8, as one would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.Conv2d(4, 8, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(8)])
        self.last = nn.Linear(8 * 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.norms[0](self.first(x))), 2)
        x = F.max_pool2d(F.relu(self.norms[1](self.second(x))), 2)
        scores: Tensor = self.last(x.mean(3).flatten(1))
        return scores


def spectrograms_by_hand(files: list[Path]) -> Tensor:
    """Log-mel spectrograms (n, 1, 16, 13), file by file, standardised band by band over all files."""
    import soundfile

    bank = mel_bank(256, RATE, 16, 20.0, 4000.0)
    made = []
    for file in files:
        wave, _ = soundfile.read(file, dtype="float32")
        spectrum = torch.stft(
            torch.from_numpy(wave), 256, 80, 200, torch.hann_window(200), pad_mode="constant", return_complex=True
        )
        made.append(torch.log(bank.T @ spectrum.abs() ** 2 + 1e-6))
    stacked = torch.stack(made)
    mean, std = stacked.mean((0, 2), keepdim=True), stacked.std((0, 2), keepdim=True, correction=0)
    return ((stacked - mean) / std).unsqueeze(1)


def test_losses_are_those_of_a_loop_written_by_hand(tones: Path, sound_preset: list[str]) -> None:
    whole = ["validation.method=none", "validation.test_fraction=0", "optimizer.name=sgd", "optimizer.momentum=0.9"]
    job = job_of(*sound_preset, *whole)
    theirs = ByHand()
    ours = dict(job.model.named_parameters())
    for name, tensor in (
        *(("features.0.weight", theirs.first.weight), ("features.4.weight", theirs.second.weight)),
        *(("classifier.1.weight", theirs.last.weight), ("classifier.1.bias", theirs.last.bias)),
    ):
        tensor.data.copy_(ours[name].data)
    files = sorted(tones.rglob("*.wav"))
    targets = torch.tensor([("high", "low", "middle").index(file.parent.name) for file in files])
    order = torch.randperm(120, generator=torch.Generator().manual_seed(2))
    expected = plain_losses(
        theirs,
        torch.optim.SGD(theirs.parameters(), lr=0.01, momentum=0.9),
        nn.CrossEntropyLoss(),
        spectrograms_by_hand(files),
        targets,
        list(order.split(24)),
    )
    engine = direct_engine(job.model.train(), job.loss, job.optimizer, job.train, lambda step: 0.01)
    engine.start_epoch(order)
    for step in range(1, 6):
        engine.run_steps(step)
    assert [loss.loss for loss in engine.losses.read(wait=True)] == pytest.approx(expected, rel=1e-4)


def test_spectrograms_that_do_not_fit_are_made_a_batch_at_a_time(
    sound_preset: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spectrogram with a window every other sample takes eight times the memory of its waveform."""
    chosen = [*sound_preset, "data.hop_ms=0.25"]
    kept = job_of(*chosen)
    monkeypatch.setattr("workbench.training.batches.free_bytes", lambda device: 2_000_000)
    job = job_of(*chosen)
    assert isinstance(kept.train, OnDeviceBatches)
    assert isinstance(job.train, OnDeviceBatches)
    assert kept.train.is_prepared
    assert not job.train.is_prepared
    torch.testing.assert_close(epoch(job.train), epoch(kept.train))
