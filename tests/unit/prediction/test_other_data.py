"""Models are evaluated on other data in the classes, the encoding and the units of their run."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from torch.nn import functional as F

from tests.unit.prediction.conftest import Trained, train
from tests.unit.prediction.evaluating import TRANSFORMER, evaluated, on_file
from tests.unit.prediction.evaluating import flowers as flowers
from workbench.data.readers.source import Source
from workbench.errors import DataError
from workbench.processes.evaluation import Evaluation
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import TrainedModel


def test_the_counts_of_the_run_weigh_the_classes_of_other_data(tmp_path: Path) -> None:
    """Balanced weights are those of the training split, which other data does not have."""
    rows = [f"{number / 10},{'ab'[number % 10 == 0]}" for number in range(200)]
    for name, kept in (("train", rows), ("new", rows[:40])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,y", *kept]))
    preset = ("data.name=csv", f"data.file={tmp_path / 'train.csv'}", "data.target=y", "loss.class_weights=balanced")
    trained = train(tmp_path, *preset, "model.hidden=[4]")
    counts = [160, 20]
    other = trained.preset.with_values({"data.file": str(tmp_path / "new.csv")}, "here").to_toml()
    found = evaluated(trained, data=other, class_counts=counts)
    model = TrainedModel.load(trained.run.checkpoints / "best.pt")
    inputs = torch.arange(40).double().unsqueeze(1) / 10
    targets = (torch.arange(40) % 10 == 0).long()
    weight = sum(counts) / (2 * torch.tensor(counts).float())
    expected = F.nll_loss(model(inputs).log(), targets, weight=weight)
    assert found.metrics["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_a_file_of_few_rows_is_read_as_the_one_that_was_trained_on(flowers: Trained) -> None:
    """One category, one class, columns in another order, and one more."""
    found = on_file(flowers, "note,kind,colour,height,width\nx,tulip,red,0,10.2\ny,tulip,red,0.5,9.8\n")
    assert (found.split, found.samples, found.metrics["accuracy"]) == ("all", 2, 1.0)
    assert found.metrics["support"] == [0, 0, 2]
    assert found.classes == ["iris", "rose", "tulip"]
    assert {each.origin for each in found.worst} == {"line 2", "line 3"}


def test_a_sample_is_described_by_its_line_and_by_what_is_said_of_it(flowers: Trained) -> None:
    found = on_file(flowers, "width,height,colour,kind\n10,0,red,tulip\n-9,0,red,tulip\n5,0,blue,rose\n", worst=1)
    [worst] = found.worst
    assert (worst.number, worst.origin, worst.true, worst.predicted) == (1, "line 3", "tulip", "iris")
    model = TrainedModel.load(flowers.run.checkpoints / "best.pt")
    probabilities = model(torch.tensor([[-9.0, 0.0, 0.0, 1.0]], dtype=torch.float64))[0]
    assert worst.probability == pytest.approx(float(probabilities[0]), rel=1e-6)
    assert worst.loss == pytest.approx(-math.log(float(probabilities[2])), rel=1e-4)
    assert found.confident == found.worst
    assert found.confident_mistakes is not None
    assert found.confident_mistakes.mistakes == 1
    [pair] = found.confused
    assert (pair.true, pair.predicted, pair.samples) == ("tulip", "iris", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "width,height,colour,kind\n1,2,red,daisy\n1,2,red,iris\n",
            r"line 2, column 'kind': 'daisy' is .* 1 of 2 rows",
        ),
        ("width,height,colour,kind\n1,2,green,iris\n", r"line 2, column 'colour': 'green' is not one of the 2 values"),
        ("width,height,kind\n1,2,iris\n", "lacks the column 'colour'"),
        ("width,height,colour\n1,2,red\n", "data.target: .* has no column 'kind'"),
        ("width,height,colour,kind\n", "has no rows below its header"),
        ("width,height,colour,kind\nwide,2,red,iris\n", r"column 'width': 'wide' is not a number"),
        ("width,height,colour,kind\n1,2,red,\n", "the first of 1 missing values"),
    ],
)
def test_rows_that_the_model_cannot_take_are_refused_with_their_line(flowers: Trained, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        on_file(flowers, text)


def test_classes_are_matched_by_name_whatever_their_order(tmp_path: Path) -> None:
    """A folder that lacks the first class numbers the others from 0."""

    def images(folder: str, colours: dict[str, tuple[int, int, int]], count: int) -> Path:
        for name, colour in colours.items():
            (tmp_path / folder / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("RGB", (4, 4), tuple(min(255, part + number) for part in colour))
                image.save(tmp_path / folder / name / f"{number}.png")
        return tmp_path / folder

    colours = {"blue": (0, 0, 200), "green": (0, 200, 0), "red": (200, 0, 0)}
    own = images("train", colours, 20)
    trained = train(tmp_path, "data.name=image_folder", f"data.folder={own}", "model.hidden=[16]", "training.epochs=40")
    assert trained.test["accuracy"] == 1.0
    other = images("new", {"Red": (200, 0, 0), "green": (0, 200, 0)}, 3)
    found = evaluated(trained, data=trained.preset.with_values({"data.folder": str(other)}, "here").to_toml())
    assert (found.metrics["accuracy"], found.metrics["support"]) == (1.0, [0, 3, 3])
    assert {each.origin.split("/")[0] for each in found.worst} == {"Red", "green"}
    unknown = images("unknown", {"violet": (200, 0, 200), "red": (200, 0, 0)}, 3)
    with pytest.raises(DataError, match="a class that the model does not know: 'violet'; it knows 'blue', 'green'"):
        evaluated(trained, data=trained.preset.with_values({"data.folder": str(unknown)}, "here").to_toml())
    Image.new("RGB", (6, 4)).save(other / "green" / "0.png")
    Image.new("RGB", (6, 4)).save(other / "Red" / "0.png")
    with pytest.raises(DataError, match="has 4 × 4 pixels, but the first image has 6 × 4"):
        evaluated(trained, data=trained.preset.with_values({"data.folder": str(other)}, "here").to_toml())


def test_data_of_another_kind_are_refused(iris: Trained, tmp_path: Path) -> None:
    def on(*assignments: str) -> Evaluation:
        return evaluated(iris, data=Preset().override(assignments).to_toml())

    with pytest.raises(DataError, match="the data has numbers to predict, but the model predicts classes"):
        on("data.name=diabetes")
    with pytest.raises(DataError, match=r"shape \(1, 13\), but the model takes samples of shape \(n, 4\)"):
        on("data.name=wine")
    for name in "ab":
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "1.txt").write_text("a text")
    with pytest.raises(DataError, match="the model takes samples of shape"):
        on("data.name=text_folder", f"data.folder={tmp_path / 'texts'}")


def test_numbers_are_in_the_units_of_the_run(tmp_path: Path) -> None:
    """The targets of the new file have another mean and deviation, which must not scale anything."""
    rows = [f"{x / 10:.1f},{1000 + 3 * x}" for x in range(100)]
    (tmp_path / "train.csv").write_text("\n".join(["x,y", *rows]))
    (tmp_path / "new.csv").write_text("x,y\n2.0,1060\n3.0,1100\n")
    preset = ("data.name=csv", f"data.file={tmp_path / 'train.csv'}", "data.target=y", "loss.name=mse")
    trained = train(tmp_path, *preset, "data.task=regression", "model.hidden=[8]")
    found = evaluated(trained, data=trained.preset.with_values({"data.file": str(tmp_path / "new.csv")}, "").to_toml())
    model = TrainedModel.load(trained.run.checkpoints / "best.pt")
    predicted = model(torch.tensor([[2.0], [3.0]], dtype=torch.float64)).squeeze(1)
    errors = predicted - torch.tensor([1060.0, 1100.0], dtype=torch.float64)
    assert found.metrics["mae"] == pytest.approx(float(errors.abs().mean()), rel=1e-6)
    [residuals] = found.residuals
    assert residuals.target == "y"
    assert residuals.mean == pytest.approx(float(errors.mean()), rel=1e-6)
    assert [each.true_values for each in sorted(found.worst, key=lambda each: each.number)] == [[1060.0], [1100.0]]
    by_number = {each.number: each for each in found.worst}
    assert by_number[1].predicted_values == [pytest.approx(float(predicted[1]), rel=1e-6)]


def test_numbers_that_are_not_finite_are_told_from_others(tmp_path: Path) -> None:
    rows = [f"{x / 10:.1f},{1000 + 3 * x}" for x in range(100)]
    (tmp_path / "train.csv").write_text("\n".join(["x,y", *rows]))
    (tmp_path / "new.csv").write_text("x,y\n2.0,1060\n3e38,1100\n")
    preset = ("data.name=csv", f"data.file={tmp_path / 'train.csv'}", "data.target=y", "loss.name=mse")
    trained = train(tmp_path, *preset, "data.task=regression", "model.hidden=[8]")
    model = trained.run.checkpoints / "best.pt"
    state = checkpoints.load(model, torch.device("cpu"))
    next(iter(state["model"].values())).mul_(1e30)
    del state["version"]
    checkpoints.save(model, state)
    found = evaluated(trained, data=trained.preset.with_values({"data.file": str(tmp_path / "new.csv")}, "").to_toml())
    assert (found.worst[0].number, found.worst[0].loss, found.metrics["loss"]) == (1, None, None)
    assert found.residuals == []
    assert any(note.startswith("1 sample has a loss that is not finite") for note in found.notes)


def test_a_new_text_has_the_vocabulary_of_the_run(train_example: Callable[..., Trained], tmp_path: Path) -> None:
    trained = train_example("text_file", *TRANSFORMER)
    text = "star moon sun Sky\n" * 20
    (tmp_path / "new.txt").write_text(text)
    whole = {"data.file": str(tmp_path / "new.txt"), "data.validation_fraction": 0.0, "data.test_fraction": 0.0}
    found = evaluated(trained, data=trained.preset.with_values(whole, "").to_toml(), worst=2)
    model = TrainedModel.load(trained.run.checkpoints / "best.pt")
    ids = torch.tensor(model.encoding.ids([text])[0])  # type: ignore[operator]
    windows = (len(ids) - 1) // 16
    probabilities = model(ids[: windows * 16].view(windows, 16))
    targets = ids[1 : windows * 16 + 1].view(windows, 16)
    surprise = -probabilities.gather(1, targets.unsqueeze(1)).squeeze(1).double().log()
    assert (found.samples, found.split) == (windows, "all")
    assert found.metrics["loss"] == pytest.approx(float(surprise.mean()), rel=1e-5)
    assert found.metrics["bits_per_byte"] == pytest.approx(float(surprise.mean()) / math.log(2), rel=1e-5)
    worst = int(surprise.mean(1).argmax())
    assert (found.worst[0].number, found.worst[0].place) == (worst, int(surprise[worst].argmax()))
    assert found.worst[0].text == text[worst * 16 : worst * 16 + 16]
    assert found.worst[0].true == text[worst * 16 + 1 + int(surprise[worst].argmax())]


def test_samples_that_the_run_was_trained_on_are_no_other_data(iris: Trained) -> None:
    def notes(**asked: Any) -> list[str]:
        return evaluated(iris, **asked).notes

    [note] = notes(data=Preset().override(["data.name=iris"]).to_toml())
    assert note.startswith("the run has these samples too, and was trained on most of them")
    assert notes() == []


def test_texts_of_a_new_table_have_the_vocabulary_and_the_classes_of_the_run(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    """One class, one row of it, a word that the run has not seen, and no column that says what belongs together."""
    trained = train_example("text_table", "model.name=bag_of_embeddings")
    (tmp_path / "new.jsonl").write_text('{"text": "Comet sun, moon", "y": "b"}\n')
    found = evaluated(
        trained, data=trained.preset.with_values({"data.file": str(tmp_path / "new.jsonl")}, "").to_toml()
    )
    model = TrainedModel.load(trained.run.checkpoints / "best.pt")
    [probabilities] = model(["Comet sun, moon"])
    [worst] = found.worst
    assert (worst.true, worst.text, worst.origin, found.metrics["support"]) == (
        "b",
        "Comet sun, moon",
        "line 1",
        [0, 1],
    )
    assert worst.probability_of_true == pytest.approx(float(probabilities[1]), rel=1e-6)


def test_sounds_have_the_rate_the_length_and_the_depth_of_the_run(tmp_path: Path, sound_preset: list[str]) -> None:
    """New recordings are longer, at another rate, and of 24 bits."""
    trained = train(tmp_path, *sound_preset, "training.epochs=8")
    times = np.arange(16_000) / 32_000
    for name, hertz in (("high", 2400.0), ("low", 300.0)):
        (tmp_path / "new" / name).mkdir(parents=True)
        for take in range(2):
            wave = 0.5 * np.sin(2 * np.pi * hertz * times) + np.random.default_rng(take).normal(scale=0.1, size=16_000)
            soundfile.write(tmp_path / "new" / name / f"s{take}_.wav", wave, 32_000, subtype="PCM_24")
    preset = trained.preset.with_values({"data.folder": str(tmp_path / "new")}, "")
    found = evaluated(trained, data=preset.to_toml())
    assert found.metrics["support"] == [2, 2, 0]
    model = TrainedModel.load(trained.run.checkpoints / "best.pt")
    assert model.reader is not None
    for each in found.worst:
        [chunk] = model.reader.read([Source(str(tmp_path / "new" / each.origin))], 1)
        assert each.probability == pytest.approx(float(model(chunk.raw).max()), rel=1e-5)


def test_the_text_that_the_run_was_trained_on_is_no_other_text(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    trained = train_example("text_file", *TRANSFORMER, "training.epochs=1")
    file = Path(trained.preset.data.file)  # type: ignore[union-attr]

    def notes(text: str) -> list[str]:
        (tmp_path / "other.txt").write_text(text)
        whole = {"data.file": str(tmp_path / "other.txt"), "data.validation_fraction": 0.0, "data.test_fraction": 0.0}
        return [
            note
            for note in evaluated(trained, data=trained.preset.with_values(whole, "").to_toml()).notes
            if "was trained on most of them" in note
        ]

    assert len(notes(file.read_text())) == 1  # all of it, where the run had held parts of it out
    assert notes(file.read_text()[:-1]) == []


def test_rows_with_gaps_are_filled_in_as_the_training_split_said(tmp_path: Path) -> None:
    """What is missing in other data is learned neither from it nor refused."""
    rows = [f"{'' if row % 7 == 0 else row % 2},{row % 5},{'even' if row % 2 == 0 else 'odd'}" for row in range(80)]
    (tmp_path / "train.csv").write_text("\n".join(["a,b,y", *rows]))
    file = f"data.file={tmp_path / 'train.csv'}"
    settings = ("data.name=csv", file, "data.target=y", "data.missing=median", "model.hidden=[8]", "training.epochs=20")
    trained = train(tmp_path, *settings)
    assert evaluated(trained).samples == 12, "the run's own test split has gaps too"
    # A gap is the median of the training split, 0 or 1, not that of these rows, which are all 9.
    filled = on_file(trained, "a,b,y\n,1,even\n9,1,odd\n9,1,odd\n")
    same = [on_file(trained, f"a,b,y\n{value},1,even\n9,1,odd\n9,1,odd\n") for value in ("0", "0.5", "1")]
    assert filled.metrics["loss"] in [pytest.approx(each.metrics["loss"]) for each in same]
