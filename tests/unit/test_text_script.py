"""The script that the benchmark of texts compares with trains the network that workbench trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.peers import text_script
from workbench.data.samples import Texts
from workbench.data.text_encoding import Words
from workbench.models.text_cnn import TextCNN
from workbench.models.tokens import EMBEDDING_STD
from workbench.settings.preset import Preset
from workbench.training.job import build_job


@pytest.mark.slow
def test_it_has_the_words_the_parameters_and_the_scale_of_the_preset() -> None:
    preset = Preset.load(Path("presets/text-docstrings.toml")).override(["validation.method=none"])
    texts = preset.validation.build(preset.data.build(lambda _: None)).train
    assert isinstance(texts, Texts)
    ids = text_script.word_ids([(text, 0) for text in texts.texts])
    job = build_job(preset.override(["runtime.device=cpu"]), lambda _: None)
    assert isinstance(job.encoding, Words)
    assert set(ids) == set(job.encoding.vocabulary)
    assert job.encoding.length == text_script.LONGEST

    network = text_script.Network(len(ids), job.task.outputs)
    assert isinstance(job.model, TextCNN)
    shapes = [sorted(tuple(each.shape) for each in model.parameters()) for model in (network, job.model)]
    assert shapes[0] == shapes[1]
    words = network.embedding.weight.detach()[1:]
    assert abs(words.std().item() - EMBEDDING_STD) < 0.001
    assert not bool(network.embedding.weight[0].any())
