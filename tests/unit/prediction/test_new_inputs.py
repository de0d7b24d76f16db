"""New inputs are predicted in their order, in the data's own units, as the model itself answers."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.unit.data.sounds import save, tone
from tests.unit.prediction.conftest import Trained, output_of, predict, train
from workbench.data.readers.source import Source
from workbench.errors import DataError, PresetError, UsageError
from workbench.prediction.load import load_model, model_file
from workbench.prediction.prediction_process import answer
from workbench.processes.predict import Request
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import TrainedModel

FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]
HEADER = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]


def flowers(file: Path, *, header: list[str] | None = HEADER, rows: list[list[Any]] | None = None) -> Path:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        if header is not None:
            writer.writerow(header)
        writer.writerows(FLOWERS if rows is None else rows)
    return file


def answered(iris: Trained) -> Tensor:
    answers: Tensor = load_model(iris.run.path)(torch.tensor(FLOWERS))
    return answers


def test_each_row_has_its_class_and_all_probabilities(iris: Trained, tmp_path: Path) -> None:
    lines, predicted = predict(iris.run.path, flowers(tmp_path / "new.csv"))
    expected = answered(iris)
    names = ["setosa", "versicolor", "virginica"]
    assert [line["prediction"] for line in lines] == [names[place] for place in expected.argmax(1)]
    for line, row in zip(lines, expected, strict=True):
        assert list(line["probabilities"]) == names
        found = torch.tensor(list(line["probabilities"].values()), dtype=torch.float32)
        assert torch.equal(found, row)
        assert line["probability"] == max(line["probabilities"].values())
    assert [line["row"] for line in lines] == [1, 2, 3]
    assert {line["input"] for line in lines} == {str(tmp_path / "new.csv")}
    assert (predicted.samples, predicted.broken) == (3, 0)
    assert predicted.model == str(iris.run.checkpoints / "best.pt")


def test_a_table_may_come_without_its_header_or_as_json_lines_or_as_an_array(iris: Trained, tmp_path: Path) -> None:
    expected, _ = predict(iris.run.path, flowers(tmp_path / "new.csv"))
    bare = flowers(tmp_path / "bare.csv", header=None)
    tabs = tmp_path / "new.tsv"
    tabs.write_text((tmp_path / "new.csv").read_text().replace(",", "\t"))
    objects = tmp_path / "new.jsonl"
    objects.write_text("\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in FLOWERS))
    np.save(tmp_path / "new.npy", np.array(FLOWERS))
    for file in (bare, tabs, objects, tmp_path / "new.npy"):
        lines, _ = predict(iris.run.path, file)
        assert [line | {"input": ""} for line in lines] == [line | {"input": ""} for line in expected]


def test_comma_separated_values_say_the_same(iris: Trained, tmp_path: Path) -> None:
    file = flowers(tmp_path / "new.csv")
    lines, _ = predict(iris.run.path, file)
    rows, _ = predict(iris.run.path, file, format="csv")
    for row, line in zip(rows, lines, strict=True):
        assert (row["input"], int(row["row"]), row["prediction"]) == (line["input"], line["row"], line["prediction"])
        for name, value in line["probabilities"].items():
            assert float(row[f"probability_{name}"]) == value


@pytest.mark.parametrize("batch_size", [1, 2, 256])
def test_the_order_is_that_of_the_inputs_whatever_the_batch_size(
    iris: Trained, tmp_path: Path, batch_size: int
) -> None:
    names = [flowers(tmp_path / f"{number}.csv", rows=FLOWERS[number:]) for number in range(3)]
    lines, _ = predict(iris.run.path, *names, batch_size=batch_size)
    assert [(Path(line["input"]).name, line["row"]) for line in lines] == [
        ("0.csv", 1), ("0.csv", 2), ("0.csv", 3), ("1.csv", 1), ("1.csv", 2), ("2.csv", 1),
    ]  # fmt: skip
    assert lines[2]["probability"] == pytest.approx(lines[5]["probability"], rel=1e-6)


def test_memory_that_runs_out_halves_the_batch(iris: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = flowers(tmp_path / "new.csv", rows=FLOWERS * 10)
    expected, _ = output_of(iris.run.path, file, batch_size=2)
    sizes = []
    forward = TrainedModel.forward

    def limited(self: TrainedModel, raw: Any) -> Tensor:
        sizes.append(len(raw))
        if len(raw) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, raw)

    monkeypatch.setattr(TrainedModel, "forward", limited)
    found, _ = output_of(iris.run.path, file, batch_size=16)
    assert found == expected
    assert sizes == [16, 8, 4, *[2] * 8, *[2] * 7]


def test_memory_that_is_too_small_for_a_single_sample_is_said(
    iris: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: TrainedModel, raw: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TrainedModel, "forward", full)
    with pytest.raises(torch.OutOfMemoryError):  # which the process explains, as for training
        predict(iris.run.path, flowers(tmp_path / "new.csv"))


BROKEN = [
    ([["5.1", "3.5", "", "0.2"]], "line 2, column 'petal length \\(cm\\)': the value is missing"),
    ([["5.1", "3.5", "long", "0.2"]], "line 2, column 'petal length \\(cm\\)': 'long' is not a number"),
    ([["5.1", "3.5", "1e300", "0.2"]], "line 2, column 'petal length \\(cm\\)': 1e300 is not a finite number"),
    ([[5.1, 3.5, 1.4]], "line 2: 3 fields, but the header has 4"),
    ([], "has no rows below its header"),
]


@pytest.mark.parametrize(("rows", "said"), BROKEN)
def test_a_value_that_cannot_be_read_is_named(iris: Trained, tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        predict(iris.run.path, flowers(tmp_path / "new.csv", rows=rows))


def test_a_broken_row_has_an_error_in_its_line_where_that_is_asked_for(iris: Trained, tmp_path: Path) -> None:
    file = flowers(tmp_path / "new.csv", rows=[FLOWERS[0], ["5.1", "?", "1.4", "0.2"], FLOWERS[1]])
    lines, predicted = predict(iris.run.path, file, skip_broken=True)
    good, _ = predict(iris.run.path, flowers(tmp_path / "good.csv"))
    assert [line["prediction"] for line in lines] == [good[0]["prediction"], None, good[1]["prediction"]]
    assert "line 3, column 'sepal width (cm)'" in lines[1]["error"]
    assert (predicted.samples, predicted.broken) == (2, 1)
    rows, _ = predict(iris.run.path, file, skip_broken=True, format="csv")
    assert [row["prediction"] for row in rows] == [good[0]["prediction"], "", good[1]["prediction"]]
    assert [bool(row["error"]) for row in rows] == [False, True, False]


@pytest.mark.slow
def test_whatever_cannot_be_read_has_an_error_in_its_line(iris: Trained, tmp_path: Path) -> None:
    rows = [FLOWERS[0], [5.1, 3.5], FLOWERS[1]]
    file, missing = flowers(tmp_path / "new.csv", rows=rows), tmp_path / "missing.csv"
    (tmp_path / "other.csv").write_text("text\nsun\n")
    lines, predicted = predict(iris.run.path, missing, file, tmp_path / "other.csv", skip_broken=True)
    good, _ = predict(iris.run.path, flowers(tmp_path / "good.csv"))
    first, second = good[0]["prediction"], good[1]["prediction"]
    assert [(Path(line["input"]).name, line.get("row"), line["prediction"]) for line in lines] == [
        ("missing.csv", None, None),
        ("new.csv", 1, first),
        ("new.csv", 2, None),
        ("new.csv", 3, second),
        ("other.csv", None, None),
    ]
    assert "line 3: 2 fields, but the header has 4" in lines[2]["error"]
    assert (predicted.samples, predicted.broken) == (2, 3)
    written, _ = predict(iris.run.path, missing, file, tmp_path / "other.csv", skip_broken=True, format="csv")
    assert [row["row"] for row in written] == ["", "1", "2", "3", ""]


@pytest.mark.parametrize("wrong", [[5.1, 3.5], [5.1, 3.5, 1.4, "?"]])
def test_the_rows_before_a_broken_one_are_predicted(iris: Trained, tmp_path: Path, wrong: list[Any]) -> None:
    written: list[str] = []
    file = flowers(tmp_path / "new.csv", rows=[*FLOWERS[:2], wrong, FLOWERS[2]])
    request = Request(model=str(iris.run.path), inputs=[str(file)], device="cpu")
    with pytest.raises(DataError, match="line 4"):
        answer(request, lambda kind, message: written.append(message.text))
    assert [json.loads(line)["row"] for line in "".join(written).splitlines()] == [1, 2]


def test_an_answer_that_is_no_number_is_an_error(iris: Trained, tmp_path: Path) -> None:
    state = checkpoints.load(iris.run.checkpoints / "best.pt", torch.device("cpu"))
    state["model"] = {name: torch.full_like(tensor, torch.nan) for name, tensor in state["model"].items()}
    (tmp_path / "checkpoints").mkdir()
    checkpoints.save(tmp_path / "checkpoints" / "best.pt", state)
    file = flowers(tmp_path / "new.csv")
    with pytest.raises(DataError, match="row 1: the model answers with a number that is not finite"):
        predict(tmp_path / "checkpoints" / "best.pt", file)
    lines, predicted = predict(tmp_path / "checkpoints" / "best.pt", file, skip_broken=True)
    assert [line["prediction"] for line in lines] == [None] * 3
    assert predicted.broken == 3
    own, measured = predict(tmp_path / "checkpoints" / "best.pt", split="test")
    assert {line["probability"] for line in own} == {None}
    assert measured.metrics["loss"] is None


def test_a_pipe_is_read_part_by_part(iris: Trained) -> None:
    """The first rows are there before the last ones were written: no input has to fit into memory."""
    model = load_model(iris.run.path)
    assert model.reader is not None
    reading, writing = os.pipe()
    try:
        rows = "\n".join(",".join(map(str, row)) for row in FLOWERS) + "\n"
        os.write(writing, (",".join(HEADER) + "\n" + rows * 1000)[:60_000].encode())
        chunks = model.reader.read([Source("-", reading)], 100)
        first = next(chunks)
        assert first.places[0] == {"input": "-", "row": 1}
        assert isinstance(first.raw, Tensor)
        assert first.raw.shape == (100, 4)
    finally:
        os.close(writing)
        os.close(reading)


def test_numbers_are_in_the_units_of_the_data(tmp_path: Path) -> None:
    rows = [f"{n},{'red' if n % 3 else 'blue'},{1000 + 50 * n}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["size,color,price", *rows]))
    table = ["data.name=csv", f"data.file={tmp_path / 't.csv'}", "data.target=price", "loss.name=mse"]
    trained = train(
        tmp_path,
        *table,
        "model.hidden=[16]",
        "training.epochs=15",
        "optimizer.learning_rate=0.1",
        "data.task=regression",
    )
    (tmp_path / "new.csv").write_text("color,size\nred,10\nblue,50\n")
    [low, high], _ = predict(trained.run.path, tmp_path / "new.csv")
    assert low["prediction"] == pytest.approx(1500, abs=300)
    assert high["prediction"] == pytest.approx(3500, abs=300)
    (tmp_path / "other.csv").write_text("color,size\ngreen,10\n")
    with pytest.raises(DataError, match=r"line 2, column 'color': 'green' is not one of the 2 values .* 'blue', 'red'"):
        predict(trained.run.path, tmp_path / "other.csv")
    (tmp_path / "less.csv").write_text("colour,size\nred,10\n")
    with pytest.raises(DataError, match="lacks the column 'color', perhaps 'colour'"):
        predict(trained.run.path, tmp_path / "less.csv")


def test_many_classes_have_their_probabilities_only_where_that_is_asked_for(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(210, 3)), np.arange(210) % 21
    np.savez(tmp_path / "a.npz", x=x, y=y)
    data = ["data.name=npz", f"data.file={tmp_path / 'a.npz'}", "data.task=classification"]
    trained = train(tmp_path, *data, "model.hidden=[4]")
    [line, *_], _ = predict(trained.run.path, tmp_path / "a.npz")
    assert set(line) == {"input", "row", "prediction", "probability"}
    [line, *_], _ = predict(trained.run.path, tmp_path / "a.npz", all_classes=True)
    assert len(line["probabilities"]) == 21


def test_texts_themselves_and_lines_are_predicted(train_example: Callable[..., Trained], tmp_path: Path) -> None:
    trained = train_example("text_table", "model.name=bag_of_embeddings")
    texts = ["sun moon", "star Sky sun"]
    model = load_model(trained.run.path)
    expected = [model.classes[place] for place in model(texts).argmax(1)]
    lines, _ = predict(trained.run.path, texts=texts)
    assert [line["prediction"] for line in lines] == expected
    reading, writing = os.pipe()
    os.write(writing, "\n".join(texts).encode())
    os.close(writing)
    piped, _ = predict(trained.run.path, Path("-"), descriptor=reading)
    assert [(line["input"], line["row"], line["prediction"]) for line in piped] == [
        ("-", row, name) for row, name in enumerate(expected, 1)
    ]
    (tmp_path / "t.csv").write_text("comment\nsun\n")
    with pytest.raises(DataError, match="no column of texts called 'text'; it has 'comment'"):
        predict(trained.run.path, tmp_path / "t.csv")


def test_texts_without_a_known_token_are_counted(train_example: Callable[..., Trained]) -> None:
    trained = train_example("text_table", "model.name=bag_of_embeddings")
    _, predicted = predict(trained.run.path, texts=["sun zzz", "zzz", "qqq zzz", "", "moon"], batch_size=2)
    assert predicted.notes == ["3 of 5 texts hold no known token: predicted as unknown"]
    assert predict(trained.run.path, texts=["zzz"])[1].notes == [
        "1 of 1 text holds no known token: predicted as unknown"
    ]
    assert predict(trained.run.path, texts=["sun"])[1].notes == []


def test_texts_are_not_for_other_models(iris: Trained) -> None:
    with pytest.raises(UsageError, match="--text is for a model of texts; this one takes a table"):
        predict(iris.run.path, texts=["a"])


def test_recordings_are_cut_into_windows_where_the_training_ones_were(tmp_path: Path, sound_preset: list[str]) -> None:
    trained = train(tmp_path, *sound_preset, "data.clips=windows", "data.seconds=0.12")
    save(tmp_path / "long.wav", np.concatenate([tone(300.0, 0.12), tone(2400.0, 0.12)]))
    lines, _ = predict(trained.run.path, tmp_path / "long.wav")
    assert [(Path(line["input"]).name, line["start_s"]) for line in lines] == [("long.wav", 0.0), ("long.wav", 0.12)]
    rows, _ = predict(trained.run.path, tmp_path / "long.wav", format="csv")
    assert [row["start_s"] for row in rows] == ["0.0", "0.12"]


LANGUAGE = ("model.name=transformer", "model.width=16", "model.layers=1", "model.heads=2")


def test_a_language_model_continues_prompts(train_example: Callable[..., Trained]) -> None:
    trained = train_example("text_file", *LANGUAGE)
    greedy = ["data.temperature=0", "data.sample_tokens=30"]
    [first, second], _ = predict(trained.run.path, texts=["sun mo", "star"], overrides=greedy)
    model = load_model(trained.run.path)
    encoding: Any = model.encoding
    ids = encoding.ids(["sun mo"])[0]
    for _ in range(30):
        scores = model.model(torch.tensor([ids[-16:]]))[0, :, -1]
        scores[:2] = -torch.inf
        ids.append(int(scores.argmax()))
    assert first["prediction"] == encoding.text(ids)[len("sun mo") :]
    assert len(second["prediction"]) == 30
    [again], _ = predict(trained.run.path, texts=["sun mo"])
    [once_more], _ = predict(trained.run.path, texts=["sun mo"])
    assert again == once_more
    assert len(again["prediction"]) == 200
    with pytest.raises(DataError, match="the prompt is empty"):
        predict(trained.run.path, texts=["sun", ""])
    lines, predicted = predict(trained.run.path, texts=["sun", ""], skip_broken=True)
    assert [line["prediction"] is None for line in lines] == [False, True]
    assert predicted.broken == 1


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("optimizer.learning_rate=1", "only data.sample_tokens, data.temperature, data.top_k can be changed"),
        ("data.context=3", "can be changed"),
        ("data.temperature=-1", "data.temperature=-1: "),
        ("data.temperature=hot", "data.temperature=hot: "),
    ],
)
def test_only_how_it_writes_can_be_changed(train_example: Callable[..., Trained], assignment: str, said: str) -> None:
    trained = train_example("text_file", *LANGUAGE, "training.epochs=1")
    with pytest.raises(PresetError, match=said):
        predict(trained.run.path, texts=["sun"], overrides=[assignment])


def test_settings_of_writing_are_not_for_other_models(iris: Trained, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="how a language model writes"):
        predict(iris.run.path, flowers(tmp_path / "new.csv"), overrides=["data.temperature=0"])


def test_the_last_checkpoint_is_taken_where_there_is_no_best_one(tmp_path: Path) -> None:
    trained = train(tmp_path, "data.name=iris", "model.hidden=[4]", "training.keep_best=false")
    assert model_file(trained.run.path) == trained.run.last_checkpoint
    lines, predicted = predict(trained.run.path, flowers(tmp_path / "new.csv"))
    assert len(lines) == 3
    assert predicted.model == str(trained.run.last_checkpoint)
