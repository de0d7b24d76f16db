"""The contract of every choice of the family `data`; a new one needs an example in `examples.py` and nothing here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.unit.data.examples import EXAMPLES, choice_of, settings_of
from workbench.data.encoding import Encoding
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.inputs import tensors_of
from workbench.data.samples import InMemory, Lazy, NamedInMemory, Samples, Split, Texts
from workbench.settings.data import DATA
from workbench.settings.loss import losses_for
from workbench.settings.preset import Preset
from workbench.training.prepared_data import PreparedData, prepare

IDS = torch.int64


def test_every_choice_has_an_example() -> None:
    assert set(EXAMPLES) == set(DATA.labels), "add an entry to EXAMPLES in tests/unit/data/examples.py"


@pytest.fixture(params=DATA.labels)
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if request.param not in EXAMPLES:
        pytest.fail("no example")
    return settings_of(request.param, tmp_path, monkeypatch)


def read(settings: dict[str, Any]) -> Samples:
    return choice_of(settings).build(lambda progress: None)


def preset_of(settings: dict[str, Any], samples: Samples) -> Preset:
    return Preset.from_mapping(
        {"data": settings, "loss": {"name": losses_for(samples.task.kind)[0]}, "runtime": {"device": "cpu"}}, "a test"
    )


def splits_of(samples: Samples) -> Iterator[tuple[str, Split]]:
    for name, split in (("train", samples.train), ("validation", samples.validation), ("test", samples.test)):
        if split is not None:
            yield name, split


def contents(split: Split) -> list[Any]:
    if isinstance(split, Texts):
        return list(split.texts)
    if isinstance(split, InMemory):
        return [split.inputs]
    return [tensor for index in range(len(split)) for tensor in tensors_of(split[index][0])]


def same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)


def test_a_second_reading_gives_the_same(settings: dict[str, Any]) -> None:
    first, second = read(settings), read(settings)
    assert (first.task, first.notes, first.columns) == (second.task, second.notes, second.columns)
    for (name, one), (other_name, other) in zip(splits_of(first), splits_of(second), strict=True):
        assert name == other_name
        assert all(map(same, contents(one), contents(other)))
        assert one.targets is not None
        assert other.targets is not None
        assert torch.equal(one.targets, other.targets)


def test_targets_fit_the_task_and_the_setting(settings: dict[str, Any]) -> None:
    samples = read(settings)
    task = samples.task
    assert choice_of(settings).predicts in (None, task.kind)
    for _, split in splits_of(samples):
        targets = split.targets
        assert targets is not None
        assert len(targets) == len(split)
        if task.kind == "regression":
            assert targets.is_floating_point()
            assert targets.shape[1:] == (task.outputs,)
            continue
        assert targets.dtype == torch.int64
        assert int(targets.min()) >= 0
        assert int(targets.max()) < task.outputs
        assert targets.dim() == (2 if task.kind == "language_modeling" else 1)
    if task.kind == "classification":
        assert len(task.classes) == task.outputs
        assert samples.train.targets is not None
        assert set(samples.train.targets.tolist()) == set(range(task.outputs))
    assert samples.groups is None or samples.groups.shape == (len(samples.train),)


def test_no_sample_is_in_two_splits_and_none_is_lost(settings: dict[str, Any]) -> None:
    samples = read(settings)
    counted: dict[str, Split] = {}
    start = 0
    for name, split in splits_of(samples):
        numbers = torch.arange(start, start + len(split))
        assert split.targets is not None
        counted[name] = InMemory(numbers, split.targets)
        start += len(split)
    numbered = replace(samples, **counted)  # type: ignore[arg-type]
    splits = preset_of(settings, samples).validation.build(numbered)
    found = []
    for part in (splits.train, splits.validation, splits.test):
        assert isinstance(part, InMemory)
        found.append(set(part.inputs.tolist()))
    train, validation, test = found
    assert not train & validation
    assert not train & test
    assert not validation & test
    own = set(range(len(samples.train)))
    assert own <= train | validation | test
    if samples.test is not None:
        assert len(test) == len(samples.test)
    if samples.groups is not None:
        groups = [{int(samples.groups[number]) for number in numbers & own} for numbers in found]
        assert not groups[0] & groups[1]
        assert not groups[0] & groups[2]


def prepared(settings: dict[str, Any]) -> tuple[PreparedData, Split]:
    """The prepared data, and its raw training split."""
    samples = read(settings)
    preset = preset_of(settings, samples)
    return prepare(preset, lambda progress: None), preset.validation.build(samples).train


def raw_batch(split: Split, data: PreparedData, rows: range) -> Any:
    """Raw samples, as a checkpoint's encoding gets them."""
    if isinstance(split, Texts):
        return [split.texts[row] for row in rows]
    inputs = [split[row][0] for row in rows]
    if isinstance(inputs[0], Tensor):
        return torch.stack(inputs)
    assert isinstance(split, Lazy | NamedInMemory)
    return {name: torch.stack([each[name] for each in inputs]) for name in inputs[0]}


def encoded(encoding: Encoding, raw: Any) -> list[Tensor]:
    return tensors_of(encoding(raw))


def test_model_input_is_finite_and_of_one_shape_in_all_splits(settings: dict[str, Any]) -> None:
    data, _ = prepared(settings)
    expected = [(tensor.shape[1:], tensor.dtype) for tensor in tensors_of(data.example)]
    for split in (data.splits.train, data.splits.validation, data.splits.test):
        assert split is not None
        assert len(split) > 0
        made = encoded(data.batch_encoding, raw_batch(split, data, range(min(len(split), 64))))
        assert [(tensor.shape[1:], tensor.dtype) for tensor in made] == expected
        for tensor in made:
            assert bool(tensor.isfinite().all())
            if data.vocabulary is not None:
                assert tensor.dtype == IDS
                assert int(tensor.min()) >= 0
                assert int(tensor.max()) < data.vocabulary


def test_what_a_checkpoint_holds_encodes_raw_samples_as_in_training(settings: dict[str, Any]) -> None:
    data, raw = prepared(settings)
    restored = restored_encoding(saved_encoding(data.encoding))
    rows = range(min(len(raw), 16))
    in_training = encoded(data.batch_encoding, raw_batch(data.splits.train, data, rows))
    for found, expected in zip(encoded(restored, raw_batch(raw, data, rows)), in_training, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert restored.vocabulary_size == data.encoding.vocabulary_size
    # Each sample alone gives what it gives among others.
    for row in range(0, len(rows), 5):
        for alone, among in zip(encoded(restored, raw_batch(raw, data, range(row, row + 1))), in_training, strict=True):
            torch.testing.assert_close(alone[0], among[row], rtol=0, atol=1e-5)


def test_the_digests_of_the_same_data_are_the_same(settings: dict[str, Any]) -> None:
    (one, _), (other, _) = prepared(settings), prepared(settings)
    assert one.digests() == other.digests()
    assert one.notes == other.notes
