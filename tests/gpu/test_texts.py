"""Texts on a GPU: every engine trains every model of ids as the eager one does, and a language model writes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.conftest import GPU_ONLY, ampere
from tests.unit.training.conftest import user_functions as user_functions
from tests.unit.training.scripted import build_trainer, logged_losses, of_type
from tests.unit.training.test_generation import alphabet
from workbench.errors import PresetError
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd, TextGenerated, WarningRaised
from workbench.settings.model import MODELS
from workbench.settings.preset import Preset
from workbench.settings.text_model import TokenModel
from workbench.training.job import build_job
from workbench.training.memory.estimate import expected_memory
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY

ENGINES = ["traced", "compiled", "cuda_graph"]
RECURRENT = ("gru", "lstm")
"""cuDNN runs all steps of these at once; an engine that cannot take that says so."""
TOKEN_MODELS = [label for label in MODELS.labels if issubclass(MODELS.choice(label) or object, TokenModel)]
CAUSAL = ["gru", "lstm", "transformer"]

ANIMALS, PLANTS = ("cat", "dog", "mouse", "horse"), ("tree", "fern", "moss", "rose")
COMMON = ("the", "a", "one", "small", "old", "is", "was", "here", "there", "near")


def texts_file(folder: Path) -> Path:
    """400 texts of 3 to 20 words, about animals or plants."""
    random.seed(0)
    lines = []
    for number in range(400):
        words = [random.choice(COMMON) for _ in range(random.randint(2, 19))]
        words.insert(random.randrange(len(words)), random.choice((ANIMALS, PLANTS)[number % 2]))
        lines.append(json.dumps({"text": " ".join(words), "kind": ("animal", "plant")[number % 2]}))
    file = folder / "texts.jsonl"
    file.write_text("\n".join(lines))
    return file


def trained(folder: Path, assignments: list[str]) -> Trainer:
    preset = Preset().override(assignments)
    trainer = build_trainer(create_run(folder, preset.name, preset.to_toml()))
    trainer.train()
    return trainer


@pytest.fixture
def train_texts(tmp_path: Path) -> Callable[..., Trainer]:
    """Trains on texts in a file."""
    file = texts_file(tmp_path)

    def train(*assignments: str) -> Trainer:
        data = ["data.name=text_table", f"data.file={file}", "data.target=kind", "data.batch_size=40"]
        device = ["runtime.device=cuda", "training.epochs=6", "optimizer.learning_rate=0.005"]
        return trained(tmp_path, [*data, *device, *assignments])

    return train


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", TOKEN_MODELS)
def test_every_engine_trains_every_model_as_the_eager_one_does(
    model: str, engine: str, train_texts: Callable[..., Trainer]
) -> None:
    """Without dropout, whose random numbers differ. Batches that are cut to their texts have many shapes."""
    choice = [f"model.name={model}", "model.dropout=0.0", "data.group_by_length=false"]
    eager = train_texts(*choice, "runtime.engine=eager")
    try:
        other = train_texts(*choice, f"runtime.engine={engine}")
    except PresetError as error:
        assert model in RECURRENT
        assert f'runtime.engine = "{engine}", but ' in str(error)  # noqa: PT017  a stated reason
        return
    if model not in RECURRENT:
        assert [event.message for event in of_type(other, WarningRaised)] == []
    assert other.engine.name in (engine, "cuda_graph")
    expected, found = (list(logged_losses(trainer).values()) for trainer in (eager, other))
    assert found[:20] == pytest.approx(expected[:20], rel=2e-2, abs=1e-3)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "choice",
    [
        "data.group_by_length=true",
        "data.group_by_length=false",
        "runtime.precision=fp16",
        pytest.param("runtime.precision=bf16", marks=pytest.mark.skipif(not ampere(), reason="needs Ampere or later")),
    ],
)
@pytest.mark.parametrize("model", TOKEN_MODELS)
def test_auto_learns_texts(model: str, choice: str, train_texts: Callable[..., Trainer]) -> None:
    trainer = train_texts(f"model.name={model}", choice, "training.epochs=20")
    assert of_type(trainer, EpochEnd)[-1].train["accuracy"] > 0.9
    assert all(parameter.is_cuda for parameter in trainer.job.model.parameters())


@pytest.mark.parametrize("engine", ["eager", *ENGINES])
@pytest.mark.parametrize("model", CAUSAL)
def test_every_engine_trains_a_language_model_which_writes_what_it_has_learned(
    model: str,
    engine: str,
    tmp_path: Path,
    user_functions: dict[str, Callable[..., Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from workbench.settings.generation import ContinuedText
    from workbench.training import generation

    settings = ContinuedText(sample_tokens=7, temperature=0.0, prompt="cde")
    monkeypatch.setattr(generation, "settings_of", lambda preset: settings)
    user_functions["mine:data"] = alphabet
    data = ["data.name=module", "data.function=mine:data", "data.batch_size=8", "runtime.device=cuda"]
    training = ["training.epochs=30", "optimizer.learning_rate=0.005", "model.dropout=0.0"]
    try:
        trainer = trained(tmp_path, [*data, f"model.name={model}", *training, f"runtime.engine={engine}"])
    except PresetError as error:
        assert model in RECURRENT
        assert f'runtime.engine = "{engine}", but ' in str(error)  # noqa: PT017  a stated reason
        return
    assert of_type(trainer, EpochEnd)[-1].train["token_accuracy"] > 0.95
    assert of_type(trainer, TextGenerated)[-1].text == "fghijab"


@pytest.mark.parametrize("model", TOKEN_MODELS)
def test_memory_of_texts_is_estimated_about_right(model: str, train_texts: Callable[..., Trainer]) -> None:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    trainer = train_texts(f"model.name={model}", "runtime.engine=eager", "data.group_by_length=false")
    peak = torch.cuda.max_memory_allocated()
    expected = expected_memory(build_job(trainer.job.preset, lambda _: None))
    assert expected.peak_bytes is not None, expected.reason
    assert peak / 2 < expected.peak_bytes < 2 * peak
