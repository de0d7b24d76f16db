"""The contract of every choice of the family `model`, at its defaults; a new choice need not be named here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from workbench.data.tokens import PAD, UNKNOWN
from workbench.errors import PresetError
from workbench.settings.activation import ACTIVATIONS, ActivationChoice, Gelu
from workbench.settings.model import MODELS, ModuleModel
from workbench.settings.model_choice import ModelChoice
from workbench.settings.text_model import TokenModel

OUTPUTS, LENGTH, VOCABULARY = 5, 12, 40
SHAPES: tuple[tuple[int, ...], ...] = ((6,), (3, 32, 32), (1, 40, 32), (1, 2000))
"""Samples that a model may take: a row of a table, a picture, a spectrogram, a waveform."""


def own_model(inputs: tuple[int, ...], outputs: int, activation: Callable[[], nn.Module]) -> nn.Module:
    """What stands for a model of the user's own."""
    features = int(torch.tensor(inputs).prod())
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 8), activation(), nn.Linear(8, outputs))


@pytest.fixture(autouse=True)
def _own_model_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.settings.code.call", lambda name, *arguments, **named: own_model(*arguments))


def choice_of(label: str) -> ModelChoice:
    choice = MODELS.choice(label)
    assert choice is not None
    made = choice(function="mine:model") if choice is ModuleModel else choice()
    assert isinstance(made, ModelChoice)
    return made


def built(label: str, kind: str, activation: ActivationChoice | None = None) -> nn.Module:
    """The network for one kind of samples: ids, ids to be continued, or numbers of a shape. Raises PresetError."""
    choice, activation = choice_of(label), activation or Gelu()
    torch.manual_seed(0)
    if kind in ("ids", "causal"):
        assert isinstance(choice, TokenModel)
        outputs = VOCABULARY if kind == "causal" else OUTPUTS
        return choice.build_for_ids(LENGTH, VOCABULARY, outputs, activation, causal=kind == "causal")
    return choice.build(SHAPES[int(kind)], OUTPUTS, activation)


@cache
def kinds_of(label: str) -> tuple[str, ...]:
    """The kinds of samples that a model takes."""
    choice = choice_of(label)
    kinds = ["ids", *["causal"] * choice.can_be_causal] if isinstance(choice, TokenModel) else []
    for number in range(len(SHAPES)):
        try:
            built(label, str(number))
        except PresetError:
            continue
        kinds.append(str(number))
    return tuple(kinds)


def samples(kind: str) -> Tensor:
    """Four of them."""
    generator = torch.Generator().manual_seed(1)
    if kind not in ("ids", "causal"):
        return torch.randn(4, *SHAPES[int(kind)], generator=generator)
    ids = torch.randint(UNKNOWN, VOCABULARY, (4, LENGTH), generator=generator)
    ids[1, 5:] = PAD
    ids[3, 1:] = PAD
    return ids


@pytest.fixture(params=MODELS.labels)
def label(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_takes_some_kind_of_samples_and_refuses_the_others_with_advice(label: str) -> None:
    kinds = kinds_of(label)
    assert kinds
    for number in sorted(set(map(str, range(len(SHAPES)))) - set(kinds)):
        with pytest.raises(PresetError, match=r"= '.*choose (model\.name|data\.encoding)|at least .* pixels"):
            built(label, number)


def test_scores_have_the_right_shape(label: str) -> None:
    for kind in kinds_of(label):
        expected = (VOCABULARY, LENGTH) if kind == "causal" else (OUTPUTS,)
        model = built(label, kind)
        for scores in (model.train()(samples(kind)), model.eval()(samples(kind)), model(samples(kind)[:1])):
            assert scores.shape[1:] == expected
            assert bool(scores.isfinite().all())


def test_gradients_reach_every_parameter(label: str) -> None:
    for kind in kinds_of(label):
        model = built(label, kind).train()
        torch.manual_seed(2)
        scores = model(samples(kind))
        scores.backward(torch.randn_like(scores))
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, (kind, name)
            assert bool(parameter.grad.isfinite().all()), (kind, name)
            assert bool(parameter.grad.any()), (kind, name)


def test_copies_give_the_same_scores(label: str) -> None:
    for kind in kinds_of(label):
        model, x = built(label, kind), samples(kind)
        model.train()(x)  # moves the running means away from where they start
        expected = model.eval()(x)
        restored = built(label, kind).eval()
        for parameter in restored.parameters():
            nn.init.zeros_(parameter)
        restored.load_state_dict(model.state_dict())
        for twin in (copy.deepcopy(model), restored, model):
            torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)


def test_it_computes_in_low_precision(label: str) -> None:
    for kind in kinds_of(label):
        model, x = built(label, kind).eval(), samples(kind)
        with torch.no_grad():
            expected = model(x)
            with torch.autocast("cpu", torch.bfloat16):
                scores = model(x).float()
        torch.testing.assert_close(scores, expected, rtol=0.1, atol=0.05 * float(expected.abs().max()))


def test_a_sample_is_judged_alone(label: str) -> None:
    """In evaluation mode, whatever other samples are in its batch."""
    for kind in kinds_of(label):
        model, x = built(label, kind).eval(), samples(kind)
        together = model(x)
        for number in range(len(x)):
            torch.testing.assert_close(model(x[number : number + 1])[0], together[number], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS.labels)
@pytest.mark.parametrize("label", [label for label in MODELS.labels if label != "torchvision"])  # which has its own
def test_no_activation_makes_samples_depend_on_each_other(label: str, activation: str) -> None:
    """Softmax goes across dimension 1, which must be the features."""
    choice = ACTIVATIONS.choice(activation)
    assert choice is not None
    made = choice()
    assert isinstance(made, ActivationChoice)
    for kind in kinds_of(label):
        model, x = built(label, kind, made).eval(), samples(kind)
        torch.testing.assert_close(model(x[:1])[0], model(x)[0], rtol=1e-4, atol=1e-5)
        if kind == "causal":
            torch.testing.assert_close(model(x[:, :4]), model(x)[:, :, :4], rtol=1e-4, atol=1e-5)


TOKEN_MODELS = [label for label in MODELS.labels if issubclass(MODELS.choice(label) or object, TokenModel)]


def test_there_are_models_for_texts_and_for_texts_to_be_continued() -> None:
    assert TOKEN_MODELS == ["bag_of_embeddings", "text_cnn", "gru", "lstm", "transformer"]
    assert [label for label in TOKEN_MODELS if "causal" in kinds_of(label)] == ["gru", "lstm", "transformer"]


@pytest.mark.parametrize("label", TOKEN_MODELS)
def test_padding_changes_nothing(label: str) -> None:
    """The same text gets the same scores however much padding follows it."""
    for kind in ("ids", *(["causal"] if "causal" in kinds_of(label) else [])):
        model = built(label, kind).eval()
        text = torch.randint(UNKNOWN, VOCABULARY, (3, 5), generator=torch.Generator().manual_seed(3))
        padded = torch.cat([text, torch.full((3, LENGTH - 5), PAD)], dim=1)
        assert padded.shape == (3, LENGTH)
        found = model(padded)
        torch.testing.assert_close(found[:, :, :5] if kind == "causal" else found, model(text), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("label", TOKEN_MODELS)
def test_a_text_without_any_token_has_scores(label: str) -> None:
    empty = torch.full((2, LENGTH), PAD)
    model = built(label, "ids").train()
    scores = model(empty)
    scores.sum().backward()
    assert bool(scores.isfinite().all())
    assert all(parameter.grad is None or bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


@pytest.mark.parametrize("label", [label for label in TOKEN_MODELS if "causal" in kinds_of(label)])
@pytest.mark.parametrize("place", [0, 4, LENGTH - 1])
def test_a_causal_model_does_not_look_ahead(label: str, place: int) -> None:
    model, ids = built(label, "causal").eval(), samples("causal")[[0, 2]]
    other = ids.clone()
    other[:, place:] = UNKNOWN + (other[:, place:] - UNKNOWN + 1) % (VOCABULARY - UNKNOWN)
    before, after = model(ids), model(other)
    torch.testing.assert_close(after[:, :, :place], before[:, :, :place], rtol=1e-4, atol=1e-5)
    assert bool(((after - before).abs().amax(1) > 1e-5)[:, place].all())
