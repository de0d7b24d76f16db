"""Batches of texts of similar length."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from workbench.data.encoding import Identity
from workbench.data.samples import InMemory
from workbench.data.tokens import PAD
from workbench.settings.preset import Preset
from workbench.training.batches import OnDeviceBatches
from workbench.training.job import build_job
from workbench.training.similar_lengths import SimilarLengths
from workbench.training.timing.clock import PhaseClock


def padded(lengths: list[int], length: int) -> Tensor:
    """Texts of these lengths, of the ids 2, 3, ..., padded to one length."""
    positions = torch.arange(length).expand(len(lengths), length)
    return torch.where(positions < torch.tensor(lengths).unsqueeze(1), positions + 2, PAD)


def test_widths_are_multiples_of_eight_and_hold_their_texts() -> None:
    found = SimilarLengths.of(padded([3, 5, 9, 17, 40, 60, 61, 62], 62))
    assert found is not None
    # The longest of the first 2, 4, 6, 7 and 8 texts: 5, 17, 60, 61, 62.
    assert found.widths == (8, 24, 62)
    assert found.of_samples.tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert found.width(torch.tensor([0, 1])) == 8
    assert found.width(torch.tensor([1, 3])) == 24


def test_a_text_of_padding_alone_has_the_smallest_width() -> None:
    found = SimilarLengths.of(padded([0, 0, 40], 40))
    assert found is not None
    assert found.of_samples.tolist() == [0, 0, len(found.widths) - 1]


@pytest.mark.parametrize("lengths", [[40] * 10, [38] * 10, [1, *[40] * 19]])
def test_where_little_is_padding_nothing_is_cut(lengths: list[int]) -> None:
    assert SimilarLengths.of(padded(lengths, 40)) is None


def test_batches_have_one_width_each_and_hold_every_sample_once() -> None:
    lengths = SimilarLengths.of(padded([4] * 13 + [12] * 9 + [30] * 7, 32))
    assert lengths is not None
    order = torch.randperm(29, generator=torch.Generator().manual_seed(1))
    grouped = lengths.group(order, 4, torch.Generator().manual_seed(2))
    assert sorted(grouped.tolist()) == list(range(29))
    batches = [set(lengths.of_samples[batch].tolist()) for batch in grouped.split(4)]
    # 13 = 3 batches and 1 left; 1 + 9 = 2 batches, the first mixed, and 2 left; 2 + 7 = 2 batches and 1 left.
    assert len(batches) == 8
    assert sum(len(widths) == 1 for widths in batches) >= 6
    assert [lengths.width(batch) for batch in grouped.split(4)] != sorted(lengths.width(b) for b in grouped.split(4))
    again = lengths.group(order, 4, torch.Generator().manual_seed(2))
    assert torch.equal(grouped, again)
    other = lengths.group(order, 4, torch.Generator().manual_seed(3))
    assert not torch.equal(grouped, other)


def test_a_batch_is_cut_to_its_width_and_loses_no_token() -> None:
    ids = padded([4, 5, 6, 7, 30, 31, 32, 32], 32)
    split = InMemory(ids, torch.arange(8) % 2)
    source = OnDeviceBatches(split, Identity(), 4, torch.device("cpu"), None, lengths=SimilarLengths.of(ids))
    short, long = source.batches(torch.tensor([3, 1, 0, 2, 4, 6, 7, 5]), PhaseClock())
    assert torch.equal(short.tensor, ids[[3, 1, 0, 2], :8])
    assert torch.equal(long.tensor, ids[[4, 6, 7, 5]])
    assert short.targets.tolist() == [1, 1, 0, 0]
    assert source.gather(torch.tensor([0])).tensor.shape == (1, 32), "inside a CUDA graph all are of one width"


@pytest.mark.parametrize(
    ("loading", "grouped", "notes"), [("on_device", True, 0), ("dataloader", True, 1), ("dataloader", False, 0)]
)
def test_where_a_data_loader_reads_texts_it_is_said_that_they_are_not_grouped(
    tmp_path: Path, loading: str, grouped: bool, notes: int
) -> None:
    lines = [f"{'word ' * (number % 30 + 1)},{'ab'[number % 2]}" for number in range(120)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]))
    preset = Preset().override(
        [
            *("data.name=text_table", f'data.file="{tmp_path / "texts.csv"}"', "data.target=label"),
            *(f"data.group_by_length={str(grouped).lower()}", "data.batch_size=16", "model.name=bag_of_embeddings"),
            *("runtime.device=cpu", f"runtime.data_loading={loading}", "runtime.num_workers=0"),
        ]
    )
    job = build_job(preset, lambda _: None)
    assert sum("data.group_by_length has no effect" in note for note in job.notes) == notes
    assert (isinstance(job.train, OnDeviceBatches) and job.train.lengths is not None) is (loading == "on_device")
