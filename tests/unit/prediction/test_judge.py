"""A judge's evaluation is that of `workbench evaluate`; its samples are those that are asked for, with pictures."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from tests.unit.prediction.conftest import Trained, train
from tests.unit.prediction.evaluating import TRANSFORMER, evaluated
from tests.unit.prediction.evaluating import flowers as flowers
from workbench.prediction.judge import Judge
from workbench.prediction.judging_process import Answers
from workbench.processes.evaluation import EvaluationRequest
from workbench.processes.judging import (
    MOST_SAMPLES,
    Choice,
    Judgement,
    JudgeRequest,
    Samples,
    choose_samples,
    judge,
)
from workbench.processes.measuring import MeasuringProcess
from workbench.processes.messages import decode
from workbench.processes.modules import Module
from workbench.processes.plan import BACKGROUND


def request_of(trained: Trained, **asked: Any) -> EvaluationRequest:
    run = trained.run
    return EvaluationRequest(
        str(run.checkpoints / "best.pt"), trained.preset.to_toml(), last_checkpoint=str(run.last_checkpoint), **asked
    )


def judge_of(trained: Trained, **asked: Any) -> Judge:
    return Judge(request_of(trained, **asked), lambda progress: None)


def through_json(answer: Any) -> Any:
    """The answer, as it comes out of the process."""
    return decode(type(answer), json.loads(json.dumps(asdict(answer))))


def test_a_classification_has_the_curves_of_its_scores_and_the_samples_of_each_cell(flowers: Trained) -> None:
    judged = judge_of(flowers, split="train")
    found = through_json(judged.judgement)
    assert isinstance(found, Judgement)
    expected = evaluated(flowers, split="train", worst=200)
    assert found.evaluation.metrics == expected.metrics
    assert found.evaluation.calibration == expected.calibration
    assert found.fits == []
    assert sorted(each.number for each in found.curves) == [0, 1, 2]
    areas = [each.area for each in found.curves]
    assert sum(areas) / 3 == pytest.approx(expected.metrics["roc_auc"], abs=1e-6)
    assert [each.samples for each in sorted(found.curves, key=lambda each: each.number)] == expected.metrics["support"]
    for true, row in enumerate(expected.metrics["confusion"]):
        for predicted, count in enumerate(row):
            cell = through_json(judged.samples(Choice("cell", true, predicted)))
            assert cell.total == count
            assert len(cell.samples) == min(count, MOST_SAMPLES)
            names = found.evaluation.classes
            assert {(each.said.true, each.said.predicted) for each in cell.samples} <= {(names[true], names[predicted])}
            losses = [each.said.loss for each in cell.samples]
            assert losses == sorted(losses, reverse=True)
    worst = judged.samples(Choice("worst"))
    assert worst.total == found.evaluation.samples
    assert [each.said for each in worst.samples] == expected.worst[:MOST_SAMPLES]
    first = worst.samples[0]
    assert first.picture is not None
    assert first.picture.row is not None
    assert first.picture.row.names[:2] == ["width", "height"]
    assert first.picture.row.names[2:] == ["colour=blue", "colour=red"]
    line = int(first.said.origin.removeprefix("line ")) - 1
    rows = Path(flowers.preset.data.file).read_text().splitlines()  # type: ignore[union-attr]
    width = float(rows[line].split(",")[0])
    assert first.picture.row.values[0] == pytest.approx(width, rel=1e-5)


def test_the_most_surprising_samples_are_wrong_and_the_surest_come_first(tmp_path: Any) -> None:
    trained = train(tmp_path, "data.name=digits", "model.hidden=[4]", "training.epochs=1")
    found = judge_of(trained).samples(Choice("surprising"))
    assert found.total > 3
    assert all(each.said.true != each.said.predicted for each in found.samples)
    probabilities = [each.said.probability or 0.0 for each in found.samples]
    assert probabilities == sorted(probabilities, reverse=True)
    [image] = {(each.picture.image.channels, each.picture.image.height, each.picture.image.width)
               for each in found.samples if each.picture and each.picture.image}  # fmt: skip
    assert image == (1, 8, 8)


def test_a_regression_has_fits_and_its_samples_their_numbers(train_example: Callable[..., Trained]) -> None:
    trained = train_example("diabetes", "loss.name=mse", "model.hidden=[4]")
    judged = judge_of(trained)
    found = judged.judgement
    [fit] = through_json(found).fits
    assert found.curves == []
    assert sum(fit.counts) == len(fit.true) == found.evaluation.samples
    errors = torch.tensor(fit.predicted) - torch.tensor(fit.true)
    assert float(errors.square().mean().sqrt()) == pytest.approx(found.evaluation.metrics["rmse"], rel=1e-4)
    worst = judged.samples(Choice("worst")).samples[0]
    assert abs(worst.said.predicted_values[0] - worst.said.true_values[0]) == pytest.approx(
        float(errors.abs().max()), rel=1e-4
    )
    assert judged.samples(Choice("surprising")).total == 0


@pytest.mark.parametrize(
    ("label", "kind", "model"),
    [
        ("text_table", "text", ("model.name=bag_of_embeddings",)),
        ("spoken_digits", "spectrogram", ("model.name=audio_cnn", "model.channels=[4]")),
        ("image_folder", "image", ("model.hidden=[4]",)),
        ("text_file", "", TRANSFORMER),
    ],
)
def test_the_pictures_of_each_kind_of_data(
    train_example: Callable[..., Trained], label: str, kind: str, model: tuple[str, ...]
) -> None:
    trained = train_example(label, *model)
    found = through_json(judge_of(trained).samples(Choice("worst")))
    assert found.samples
    for each in found.samples:
        if kind:
            assert getattr(each.picture, kind) is not None
        else:
            assert each.picture is None
            assert each.said.text


def test_the_process_evaluates_once_and_answers_each_request(iris: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluations = []

    class Counted(Judge):
        def __init__(self, request: EvaluationRequest, report: Any) -> None:
            evaluations.append(request.split)
            super().__init__(request, report)

    monkeypatch.setattr("workbench.prediction.judge.Judge", Counted)
    answers = Answers()
    test, training = request_of(iris), request_of(iris, split="train")
    assert isinstance(answers(JudgeRequest(test), lambda *_: None), Judgement)
    assert isinstance(answers(JudgeRequest(test, Choice("worst")), lambda *_: None), Samples)
    assert isinstance(answers(JudgeRequest(training, Choice("worst")), lambda *_: None), Samples)
    assert evaluations == ["auto", "train"]


def test_a_checkpoint_that_was_written_anew_under_its_path_is_judged_anew(iris: Trained, tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    shutil.copy(iris.run.checkpoints / "best.pt", path)
    request = replace(request_of(iris), checkpoint=str(path), last_checkpoint="")
    answers = Answers()
    before = answers(JudgeRequest(request), lambda *_: None)
    weights = torch.load(path, weights_only=True)
    for value in weights["model"].values():
        value.zero_()
    torch.save(weights, path)
    after = answers(JudgeRequest(request), lambda *_: None)
    assert isinstance(before, Judgement)
    assert isinstance(after, Judgement)
    assert before.evaluation.metrics["loss"] < 1
    assert after.evaluation.metrics["loss"] == pytest.approx(math.log(3))


@pytest.mark.slow
def test_the_process_itself_answers_in_the_background(iris: Trained) -> None:
    async def asked() -> tuple[Any, Any, int]:
        request = request_of(iris, split="validation")
        async with MeasuringProcess.launched(Module.JUDGE, BACKGROUND) as process:
            messages = [message async for message in judge(process, request)]
            samples = [message async for message in choose_samples(process, request, Choice("worst"))]
            return messages[-1], samples[-1], psutil.Process(process.pid).nice()

    found, samples, niceness = asyncio.run(asked())
    assert isinstance(found, Judgement)
    assert found.evaluation.split == "validation"
    assert found.evaluation.classes == ["setosa", "versicolor", "virginica"]
    assert isinstance(samples, Samples)
    assert samples.total == found.evaluation.samples
    assert niceness == 19
