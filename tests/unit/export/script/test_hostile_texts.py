"""Texts of a preset, of data and of a run that look like code enter a script as texts: nothing of them is executed."""

from __future__ import annotations

import ast
import random
from dataclasses import replace
from typing import Any

import pytest

from workbench.export.script.facts import Arrays, Facts, Folder, Sounds, Table
from workbench.export.script.machine import Machine
from workbench.export.script.write import write_script
from workbench.export.script.written import docstring, literal, pattern_literal
from workbench.settings.preset import Preset

HARMLESS = "harmless"
PIECES = (
    *('"', "'", '"""', "'''", "\\", "\\\\", "\n", "\r", "\r\n", "\t", "\x00", "\x0b", "\x0c", "\x1b[31m", "\x85"),
    *("\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\ud800", "\U0001f600", "é", "#", "#? gpu", "#? !gpu", "$name"),
    *("$", "{}", "{0}", "%s", ";", "import os", 'open("PWN", "w")', "x" * 130, " ", "  ", ")", "]", "}", "\\N{DASH}"),
)
KNOWN = (
    '2"""; import pathlib; pathlib.Path("PWN").touch(); """',
    '"""\nimport pathlib\npathlib.Path("PWN").touch()\n"""',
    '"; open("PWN", "w"); "',
    "'; open('PWN', 'w'); '",
    "\\",
    '\\"',
    '"',
    '"' * 7,
    "\\" * 3 + '"' * 3,
    "\u202etxt\u2066",
)


def hostile_texts() -> list[str]:
    draw = random.Random(0)
    return [*KNOWN, *("x" + "".join(draw.choices(PIECES, k=draw.randint(1, 9))) + "x" for _ in range(60))]


FACTS = Facts(
    task="classification",
    outputs=3,
    input_shape=[4],
    raw_type="float64",
    train_samples=100,
    validation_samples=20,
    test_samples=20,
    samples_per_epoch=100,
    own_validation=False,
    own_test=False,
    monitor="loss",
)
IMAGES = replace(FACTS, input_shape=[3, 8, 8], raw_type="uint8")
TEXTS = replace(FACTS, input_shape=[16], raw_type="text", vocabulary=50)


def cases(text: str) -> dict[str, tuple[list[str], dict[str, Any], dict[str, Any], Facts]]:
    """For each kind of data: settings, texts in the preset's data and model, and what was found."""
    classes = [text, "b", text]
    table = Table(text, text, False, [text, "b"], {text: [text, "b"], "c": ["d"]}, True)
    folder = Folder({"train": text, text: text, "test": ""}, [text, ".b"])
    sounds = Sounds(text, 100, 10, 5, 16, 8, text, {"test": [text], text: ["b", text]})
    bag = ["model.name=bag_of_embeddings", "model.width=4"]
    rows = {"file": text, "target": text, "missing_values": (text, "b")}
    return {
        "csv": (
            ["data.name=csv", "data.file=a.csv", "data.target=t", "data.missing=drop"],
            rows,
            {},
            replace(FACTS, table=table, classes=classes),
        ),
        "compressed csv": (
            ["data.name=csv", "data.file=a.csv", "data.target=t", "data.missing=drop"],
            rows,
            {},
            replace(FACTS, table=replace(table, is_compressed=True, numeric=[]), classes=classes),
        ),
        "npz": (
            ["data.name=npz", "data.file=a.npz"],
            {"file": text},
            {},
            replace(FACTS, arrays=Arrays({"train": text, text: text}, False, False, "renumbered")),
        ),
        "image_folder": (
            ["data.name=image_folder", "data.folder=a"],
            {"folder": text},
            {},
            replace(IMAGES, folder=folder, classes=classes),
        ),
        "mnist": (
            ["data.name=mnist"],
            {"folder": text},
            {},
            replace(IMAGES, input_shape=[1, 28, 28], torchvision_class="MNIST"),
        ),
        "architecture": (
            ["data.name=image_folder", "data.folder=a", "model.name=torchvision", "model.resize=32"],
            {"folder": text},
            {"architecture": text},
            replace(IMAGES, folder=folder, classes=classes),
        ),
        "text_table": (
            ["data.name=text_table", "data.file=a.csv", "data.target=t", "data.missing=drop", *bag],
            rows | {"text": text},
            {},
            replace(TEXTS, table=table, classes=classes),
        ),
        "text_folder": (
            ["data.name=text_folder", "data.folder=a", *bag],
            {"folder": text},
            {},
            replace(TEXTS, folder=folder, classes=classes),
        ),
        **{
            f"{len(files)} text files": (
                ["data.name=text_file", "data.file=a", "validation.method=predefined", "model.name=gru"],
                {"file": text},
                {},
                replace(TEXTS, task="language_modeling", is_one_text=True, files=files),
            )
            for files in ([text], [text, "b"])
        },
        "audio_folder": (
            [
                *("data.name=audio_folder", "data.folder=a", "model.name=audio_cnn"),
                *(f"data.{each}" for each in ("time_masks=0", "frequency_masks=0")),
            ],
            {"folder": text, "speaker_pattern": text},
            {},
            replace(FACTS, input_shape=[1, 16, 30], folder=folder, sounds=sounds, classes=classes, is_grouped=True),
        ),
    }


def script(case: str, text: str) -> str:
    """The script of a run whose every text is this one."""
    settings, data, model, facts = cases(text)[case]
    preset = Preset().override([*settings, "runtime.device=cpu"])
    preset = preset.model_copy(
        update={
            "name": text,
            "description": text,
            "data": preset.data.model_copy(update=data),
            "model": preset.model.model_copy(update=model),
        }
    )
    return write_script(preset, facts, Machine(text, text, text, 1, False, False))


def structure(source: str, text: str) -> str:
    """The syntax tree, with the harmless text wherever the given one stands."""
    tree = ast.parse(source.encode())
    first = tree.body[0]
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Constant)
    # Lines of the docstring are broken anew: it is compared by its words.
    words, spoken = "".join(str(first.value.value).split()), "".join(text.split())
    assert words.count(spoken) >= 4, "description, run, PyTorch and processor"
    first.value.value = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in (text, f"{text}.pt", f"y{text}"):
                node.value = node.value.replace(text, HARMLESS)
            assert text == HARMLESS or "PWN" not in node.value
    return ast.dump(tree)


@pytest.mark.parametrize("case", list(cases("")))
def test_every_text_is_one_constant_that_is_equal_to_it(case: str) -> None:
    expected = structure(script(case, HARMLESS), HARMLESS)
    for text in hostile_texts():
        written = script(case, text)
        assert all(each.isprintable() or each == "\n" for each in written), repr(text)
        assert structure(written, text) == expected, repr(text)


@pytest.mark.parametrize("case", list(cases("")))
def test_a_script_does_nothing_but_define_things(case: str) -> None:
    body = ast.parse(script(case, KNOWN[0])).body
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.ClassDef)
    assert isinstance(body[0], ast.Expr)
    assert all(isinstance(each, allowed) for each in body[1:-1])
    assert isinstance(body[-1], ast.If)
    assert ast.unparse(body[-1].test) == "__name__ == '__main__'"
    assigned = [node.value for node in body if isinstance(node, ast.Assign)]
    calls = {ast.unparse(node.func) for value in assigned for node in ast.walk(value) if isinstance(node, ast.Call)}
    assert calls <= {"Path", "word_pattern"}


def test_values_come_back_equal() -> None:
    for text in hostile_texts():
        assert ast.literal_eval(literal(text)) == text
        assert ast.literal_eval(pattern_literal(text)) == text
        assert ast.literal_eval(literal({text: [text, (text,), None, True, 1, -0.5]}, wrapped=True)) == {
            text: [text, (text,), None, True, 1, -0.5]
        }
        spoken = ast.literal_eval(docstring([text, "second"]))
        assert "".join(spoken.split()) == "".join(text.split()) + "second"
    assert eval(literal([float("inf"), float("-inf")])) == [float("inf"), float("-inf")]
    with pytest.raises(TypeError, match="a object is not a plain value"):
        literal(object())
