"""Spectrograms against the same computed by NumPy and SciPy, from the definitions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.fft
import scipy.signal
import torch
from torch import Tensor

from tests.unit.data.sounds import tone
from workbench.data import spectrogram
from workbench.data.encoding import Encoding
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.fit_sound_encoding import fit_sound_encoding
from workbench.data.mel import cosine_transform, fft_length_for, mel_bank, mel_of
from workbench.data.samples import InMemory, Lazy
from workbench.data.spectrogram import FLOOR, LogMel, Mfcc, Waveform

RATE, WINDOW, HOP, MELS, LOW, HIGH = 8000, 200, 80, 24, 50.0, 3800.0
BANDS: dict[str, Any] = {"rate": RATE, "window": WINDOW, "hop": HOP, "mels": MELS, "low_hz": LOW, "high_hz": HIGH}
PLAIN: dict[str, Any] = {"mean": torch.zeros(1), "std": torch.ones(1)}

Array = npt.NDArray[np.float64]


def sounds(count: int = 5, samples: int = 1234) -> Tensor:
    """Noise and tones, int16 (count, samples)."""
    generator = np.random.default_rng(0)
    noise = generator.normal(scale=0.1, size=(count, samples))
    tones = np.stack([tone(300.0 * (index + 1), samples / RATE, RATE) for index in range(count)])
    return torch.from_numpy(((noise + tones).clip(-1, 1) * 32767).astype(np.int16))


def reference_log_mel(wave: Array, fft_length: int) -> Array:
    """(mels, frames) of one waveform, frame by frame and band by band, with SciPy's window and Fourier transform."""
    window = scipy.signal.get_window("hann", WINDOW)
    left = (fft_length - WINDOW) // 2
    padded = np.concatenate([np.zeros(fft_length // 2), wave, np.zeros(fft_length // 2)])
    frames = []
    for start in range(0, len(wave) + 1, HOP):
        frame = np.zeros(fft_length)
        frame[left : left + WINDOW] = padded[start + left : start + left + WINDOW] * window
        frames.append(np.abs(scipy.fft.rfft(frame)) ** 2)
    power = np.array(frames)
    edges = 700 * (10 ** (np.linspace(mel_of(LOW), mel_of(HIGH), MELS + 2) / 2595) - 1)
    frequencies = np.arange(fft_length // 2 + 1) * RATE / fft_length
    bands = []
    for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
        weights = np.interp(frequencies, [low, peak, high], [0, 1, 0], left=0, right=0)
        bands.append(np.log(power @ weights + FLOOR))
    return np.array(bands)


def test_log_mel_is_what_its_definition_says() -> None:
    encoding, waves = LogMel(**BANDS, **PLAIN), sounds()
    found = encoding(waves)
    assert found.shape == (5, 1, MELS, 1 + 1234 // HOP)
    assert found.dtype == torch.float32
    for wave, spectrum in zip(waves.double().numpy() / 32768, found[:, 0], strict=True):
        assert np.allclose(spectrum.numpy(), reference_log_mel(wave, encoding.fft_length), atol=2e-3)


def test_mfcc_is_scipys_cosine_transform_of_it() -> None:
    waves = sounds()
    bands = LogMel(**BANDS, **PLAIN)(waves)[:, 0].double().numpy()
    found = Mfcc(13, **BANDS, **PLAIN)(waves)[:, 0].numpy()
    expected = scipy.fft.dct(bands, type=2, norm="ortho", axis=1)[:, :13]
    assert found.shape == (5, 13, 16)
    assert np.allclose(found, expected, atol=1e-4)


def test_the_cosine_transform_is_orthonormal() -> None:
    matrix = cosine_transform(24, 24)
    assert torch.allclose(matrix.T @ matrix, torch.eye(24), atol=1e-5)


def test_the_mel_scale_is_htks() -> None:
    assert mel_of(0) == 0
    assert mel_of(1000) == pytest.approx(1000, abs=0.1)
    assert mel_of(4000) == pytest.approx(2146.1, abs=0.1)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    bank = mel_bank(512, RATE, MELS, LOW, HIGH)
    assert bank.shape == (257, MELS)
    for hertz in (500.0, 1000.0, 2000.0):
        spectrum = LogMel(**BANDS, **PLAIN)(torch.from_numpy(tone(hertz)).unsqueeze(0))
        band = int(spectrum[0, 0, :, 5].argmax())
        assert band == int(bank[round(hertz * 512 / RATE)].argmax())


def test_bands_overlap_by_half_and_sum_to_one_between_the_first_and_the_last_peak() -> None:
    sums = mel_bank(4096, RATE, MELS, LOW, HIGH).sum(1)
    peaks = 700 * (10 ** (torch.linspace(mel_of(LOW), mel_of(HIGH), MELS + 2) / 2595) - 1)
    frequencies = torch.arange(2049) * RATE / 4096
    inside = (frequencies >= peaks[1]) & (frequencies <= peaks[-2])
    assert torch.allclose(sums[inside], torch.ones(int(inside.sum())), atol=1e-5)
    assert not sums[(frequencies < LOW) | (frequencies > HIGH)].any()


def test_the_transform_is_as_long_as_narrow_bands_need() -> None:
    assert fft_length_for(200, RATE, 24, LOW, HIGH) == 256
    assert fft_length_for(256, RATE, 10, LOW, HIGH) == 256
    assert fft_length_for(257, RATE, 10, LOW, HIGH) == 512
    long = fft_length_for(200, RATE, 200, 20.0, 4000.0)
    assert long > 256
    assert bool((mel_bank(long, RATE, 200, 20.0, 4000.0) > 0).any(0).all())
    with pytest.raises(ValueError, match="1000 bands from 100 to 101 Hz are too narrow"):
        fft_length_for(200, RATE, 1000, 100.0, 101.0)


def test_a_sound_shorter_than_a_window_has_a_frame() -> None:
    assert LogMel(**BANDS, **PLAIN)(sounds(2, 3)).shape == (2, 1, MELS, 1)


MAKERS: dict[str, Any] = {
    "log_mel": lambda **fitted: LogMel(**BANDS, **fitted),
    "mfcc": lambda **fitted: Mfcc(13, **BANDS, **fitted),
    "waveform": Waveform,
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Any:
    return MAKERS[request.param]


def test_the_training_split_has_mean_0_and_deviation_1_in_each_row(make: Any) -> None:
    waves = sounds()
    split = InMemory(waves, torch.zeros(5, dtype=torch.int64))
    encoded = fit_sound_encoding(split, make, "standard")(waves)
    dims = (0, 1, 2) if encoded.dim() == 3 else (0, 1, 3)
    assert torch.allclose(encoded.mean(dims), torch.zeros(()), atol=1e-3)
    assert torch.allclose(encoded.std(dims, correction=0), torch.ones(()), atol=1e-3)
    lazy = fit_sound_encoding(Lazy(split, split.targets), make, "standard")
    assert torch.equal(lazy(waves), encoded)


def test_many_samples_are_encoded_in_parts(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waves = sounds()
    whole = make(**PLAIN)(waves)
    monkeypatch.setattr(spectrogram, "CHUNK_NUMBERS", 2 * make(**PLAIN).numbers(waves.shape[1]))
    assert make(**PLAIN).at_a_time(waves.shape[1]) == 2
    assert torch.allclose(make(**PLAIN)(waves), whole, atol=1e-5)
    split = InMemory(waves, torch.zeros(5, dtype=torch.int64))
    assert float(fit_sound_encoding(split, make, "standard")(waves).mean()) == pytest.approx(0, abs=1e-4)


def test_spectra_that_are_held_at_a_time_are_bounded_whatever_the_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window at every second sample gives 501 frames of 129 frequencies, of 1,000 samples."""
    encoding = LogMel(**(BANDS | {"hop": 2}), **PLAIN)
    assert encoding.numbers(1000) == 501 * 129
    assert encoding.at_a_time(1000) == 2**23 // (501 * 129)
    largest = 0
    stft = torch.stft

    def watched(*arguments: Any, **named: Any) -> Tensor:
        nonlocal largest
        spectrum: Tensor = stft(*arguments, **named)
        largest = max(largest, spectrum.numel())
        return spectrum

    monkeypatch.setattr(torch, "stft", watched)
    monkeypatch.setattr(spectrogram, "CHUNK_NUMBERS", 200_000)
    waves = sounds(8, 1000)
    assert encoding(waves).shape == (8, 1, MELS, 501)
    assert largest == 3 * 501 * 129
    make = partial(LogMel, **(BANDS | {"hop": 2}))
    fit_sound_encoding(InMemory(waves, torch.zeros(8, dtype=torch.int64)), make, "standard")
    assert largest == 3 * 501 * 129


def test_without_normalisation_the_numbers_stay_as_they_are(make: Any) -> None:
    waves = sounds()
    split = InMemory(waves, torch.zeros(5, dtype=torch.int64))
    assert torch.equal(fit_sound_encoding(split, make, "none")(waves), make(**PLAIN)(waves))


def test_silence_is_no_number_that_is_not_finite(make: Any) -> None:
    silence = torch.zeros(3, 500, dtype=torch.int16)
    encoded = fit_sound_encoding(InMemory(silence, torch.zeros(3)), make, "standard")(silence)
    assert torch.allclose(encoded, torch.zeros(()), atol=1e-4)


def test_int16_and_float32_give_the_same(make: Any) -> None:
    waves = sounds()
    assert torch.equal(make(**PLAIN)(waves), make(**PLAIN)(waves.float() / 32768))


def test_a_sample_does_not_depend_on_the_others_of_its_batch(make: Any) -> None:
    waves = sounds()
    encoding: Encoding = make(**PLAIN)
    assert torch.allclose(encoding(waves)[2:3], encoding(waves[2:3]), atol=1e-5)


def test_a_checkpoint_brings_it_back(make: Any) -> None:
    waves = sounds()
    encoding = fit_sound_encoding(InMemory(waves, torch.zeros(5)), make, "standard")
    saved = saved_encoding(encoding)
    again = restored_encoding(saved)
    assert type(again) is type(encoding)
    assert torch.equal(again(waves), encoding(waves))


def test_a_waveform_keeps_its_samples() -> None:
    waves = sounds()
    encoded = Waveform(torch.full((1, 1, 1), 0.5), torch.full((1, 1, 1), 2.0))(waves)
    assert encoded.shape == (5, 1, 1234)
    assert torch.allclose(encoded[:, 0], (waves.float() / 32768 - 0.5) / 2)
