"""A preset or data that was changed between two lives of a run is refused where the course would change (R11)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.training.scripted import (
    STOP,
    asked_at,
    build_trainer,
    new_trainer,
)
from workbench.data.samples import InMemory, Lazy, Samples, Task
from workbench.errors import DataError, PresetError
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.training.checkpointing import course
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.course import digests_of
from workbench.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("polling_after_every_step")


def stopped(folder: Path, *assignments: str) -> Trainer:
    """A run that was stopped in its second epoch."""
    trainer = new_trainer(folder, ["training.epochs=3", *assignments], asked_at(9, [STOP]))
    trainer.train()
    assert trainer.stopping
    return trainer


def edit(trainer: Trainer, *assignments: str) -> None:
    Preset.load(trainer.run.preset).override(assignments).save(trainer.run.preset)


REFUSED = {
    "optimizer.learning_rate=0.5": "optimizer.learning_rate was 0.001 and is 0.5 now",
    "optimizer.name=sgd": 'optimizer.name was "adam" and is "sgd" now',
    "data.batch_size=8": "data.batch_size was 16 and is 8 now",
    "training.seed=7": "training.seed was 0 and is 7 now",
    "validation.seed=7": "validation.seed was",
    "validation.fraction=0.3": "validation.fraction was",
    "model.hidden=[9]": "model.hidden was [8] and is [9] now",
    "loss.label_smoothing=0.1": "loss.label_smoothing was",
    "schedule.name=cosine": 'schedule.name was "constant" and is "cosine" now',
    "training.gradient_clip_norm=1.0": "training.gradient_clip_norm was",
    "runtime.precision=bf16": "runtime.precision was",
    "data.normalize=none": "data.normalize was",
}


@pytest.mark.parametrize("assignment", REFUSED)
def test_what_would_change_the_course_is_refused_with_the_way_to_begin_anew(tmp_path: Path, assignment: str) -> None:
    trainer = stopped(tmp_path)
    edit(trainer, assignment)
    with pytest.raises(PresetError) as refused:
        build_trainer(trainer.run).restore()
    assert REFUSED[assignment] in str(refused.value)
    assert f"workbench --preset {trainer.run.preset}" in str(refused.value)


@pytest.mark.parametrize(
    "assignment",
    ["name=other", "description=x", "runtime.data_loading=dataloader", "runtime.num_workers=0", "runtime.engine=eager",
     "runtime.num_threads=1", "runtime.measure=false", "training.checkpoint_seconds=1"],
)  # fmt: skip
def test_what_changes_nothing_that_is_trained_passes_without_a_word(tmp_path: Path, assignment: str) -> None:
    trainer = stopped(tmp_path)
    edit(trainer, assignment)
    again = build_trainer(trainer.run)
    assert again.restore() == []
    again.job.train.close()


def test_more_epochs_are_trained_and_said(tmp_path: Path) -> None:
    trainer = stopped(tmp_path)
    edit(trainer, "training.epochs=5", "training.early_stopping_patience=9")
    again = build_trainer(trainer.run)
    assert again.restore() == [
        "training.epochs was 3 before and is 5 from here on",
        "training.early_stopping_patience was 0 before and is 9 from here on",
    ]
    again.train()
    assert again.state.epoch == 5


def test_a_checkpoint_of_an_older_version_says_nothing_of_this_and_is_resumed(tmp_path: Path) -> None:
    trainer = stopped(tmp_path)
    state = checkpoints.load(trainer.run.last_checkpoint, torch.device("cpu"))
    del state["settings"], state["data"]
    checkpoints.save(trainer.run.last_checkpoint, state)
    assert build_trainer(trainer.run).restore() == []


def test_a_setting_that_the_checkpoint_does_not_know_is_passed_over(tmp_path: Path) -> None:
    trainer = stopped(tmp_path)
    preset = trainer.job.preset
    before = json.loads(course.settings_of(preset))
    del before["training.gradient_clip_norm"]
    assert course.check_settings(json.dumps(before), preset, trainer.run) == []
    for odd in (None, 3, "", "[", "[]", "3", "null", "[[1]]", '"x"'):
        assert course.check_settings(odd, preset, trainer.run) == []


# Data.


def write_table(file: Path, rows: int, turned: int = -1) -> None:
    lines = [f"{row % 7},{row % 5},{'yes' if (row % 2 == 0) != (row == turned) else 'no'}" for row in range(rows)]
    file.write_text("\n".join(["a,b,y", *lines]) + "\n")


@pytest.mark.parametrize(
    ("rows", "turned", "said"),
    [
        (100, -1, "the training data had 120 samples and has 100 now"),
        (130, -1, "the training data had 120 samples and has 130 now"),
        (120, 5, "the targets of the training data have changed"),
    ],
)
def test_a_table_that_was_changed_is_refused(tmp_path: Path, rows: int, turned: int, said: str) -> None:
    """data/REPORT 39: other labels, more rows, fewer rows."""
    file = tmp_path / "d.csv"
    write_table(file, 120)
    trainer = stopped(tmp_path, "data.name=csv", f"data.file={file}", "data.target=y")
    write_table(file, rows, turned)
    with pytest.raises(DataError, match=said):
        build_trainer(trainer.run).restore()
    write_table(file, 120)
    assert build_trainer(trainer.run).restore() == []


def test_data_that_was_moved_but_not_changed_passes(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    write_table(file, 120)
    trainer = stopped(tmp_path, "data.name=csv", f"data.file={file}", "data.target=y")
    moved = file.rename(tmp_path / "moved.csv")
    edit(trainer, f"data.file={moved}")
    assert build_trainer(trainer.run).restore() == []


# Encoding.


def write_tokenizer(file: Path, alphabet: str) -> None:
    """A tokenizer of single characters, with ids in this order."""
    vocabulary = {"<unk>": 0} | {letter: number for number, letter in enumerate(alphabet, 1)}
    model = {"type": "BPE", "vocab": vocabulary, "merges": [], "unk_token": "<unk>"}
    file.write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))


@pytest.fixture
def spelled(tmp_path: Path) -> Trainer:
    """A run on texts whose tokens a file defines."""
    rows = ["text,y", *(f"{'abcd'[row % 4] * (1 + row % 3)}e,{'xz'[row % 2]}" for row in range(120))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    write_tokenizer(tmp_path / "tok.json", "abcde ")
    return stopped(
        tmp_path,
        *("data.name=text_table", f"data.file={tmp_path / 't.csv'}", "data.target=y", "data.tokens=bpe"),
        *(f"data.tokenizer={tmp_path / 'tok.json'}", "model.name=bag_of_embeddings"),
    )


@pytest.mark.parametrize("alphabet", ["bacde ", "abcdef "])
def test_a_tokenizer_file_that_was_changed_is_refused(tmp_path: Path, spelled: Trainer, alphabet: str) -> None:
    """The texts are the same, but the model would get other ids of them."""
    write_tokenizer(tmp_path / "tok.json", alphabet)
    with pytest.raises(DataError, match=r"tokenizer of the encoding 'bpe' is other now. Put back .* data\.tokenizer"):
        build_trainer(spelled.run).restore()
    write_tokenizer(tmp_path / "tok.json", "abcde ")
    assert build_trainer(spelled.run).restore() == []


def test_a_tokenizer_file_that_was_moved_or_laid_out_anew_passes(tmp_path: Path, spelled: Trainer) -> None:
    content = json.loads((tmp_path / "tok.json").read_text())
    (tmp_path / "moved.json").write_text(json.dumps(content, indent=4))
    (tmp_path / "tok.json").unlink()
    edit(spelled, f"data.tokenizer={tmp_path / 'moved.json'}")
    assert build_trainer(spelled.run).restore() == []


def test_a_checkpoint_that_does_not_know_its_encoding_passes(tmp_path: Path, spelled: Trainer) -> None:
    state = checkpoints.load(spelled.run.last_checkpoint, torch.device("cpu"))
    write_tokenizer(tmp_path / "tok.json", "bacde ")
    unknown: list[Any] = [None, {}, {"encoding": {}}, {"encoding": {"name": "bpe", "arguments": {}}}]
    for description in unknown:
        checkpoints.save(spelled.run.last_checkpoint, state | {"description": description})
        assert build_trainer(spelled.run).restore() == []


@pytest.mark.parametrize(
    ("before", "now", "alike"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["b", "a"], False),
        (["a"], ["a", "b"], False),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.1, False),
        (float("nan"), float("nan"), True),
        (torch.zeros(2), torch.full((2,), 1e-9), True),
        (torch.zeros(2), torch.zeros(3), False),
        (True, False, False),
    ],
)
def test_arguments_are_alike_but_for_what_threads_make_of_statistics(before: Any, now: Any, alike: bool) -> None:
    assert course._alike(before, now) is alike


def test_files_of_images_that_are_read_one_by_one_are_known_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.settings.data_choice.IN_MEMORY_FRACTION", 0.0)
    folder = tmp_path / "images"
    for number in range(40):
        file = folder / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number, number, number)).save(file)
    data = ("data.name=image_folder", f"data.folder={folder}", "data.batch_size=4", "runtime.num_workers=0")
    trainer = stopped(tmp_path, *data)
    assert isinstance(trainer.job.samples.train, Lazy)
    file = (folder / "a" / "2.png").rename(folder / "a" / "99.png")
    with pytest.raises(DataError, match="the inputs of the training data have changed"):
        build_trainer(trainer.run).restore()
    file.rename(folder / "a" / "2.png")
    assert build_trainer(trainer.run).restore() == []


def test_the_digest_is_of_the_data_as_it_was_read(tmp_path: Path) -> None:
    """Standardised by another number of threads it may differ in the last bit, and would be refused."""
    file = tmp_path / "d.csv"
    write_table(file, 120)
    table = ("data.name=csv", f"data.file={file}", "data.target=y")
    for settings in (table, ("data.name=digits",)):
        job = new_trainer(tmp_path, settings).job
        assert job.data_digests() == digests_of(job.preset.data.build(lambda _: None))


def samples(**parts: Any) -> Samples:
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(40, 3, generator=generator), torch.arange(40) % 2
    made = Samples(InMemory(inputs, targets), Task("classification", 2, ("a", "b")))
    return replace(made, **parts)


def test_a_digest_tells_values_types_shapes_order_and_names() -> None:
    made = samples()
    train = made.train
    assert isinstance(train, InMemory)
    digests = [
        digests_of(other)
        for other in (
            made,
            samples(train=InMemory(train.inputs.double(), train.targets)),
            samples(train=InMemory(train.inputs.reshape(40, 1, 3), train.targets)),
            samples(train=InMemory(train.inputs.flip(0), train.targets)),
            samples(train=InMemory(train.inputs.roll(1, 0), train.targets.roll(1, 0))),
            samples(train=InMemory(train.inputs.nextafter(torch.tensor(9.0)), train.targets)),
            samples(task=Task("classification", 2, ("b", "a"))),
            samples(test=train),
        )
    ]
    assert digests[0] == digests_of(samples())
    assert all(one != other for index, one in enumerate(digests) for other in digests[:index])


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.bfloat16, torch.float64, torch.int64])
def test_tensors_of_any_type_and_none_have_a_digest(dtype: torch.dtype) -> None:
    assert course._digest(torch.eye(3).to_sparse()) == ""
    for shape in ((0, 3), (5,), (2, 3)):
        found = course._digest(torch.zeros(shape, dtype=dtype))
        assert found == course._digest(torch.zeros(shape, dtype=dtype))


def test_of_large_tensors_blocks_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "BLOCK_BYTES", 8)
    monkeypatch.setattr(course, "MOST_BLOCKS", 4)
    values = torch.arange(1000, dtype=torch.uint8)
    found = course._digest(values)
    for index in (0, 999):
        other = values.clone()
        other[index] += 1
        assert course._digest(other) != found


class Named:
    """A data set of files that is read one by one; reading one would fail."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        raise AssertionError("a sample was read")


def test_of_samples_read_one_by_one_the_names_and_labels_tell() -> None:
    def lazy(names: list[str], *labels: int) -> Samples:
        return samples(train=Lazy(Named(names), torch.tensor(labels)))

    same = [digests_of(lazy(["a/1", "b/2"], 0, 1)) for _ in range(2)]
    assert same[0] == same[1]
    assert digests_of(lazy(["a/1", "b/3"], 0, 1)) != same[0]
    assert digests_of(lazy(["a/1", "b/2"], 1, 0)) != same[0]
    unknown = samples(train=Lazy(np.zeros(3)))  # any other data set
    assert digests_of(unknown)["training"]["inputs"] == ""
    named_otherwise = Named([])
    named_otherwise.names = {0: "zero"}  # type: ignore[assignment]  # a user's own, of whatever kind
    assert digests_of(samples(train=Lazy(named_otherwise)))["training"]["inputs"] == ""


def test_settings_saved_under_old_names_and_values_are_no_change(tmp_path: Path) -> None:
    """A checkpoint of a version that had other names: its course is the same, and what did change is refused."""
    assignments = ["schedule.name=step", "training.gradient_clip_norm=0.5", "runtime.engine=cuda_graph"]
    preset = Preset().override(assignments)
    old = {"training.gradient_clip_norm": "training.clip_norm", "schedule.step_size": "schedule.every"}
    saved = {old.get(path, path): value for path, value in preset.flat().items()} | {"runtime.engine": "graph"}
    run = RunDirectory(tmp_path)
    assert course.check_settings(json.dumps(saved), preset, run) == []
    with pytest.raises(PresetError, match=r"training\.gradient_clip_norm was 0\.5 and is 2\.0 now"):
        course.check_settings(json.dumps(saved), preset.override(["training.gradient_clip_norm=2.0"]), run)
