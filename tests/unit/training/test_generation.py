"""What a language model writes after each epoch: drawn as the settings say, and without any effect on training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from tests.unit.training.conftest import events_of
from tests.unit.training.test_language_models import DATA, GRU, LENGTH, TRANSFORMER, VOCABULARY, Functions, texts
from tests.unit.training.test_language_models import make_trainer as make_trainer
from workbench.data.encoding import Encoding
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.tokens import PAD, UNKNOWN
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd, Steps, TextGenerated
from workbench.runs.writer import EventWriter
from workbench.settings.generation import ContinuedText
from workbench.training import generation
from workbench.training.generation import TextSampler, choose
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

LETTERS = "?!abcdefghij"


class Letters(Encoding):
    """Ids are letters; what the source gives are ids already."""

    name: ClassVar[str] = "letters"

    @property
    def vocabulary_size(self) -> int:
        return VOCABULARY

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs

    def arguments(self) -> dict[str, Any]:
        return {}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [[LETTERS.index(letter) for letter in text] for text in texts]

    def text(self, ids: Iterable[int]) -> str:
        return "".join(LETTERS[number] for number in ids)


def alphabet() -> Samples:
    """The letters from a to j, again and again."""
    ids = 2 + (torch.arange(40).unsqueeze(1) + torch.arange(LENGTH + 1)) % 10
    samples = InMemory(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
    return Samples(samples, Task("language_modeling", VOCABULARY), fit_encoding=lambda _: Letters())


def with_settings(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Lets sources that have no settings of samples use these."""
    monkeypatch.setattr(generation, "settings_of", lambda preset: ContinuedText(**settings))


SCORES = torch.tensor([9.0, 9.0, 1.0, 3.0, 2.0, -1.0])
"""The highest are those of padding and unknown."""


def drawn(scores: Tensor, temperature: float, top_k: int, count: int = 2000) -> Tensor:
    """How often each token is drawn, as a fraction."""
    generator = torch.Generator().manual_seed(0)
    found = [choose(scores, temperature, top_k, generator) for _ in range(count)]
    return torch.bincount(torch.tensor([token for token in found if token is not None]), minlength=6) / count


def test_tokens_are_drawn_by_their_probabilities() -> None:
    for temperature in (0.5, 1.0, 2.0):
        expected = torch.cat([torch.zeros(2), (SCORES[2:] / temperature).softmax(0)])
        torch.testing.assert_close(drawn(SCORES, temperature, 0), expected, rtol=0, atol=0.04)


def test_top_k_draws_among_the_likeliest() -> None:
    expected = torch.zeros(6)
    expected[3:5] = SCORES[3:5].softmax(0)
    torch.testing.assert_close(drawn(SCORES, 1.0, 2), expected, rtol=0, atol=0.04)
    assert drawn(SCORES, 1.0, 1, 20)[3] == 1.0
    torch.testing.assert_close(drawn(SCORES, 1.0, 100), drawn(SCORES, 1.0, 0))


def test_without_temperature_the_likeliest_token_is_taken() -> None:
    assert drawn(SCORES, 0.0, 0, 20)[3] == 1.0
    assert drawn(SCORES, 1e-6, 0, 20)[3] == 1.0


def test_scores_that_are_no_numbers_end_a_text() -> None:
    generator = torch.Generator().manual_seed(0)
    assert choose(torch.full((6,), torch.nan), 1.0, 0, generator) is None
    assert choose(torch.tensor([1.0, 1.0]), 1.0, 0, generator) is None  # nothing but padding and unknown


def written(trainer: Trainer) -> list[TextGenerated]:
    return [event for event in events_of(trainer) if isinstance(event, TextGenerated)]


FAST = ["optimizer.learning_rate=0.02", "training.epochs=12", "data.batch_size=8", "model.dropout=0.0"]


@pytest.mark.parametrize("model", [TRANSFORMER, GRU], ids=["transformer", "gru"])
def test_a_model_writes_what_it_has_learned(
    model: list[str],
    make_trainer: Callable[..., Trainer],
    user_functions: Functions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Longer than its context of ten letters, too."""
    user_functions["mine:data"] = alphabet
    with_settings(monkeypatch, sample_tokens=25, temperature=0.0, prompt="cdefgh")
    trainer = make_trainer(*DATA, *model, *FAST)
    trainer.train()
    events = events_of(trainer)
    texts = written(trainer)
    assert [event.epoch for event in texts] == list(range(1, 13))
    assert texts[-1].prompt == "cdefgh"
    assert texts[-1].text == ("ijabcdefgh" * 3)[:25]
    assert all(isinstance(events[events.index(text) - 1], EpochEnd) for text in texts)


def test_without_a_prompt_it_begins_with_the_training_texts_first_token(
    make_trainer: Callable[..., Trainer], user_functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_functions["mine:data"] = alphabet
    with_settings(monkeypatch, sample_tokens=5)
    trainer = make_trainer(*DATA, *GRU)
    sampler = TextSampler.of(trainer.job)
    assert sampler is not None
    event = sampler.sample(7, 3)
    assert (event.step, event.epoch, len(event.text)) == (7, 3, 5)
    assert event.prompt == LETTERS[int(trainer.job.sample[0][0])]
    assert not {LETTERS[PAD], LETTERS[UNKNOWN]} & set(event.text)
    again, later = sampler.sample(7, 3), sampler.sample(8, 4)
    assert (again.text, trainer.job.model.training) == (event.text, True)
    assert later.text != event.text


def test_training_gives_the_same_bits_with_and_without_samples(
    make_trainer: Callable[..., Trainer], user_functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout, which draws from the generator that samples must not touch."""
    user_functions["mine:data"] = alphabet
    found = []
    for tokens in (0, 30):
        with_settings(monkeypatch, sample_tokens=tokens)
        trainer = make_trainer(*DATA, *TRANSFORMER, "model.dropout=0.3", "training.epochs=3")
        trainer.train()
        losses = [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]
        found.append((losses, [parameter.clone() for parameter in trainer.job.model.parameters()]))
        assert len(written(trainer)) == (3 if tokens else 0)
    assert found[0][0] == found[1][0]
    assert all(torch.equal(*pair) for pair in zip(found[0][1], found[1][1], strict=True))


def test_a_trial_of_a_study_writes_nothing(
    make_trainer: Callable[..., Trainer], user_functions: Functions, tmp_path: Path
) -> None:
    user_functions["mine:data"] = alphabet
    job = make_trainer(*DATA, *GRU, "training.epochs=1").job
    for study in (None, "a-study"):
        run = create_run(tmp_path, "trial", job.preset.to_toml(), study=study)
        trainer = Trainer(build_job(job.preset, lambda _: None), run, EventWriter(run.events), Inbox(run))
        trainer.train()
        assert len(written(trainer)) == (study is None)


def test_a_text_that_takes_too_long_is_cut(
    make_trainer: Callable[..., Trainer], user_functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_functions["mine:data"] = alphabet
    monkeypatch.setattr(generation, "MOST_SECONDS", 0.0)
    sampler = TextSampler.of(make_trainer(*DATA, *GRU).job)
    assert sampler is not None
    assert sampler.sample(1, 1).text == ""


def test_nothing_is_written_without_a_text_for_the_ids(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = texts
    assert TextSampler.of(make_trainer(*DATA, *GRU).job) is None


@pytest.mark.parametrize(
    ("tokens", "prompt", "named"),
    [
        ("characters", "the cat", ""),
        ("bytes", "日本 ü", ""),
        ("characters", "日 cat ü 日\x1b", r"'日', 'ü', '\x1b'"),
        ("words", "the bird sat", "'bird'"),
        ("words", f"{'x' * 60} cat", f"'{'x' * 23}…'"),
        ("characters", "0123456789!", "'0', '1', '2', '3', '4', '5', '6', '7' and 3 more"),
    ],
)
def test_what_a_prompt_has_that_the_vocabulary_lacks_is_said_once(
    tokens: str, prompt: str, named: str, make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("the cat sat on the mat\n" * 60)
    source = ["data.name=text_file", f"data.file={tmp_path / 'long.txt'}", f"data.tokens={tokens}", "data.context=8"]
    trainer = make_trainer(*DATA[2:], *source, *GRU, f"data.prompt={prompt}")
    expected = f"unknown: {named}; choose a prompt of what the training text contains"
    notes = [note for note in trainer.job.notes if "data.prompt" in note]
    assert len(notes) == bool(named)
    assert all(note.endswith(expected) for note in notes)
    silent = make_trainer(*DATA[2:], *source, *GRU, f"data.prompt={prompt}", "data.sample_tokens=0")
    [note] = [note for note in silent.job.notes if "data.prompt" in note]
    assert note.endswith("has no effect here: only with sample tokens")
