"""Language models: what they are trained on, measured by and refused for, whichever engine runs them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.unit.training.conftest import events_of
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.tokens import PAD
from workbench.errors import PresetError
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd, Steps, TestResult
from workbench.runs.writer import EventWriter
from workbench.settings.loss import IGNORED
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.epoch_order import epoch_order
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.memory.estimate import expected_memory
from workbench.training.prepared_data import prepare
from workbench.training.trainer import Trainer

VOCABULARY, LENGTH, TEXTS = 12, 10, 80

Functions = dict[str, Callable[..., Any]]


def texts(*, padded: bool = False, bytes_per_token: float | None = 1.0) -> Samples:
    """Texts in which each token is the last one and 1, or sometimes any other; the later half are short if padded."""
    generator = torch.Generator().manual_seed(4)
    first = torch.randint(2, VOCABULARY, (TEXTS, 1), generator=generator)
    ids = 2 + (first + torch.arange(LENGTH + 1)) % (VOCABULARY - 2)
    noise = torch.rand(ids.shape, generator=generator) < 0.1
    ids[noise] = torch.randint(2, VOCABULARY, (int(noise.sum()),), generator=generator)
    if padded:
        ids[TEXTS // 2 :, LENGTH // 2 :] = PAD
    task = Task("language_modeling", VOCABULARY, bytes_per_token=bytes_per_token)
    return Samples(InMemory(ids[:, :-1].contiguous(), ids[:, 1:].contiguous()), task)


DATA = ["data.name=module", "data.function=mine:data", "data.batch_size=16", "runtime.device=cpu", "training.epochs=2"]
LANGUAGE = [*DATA, "optimizer.learning_rate=0.01"]
TRANSFORMER = ["model.name=transformer", "model.width=16", "model.heads=2", "model.layers=1", "model.feed_forward=32"]
WITHOUT_DROPOUT = [*TRANSFORMER, "model.dropout=0.0"]
GRU = ["model.name=gru", "model.width=8", "model.state=16", "model.hidden=0"]
LSTM = ["model.name=lstm", *GRU[1:]]


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Makes a trainer of what the assignments say, in a run directory of its own."""

    def make(*assignments: str) -> Trainer:
        preset = Preset().override(assignments)
        run = create_run(tmp_path, preset.name, preset.to_toml())
        return Trainer(build_job(preset, lambda progress: None), run, EventWriter(run.events), Inbox(run))

    return make


def steps_of(trainer: Trainer) -> list[float]:
    trainer.train()
    return [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]


def one_of(trainer: Trainer, kind: type[Any]) -> Any:
    return [event for event in events_of(trainer) if isinstance(event, kind)][-1]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("model", [WITHOUT_DROPOUT, GRU], ids=["transformer", "gru"])
def test_it_trains_as_a_hand_written_loop_does(
    padded: bool, model: Sequence[str], make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = lambda: texts(padded=padded)
    trainer = make_trainer(*LANGUAGE, *model, "runtime.engine=eager")
    job = trainer.job
    train = job.train.samples  # type: ignore[attr-defined]
    assert bool((train.targets == IGNORED).any()) is padded
    assert not bool((train.targets == PAD).any())
    by_hand = make_trainer(*LANGUAGE, *model, "runtime.engine=eager").job.model
    orders = [epoch_order(job, epoch).split(16) for epoch in range(2)]
    found = steps_of(trainer)

    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.01)
    expected = []
    for epoch, batches in enumerate(orders):
        right = tokens = 0
        for indices in batches:
            ids, targets = train.inputs[indices], train.targets[indices]
            optimizer.zero_grad()
            scores = by_hand(ids).permute(0, 2, 1).reshape(-1, VOCABULARY)
            loss = F.cross_entropy(scores, targets.reshape(-1), ignore_index=-100)
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
            right += int((scores.argmax(1) == targets.reshape(-1)).sum())
            tokens += int((targets != -100).sum())
        ends = [event for event in events_of(trainer) if isinstance(event, EpochEnd)]
        assert ends[epoch].train["token_accuracy"] == pytest.approx(right / tokens)
    assert found == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("model", [TRANSFORMER, WITHOUT_DROPOUT, GRU], ids=" ".join)
def test_traced_steps_give_the_losses_of_eager_ones(
    model: Sequence[str], make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = lambda: texts(padded=True)
    expected = steps_of(make_trainer(*LANGUAGE, *model, "runtime.engine=eager"))
    traced = make_trainer(*LANGUAGE, *model, "runtime.engine=traced")
    assert traced.engine.name == "traced"
    assert steps_of(traced) == pytest.approx(expected, rel=1e-3)


def test_samples_that_a_loader_reads_give_the_same_losses(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = lambda: texts(padded=True)
    resident = make_trainer(*LANGUAGE, *WITHOUT_DROPOUT)
    read = make_trainer(*LANGUAGE, *WITHOUT_DROPOUT, "runtime.data_loading=dataloader", "runtime.num_workers=0")
    assert (read.job.train.name, resident.job.train.name) == ("dataloader", "on_device")
    assert steps_of(read) == pytest.approx(steps_of(resident), rel=1e-5)
    assert resident.job.validation is not None
    assert resident.job.validation.batch_size == 16  # not four times as many: each token has scores
    assert one_of(read, TestResult).metrics == pytest.approx(one_of(resident, TestResult).metrics, rel=1e-4)


def test_recurrent_networks_are_not_traced_on_the_cpu_unless_that_is_asked_for(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    """A trace of hundreds of steps takes a minute to make, for each length. An LSTM of oneDNN cannot be traced."""
    user_functions["mine:data"] = texts
    for model in (GRU, LSTM):
        choice = make_trainer(*LANGUAGE, *model).engine_choice
        assert (choice.engine.name, choice.reason[:32]) == ("eager", "a trace of a recurrent network h")
    with pytest.raises(PresetError, match='engine = "traced", but the LSTM of oneDNN keeps a workspace for each call'):
        make_trainer(*LANGUAGE, *LSTM, "runtime.engine=traced")
    losses = steps_of(make_trainer(*LANGUAGE, *LSTM))
    assert losses[-1] < losses[0]


def test_metrics_are_those_of_the_tokens_that_are_no_padding(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = lambda: texts(padded=True, bytes_per_token=1.5)
    trainer = make_trainer(*LANGUAGE, *TRANSFORMER, "training.keep_best=false")
    trainer.train()
    job = trainer.job
    assert (job.task.kind, job.monitor.name, job.class_counts) == ("language_modeling", "loss", None)
    assert job.learns == f"the next of {VOCABULARY} tokens"
    assert job.test is not None
    batch = job.test.samples  # type: ignore[attr-defined]
    with torch.no_grad():
        scores = job.model.eval()(batch.inputs).double().permute(0, 2, 1)
    kept = batch.targets != IGNORED
    loss = float(F.cross_entropy(scores[kept], batch.targets[kept]))
    tested = one_of(trainer, TestResult).metrics
    assert tested["loss"] == pytest.approx(loss, rel=1e-5)
    assert tested["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert tested["bits_per_byte"] == pytest.approx(loss / math.log(2) / 1.5, rel=1e-5)
    right = (scores.argmax(2) == batch.targets)[kept]
    assert tested["token_accuracy"] == pytest.approx(float(right.double().mean()))
    assert set(tested) == {"loss", "perplexity", "bits_per_byte", "token_accuracy"}


def test_bits_per_byte_are_absent_where_the_bytes_of_a_token_are_not_known(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = lambda: texts(bytes_per_token=None)
    trainer = make_trainer(*LANGUAGE, *TRANSFORMER, "training.epochs=1")
    trainer.train()
    assert one_of(trainer, TestResult).metrics["bits_per_byte"] is None


def test_windows_that_are_drawn_at_random_are_said(user_functions: Functions) -> None:
    """What a function of the user's own gives may be texts of their own, or windows of one."""
    user_functions["mine:data"] = texts
    drawn = prepare(Preset().override([*LANGUAGE, *GRU]), lambda _: None)
    assert any("drawn at random" in note and "is_one_text = True" in note for note in drawn.notes)
    read = texts()
    user_functions["mine:data"] = lambda: replace(read, validation=read.train, is_one_text=True)
    parts = prepare(Preset().override([*LANGUAGE, *GRU]), lambda _: None)
    assert (len(parts.splits.train), parts.splits.test) == (TEXTS, None)
    assert not any("drawn at random" in note for note in parts.notes)


def test_a_checkpoint_continues_texts(make_trainer: Callable[..., Trainer], user_functions: Functions) -> None:
    user_functions["mine:data"] = texts
    trainer = make_trainer(*LANGUAGE, *TRANSFORMER)
    trainer.train()
    trained = TrainedModel.load(trainer.run.last_checkpoint)
    batch = trainer.job.test.samples  # type: ignore[union-attr]
    probabilities = trained(batch.inputs)
    assert probabilities.shape == (len(batch), VOCABULARY, LENGTH)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(batch), LENGTH))
    torch.testing.assert_close(probabilities, trainer.job.model.eval()(batch.inputs).softmax(1))


def test_memory_is_estimated(make_trainer: Callable[..., Trainer], user_functions: Functions) -> None:
    user_functions["mine:data"] = texts
    expected = expected_memory(make_trainer(*LANGUAGE, *TRANSFORMER).job)
    assert expected.reason == ""
    assert expected.peak_bytes is not None
    assert expected.peak_bytes > 16 * VOCABULARY * LENGTH * 4


REFUSED = {
    "a loss for classes": ([*GRU, "loss.name=kl_divergence"], "has tokens to predict .*these do: cross_entropy"),
    "class weights": ([*GRU, "loss.class_weights=balanced"], r'loss\.class_weights .* set it to "equal"'),
    "folds": (
        [*GRU, "validation.method=k_fold", "validation.folds=2"],
        'scores of all samples.*choose "predefined", or "holdout" where the data is not one long text',
    ),
    "an accuracy of classes": ([*GRU, "training.monitor=f1_macro"], "these do: loss, token_accuracy, perplexity, bits"),
    "a model of rows": (["model.name=mlp"], "'mlp' does not fit texts to be continued; these do: gru, lstm, transform"),
    "a model that cannot": (["model.name=text_cnn"], "'text_cnn' does not fit texts to be continued; these do: gru"),
}


@pytest.mark.parametrize(("settings", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_a_language_model_is_refused(
    settings: list[str], problem: str, make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = texts
    with pytest.raises(PresetError, match=problem):
        make_trainer(*LANGUAGE, *settings)


class OwnModel(nn.Module):
    """A bigram model of the user's own; `by_token` says whether it answers as it must."""

    def __init__(self, *, by_token: bool) -> None:
        super().__init__()
        self.table, self.by_token = nn.Embedding(VOCABULARY, VOCABULARY), by_token

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.table(ids)
        return scores.transpose(1, 2) if self.by_token else scores.mean(1)


def test_a_model_of_ones_own_answers_for_each_token(
    make_trainer: Callable[..., Trainer], user_functions: Functions
) -> None:
    user_functions["mine:data"] = texts
    own = [*DATA, "model.name=module", "model.function=mine:model", "optimizer.learning_rate=0.1"]
    user_functions["mine:model"] = lambda inputs, outputs, activation: OwnModel(by_token=True)
    trainer = make_trainer(*own)
    losses = steps_of(trainer)
    assert losses[-1] < losses[0]
    user_functions["mine:model"] = lambda inputs, outputs, activation: OwnModel(by_token=False)
    with pytest.raises(Exception, match=rf"scores of shape \(2, {VOCABULARY}, {LENGTH}\)"):
        make_trainer(*own)


def test_nothing_of_the_data_is_changed_by_marking_padding(user_functions: Functions) -> None:
    read = texts(padded=True)
    user_functions["mine:data"] = lambda: read
    prepared = prepare(Preset().override([*LANGUAGE, *GRU]), lambda _: None)
    assert int((read.train.targets == PAD).sum()) == TEXTS // 2 * (LENGTH // 2 + 1)  # type: ignore[union-attr]
    targets = prepared.splits.train.targets
    assert targets is not None
    assert prepared.targets_per_sample == pytest.approx(int((targets != IGNORED).sum()) / len(targets))
    assert prepared.vocabulary == VOCABULARY
