from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from workbench.data import bundled
from workbench.data.on_host import on_host
from workbench.data.samples import InMemory, Lazy
from workbench.data.standardize import LAZY_SAMPLES, standardize
from workbench.data.statistics import Histogram, Sums
from workbench.data.target_scale import TargetScale
from workbench.errors import DataError


def split(inputs: Tensor) -> InMemory:
    return InMemory(inputs, torch.zeros(len(inputs), dtype=torch.int64))


class Counted:
    """A map-style data set that counts how often it is read."""

    def __init__(self, inputs: Tensor) -> None:
        self.inputs = inputs
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.read.append(index)
        return self.inputs[index], torch.tensor([float(index)])


def test_a_table_is_standardised_as_scikit_learn_does() -> None:
    train = bundled.wine().train
    assert isinstance(train, InMemory)
    expected = StandardScaler().fit_transform(train.inputs.double().numpy())
    prepared = standardize(train, "standard")(train.inputs)
    assert prepared.dtype == torch.float32
    np.testing.assert_allclose(prepared.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_small_deviations_around_large_numbers_are_kept() -> None:
    years = 2020 + torch.rand(5000, 1, generator=torch.Generator().manual_seed(0))
    expected = StandardScaler().fit(years.double().numpy())
    encoding = standardize(split(years), "standard")
    assert float(encoding.arguments()["std"]) == pytest.approx(float(expected.scale_[0]), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 4),
    chunk=st.integers(1, 60),
    scale=st.sampled_from([1e-3, 1.0, 1e6]),
    offset=st.sampled_from([0.0, -5.0, 1e4]),
)
def test_the_result_does_not_depend_on_the_chunks(
    rows: int, columns: int, chunk: int, scale: float, offset: float
) -> None:
    inputs = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0)) * scale + offset
    sums = Sums()
    for part in inputs.split(chunk):
        sums.add(part)
    mean, std = sums.result()
    scaler = StandardScaler().fit(inputs.double().numpy())
    np.testing.assert_allclose(mean[0].numpy(), scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(std[0].numpy(), scaler.scale_, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_standardised_by_channel_and_uint8_like_float(channels: int) -> None:
    images = torch.randint(0, 256, (50, channels, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    encoding = standardize(split(images), "standard")
    floats = images.double() / 255
    expected = (floats - floats.mean((0, 2, 3), keepdim=True)) / floats.std((0, 2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(encoding(images), expected.float(), rtol=1e-5, atol=1e-5)
    same = standardize(split(images.float() / 255), "standard")
    torch.testing.assert_close(same.arguments(), encoding.arguments())


def test_histograms_of_chunks_add_up_to_that_of_all_samples() -> None:
    images = torch.randint(0, 256, (9, 2, 3, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole, parts = Histogram(), Histogram()
    whole.add(images)
    for part in images.split(2):
        parts.add(part)
    assert all(torch.equal(a, b) for a, b in zip(whole.result(), parts.result(), strict=True))


def test_samples_that_are_neither_rows_nor_images_share_one_mean() -> None:
    inputs = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(0)) * 3 + 2
    prepared = standardize(split(inputs), "standard")(inputs)
    torch.testing.assert_close(prepared, (inputs - inputs.mean()) / inputs.std(correction=0))


def test_columns_of_0_and_1_stay_unchanged_and_constant_ones_become_0() -> None:
    inputs = torch.tensor([[0.0, 1, 0.1, 2], [1, 1, 0.1, 4], [0, 1, 0.1, 6]])
    prepared = standardize(split(inputs), "standard")(inputs)
    assert torch.equal(prepared[:, :2], inputs[:, :2])
    torch.testing.assert_close(prepared[:, 2], torch.zeros(3))
    assert prepared[:, 3].abs().max() > 1


def test_without_normalisation_uint8_becomes_0_to_1_and_floats_stay_unchanged() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1, 1)
    prepared = standardize(split(images), "none")(images)
    torch.testing.assert_close(prepared.flatten(), torch.tensor([0, 0.2, 1]))
    table = torch.tensor([[5.0], [7.0]])
    assert torch.equal(standardize(split(table), "none")(table), table)


def test_mean_and_standard_deviation_are_buffers_of_the_module() -> None:
    encoding = standardize(split(torch.rand(5, 2)), "standard")
    assert set(encoding.state_dict()) == {"mean", "std"}
    assert encoding.to("meta").arguments()["mean"].is_meta


def test_evenly_spaced_lazy_samples_are_read() -> None:
    generator = torch.Generator().manual_seed(0)
    dataset = Counted(torch.randint(0, 256, (3 * LAZY_SAMPLES, 1, 2, 2), dtype=torch.uint8, generator=generator))
    standardize(Lazy(dataset), "standard")
    looked_at = sorted(set(dataset.read))
    assert looked_at == list(range(0, 3 * LAZY_SAMPLES, 3))
    few = Counted(dataset.inputs[:5])
    encoding = standardize(Lazy(few), "standard")
    assert torch.equal(encoding.arguments()["mean"], standardize(split(few.inputs), "standard").arguments()["mean"])


def test_lazy_samples_of_different_shapes_are_reported() -> None:
    class Ragged(Counted):
        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return torch.zeros(1, 2, 2 + index), torch.tensor(0)

    with pytest.raises(DataError, match=r"differ in shape: \(1, 2, 3\) \(number 1\) and \(1, 2, 2\)"):
        standardize(Lazy(Ragged(torch.zeros(3))), "standard")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("normalize", ["standard", "none"])
@pytest.mark.parametrize("row", [0, 2])
def test_inputs_that_are_not_finite_are_reported_with_their_position(value: float, normalize: str, row: int) -> None:
    inputs = torch.zeros(4, 3)
    inputs[row, 1] = value
    with pytest.raises(DataError, match=rf"sample {row} of the training split holds {value} at \(1,\)"):
        standardize(split(inputs), normalize)  # type: ignore[arg-type]


def test_targets_are_standardised_and_scaled_back() -> None:
    targets = torch.tensor([[1.0, 5], [2, 5], [6, 5]])
    scale = TargetScale.fit(InMemory(torch.zeros(3, 1), targets), True)
    scaled = scale.apply_to(targets)
    np.testing.assert_allclose(scaled.numpy(), StandardScaler().fit_transform(targets.numpy()), rtol=1e-6)
    assert scaled.dtype == torch.float32
    torch.testing.assert_close(scale.undo(scaled), targets.double(), rtol=1e-6, atol=0)


def test_targets_can_stay_unchanged() -> None:
    targets = torch.tensor([[1.0], [2.0]])
    scale = TargetScale.fit(InMemory(torch.zeros(2, 1), targets), False)
    assert torch.equal(scale.apply_to(targets), targets)
    assert torch.equal(scale.undo(targets), targets.double())


def test_numbers_beyond_2_24_stay_distinct_as_inputs() -> None:
    """In float32, np.float32(20230103) == np.float32(20230104)."""
    days = 20230101 + torch.arange(120, dtype=torch.float64).unsqueeze(1)
    train = split(days)
    encoding = standardize(train, "standard")
    assert encoding.on_host
    prepared = on_host(train, encoding, None)
    assert isinstance(prepared, InMemory)
    assert prepared.inputs.dtype == torch.float32
    assert len(prepared.inputs.unique()) == 120
    np.testing.assert_allclose(prepared.inputs.numpy(), StandardScaler().fit_transform(days.numpy()), atol=1e-6)


def test_targets_far_from_zero_stay_distinct_and_are_restored_exactly() -> None:
    """119 targets around 1e9."""
    targets = 1e9 + torch.arange(119, dtype=torch.float64).unsqueeze(1) / 10
    train = InMemory(torch.zeros(119, 1), targets)
    scale = TargetScale.fit(train, True)
    scaled = on_host(train, None, scale).targets
    assert scaled is not None
    assert scaled.dtype == torch.float32
    assert len(scaled.unique()) == 119
    assert float((scale.undo(scaled) - targets).abs().max()) < 1e-5


def test_lazy_float64_samples_become_float32_as_they_are_read() -> None:
    dataset = Counted(1e9 + torch.arange(9, dtype=torch.float64).unsqueeze(1))
    lazy = Lazy(dataset)
    encoding, scale = standardize(lazy, "standard"), TargetScale.fit(lazy, True)
    made = on_host(lazy, encoding, scale)
    inputs, targets = (torch.stack(parts) for parts in zip(*(made[index] for index in range(9)), strict=True))
    assert inputs.dtype == targets.dtype == torch.float32
    expected = torch.from_numpy(StandardScaler().fit_transform(dataset.inputs.numpy())).float()
    torch.testing.assert_close(inputs, expected)
    torch.testing.assert_close(targets, expected)


def test_the_deviation_of_a_constant_target_is_exactly_zero() -> None:
    scale = TargetScale.fit(InMemory(torch.zeros(7, 1), torch.full((7, 1), 0.1, dtype=torch.float64)), True)
    assert float(scale.std) == 1.0


def test_targets_of_lazy_samples_are_read_if_they_are_unknown() -> None:
    scale = TargetScale.fit(Lazy(Counted(torch.zeros(5, 1))), True)
    assert float(scale.mean) == 2.0
    assert float(scale.std) == pytest.approx(2**0.5)


def test_targets_that_are_not_finite_are_reported() -> None:
    targets = torch.tensor([[1.0], [float("nan")]])
    with pytest.raises(DataError, match=r"target 1 .* is not a finite number"):
        TargetScale.fit(InMemory(torch.zeros(2, 1), targets), True)
