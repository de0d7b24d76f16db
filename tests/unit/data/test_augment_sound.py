"""Each variation of a sound does what its setting says, each sample on its own, and the seed decides."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from workbench.data.augment_sound import augment_waves, mask_spectrograms


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramps(n: int = 64, length: int = 50) -> Tensor:
    """1, 2, 3, ... in each sample: never silent."""
    return torch.arange(1.0, length + 1).repeat(n, 1) / length


def test_a_shift_moves_a_sound_and_silence_moves_in() -> None:
    waves = ramps()
    found = augment_waves(waves, 7, 0.0, 0.0, seeded())
    shifts = set()
    for wave in found:
        first = int((wave != 0).nonzero()[0, 0])
        start = round(float(wave[first]) * 50) - 1
        shift = first - start
        shifts.add(shift)
        expected = torch.zeros(50)
        kept = range(max(shift, 0), min(50 + shift, 50))
        expected[kept.start : kept.stop] = waves[0, kept.start - shift : kept.stop - shift]
        assert torch.equal(wave, expected)
    assert shifts == set(range(-7, 8))


def test_a_shift_may_be_longer_than_the_sound() -> None:
    silent = (augment_waves(ramps(2100, 3), 10, 0.0, 0.0, seeded()) == 0).all(1)
    assert int(silent.sum()) == pytest.approx(1600, abs=60)  # 16 of 21 shifts move three samples out


def test_gain_is_within_its_decibels_and_differs_by_sample() -> None:
    gains = 20 * torch.log10(augment_waves(ramps(500), 0, 6.0, 0.0, seeded()) / ramps(500))
    assert torch.allclose(gains, gains[:, :1].expand_as(gains), atol=1e-4)
    assert gains.abs().max() <= 6.001
    assert gains.min() < -5.5
    assert gains.max() > 5.5


def test_noise_is_at_most_as_loud_as_it_says_and_silence_stays_silent() -> None:
    waves = torch.cat([ramps(500, 400), torch.zeros(1, 400)])
    noise = augment_waves(waves, 0, 0.0, 20.0, seeded()) - waves
    assert not noise[-1].any()
    ratios = noise[:-1].square().mean(1).sqrt() / waves[:-1].square().mean(1).sqrt()
    assert ratios.max() < 0.1 * 1.15
    assert ratios.max() > 0.09
    assert ratios.min() < 0.01


def test_int16_becomes_float() -> None:
    waves = (ramps() * 32767).to(torch.int16)
    found = augment_waves(waves, 0, 0.0, 0.0, seeded())
    assert torch.equal(found, waves.float() / 32768)


def test_masks_blank_whole_frames_and_rows_of_at_most_their_width() -> None:
    ones = torch.ones(300, 1, 12, 40)
    found = mask_spectrograms(ones, 1, 9, 0, 1, seeded())
    assert torch.equal(found, found[:, :, :1].expand_as(found))
    widths = (found[:, 0, 0] == 0).sum(1)
    assert set(widths.tolist()) == set(range(10))
    for row in found[:, 0, 0]:
        blank = (row == 0).nonzero()[:, 0]
        assert len(blank) == 0 or int(blank[-1] - blank[0]) + 1 == len(blank)
    assert (found[:, 0, 0] == 0).any(0).all()  # every frame is blanked now and then, the first and last too
    found = mask_spectrograms(ones, 0, 1, 1, 4, seeded())
    assert torch.equal(found, found[..., :1].expand_as(found))
    assert set((found[:, 0, :, 0] == 0).sum(1).tolist()) == set(range(5))


def test_several_masks_may_blank_more_and_a_wide_one_everything() -> None:
    ones = torch.ones(300, 1, 4, 40)
    widths = (mask_spectrograms(ones, 3, 9, 0, 1, seeded())[:, 0, 0] == 0).sum(1)
    assert widths.max() > 9
    assert widths.max() <= 27
    assert bool((mask_spectrograms(ones, 0, 1, 1, 100, seeded()) == 0).flatten(1).all(1).any())


def test_masks_of_spectrograms_that_are_not_standardised_have_the_mean_of_each() -> None:
    loud = torch.randn(50, 1, 6, 20, generator=seeded(1)) - torch.arange(50.0).view(50, 1, 1, 1)
    found = mask_spectrograms(loud, 1, 9, 1, 3, seeded(), standardised=False)
    blank = mask_spectrograms(torch.ones_like(loud), 1, 9, 1, 3, seeded()) == 0
    assert 0.2 < float(blank.double().mean()) < 0.6
    expected = loud.mean((1, 2, 3)).view(50, 1, 1, 1).expand_as(loud)
    assert torch.equal(found[blank], expected[blank])
    assert torch.equal(found[~blank], loud[~blank])


@pytest.mark.parametrize("kind", ["waves", "spectrograms"])
def test_the_seed_decides_and_the_originals_stay(kind: str) -> None:
    def vary(seed: int) -> Tensor:
        if kind == "waves":
            return augment_waves(waves, 5, 3.0, 10.0, seeded(seed))
        return mask_spectrograms(spectrograms, 2, 5, 1, 3, seeded(seed))

    waves, spectrograms = ramps(), torch.ones(20, 1, 8, 30)
    assert torch.equal(vary(1), vary(1))
    assert not torch.equal(vary(1), vary(2))
    assert torch.equal(waves, ramps())
    assert bool((spectrograms == 1).all())
