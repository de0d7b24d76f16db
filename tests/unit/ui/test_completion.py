"""What is offered while a value is typed (screen/REPORT #30)."""

from __future__ import annotations

import asyncio
import codecs
import json
import sys
from pathlib import Path

import pytest

from workbench.data import header
from workbench.errors import DataError
from workbench.settings.preset import Preset
from workbench.ui.form.column_reader import ColumnReader
from workbench.ui.form.completion import columns, common_beginning, entry_of, examples, narrowed, paths
from workbench.ui.form.draft import Draft

COLUMNS = [("age", "1, 2"), ("bought", "yes, no"), ("petal, width", "0.2"), ("class", "setosa")]


def texts(text: str, *, several: bool = False) -> list[str]:
    return [candidate.text for candidate in columns(text, COLUMNS, several=several)]


def test_columns_are_narrowed_by_name_and_values() -> None:
    assert texts("") == ["age", "bought", "petal, width", "class"]
    assert texts("bou") == ["bought"]
    assert texts("setosa") == ["class"]
    assert texts("bougt") == []


def test_of_several_columns_the_last_is_typed_and_those_before_are_not_offered_again() -> None:
    assert texts("age, b", several=True) == ["age, bought"]
    assert "age, age" not in texts("age, ", several=True)
    assert 'age, "petal, width"' in texts("age, ", several=True)
    assert entry_of('"petal, width", cl', several=True) == "cl"
    assert texts('"petal, width", cl', several=True) == ['"petal, width", class']


def test_what_is_offered_for_several_columns_is_read_as_those_columns() -> None:

    draft = Draft(Preset().override(["data.name=csv", "data.file=x.csv", "data.target=y"]))
    draft.enter("data.ignore", 'age, "petal, width"')
    assert draft.value_of("data.ignore") == ("age", "petal, width")


def test_files_and_folders_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mydata").mkdir()
    (tmp_path / "mydata" / "deep.csv").touch()
    for name in ("my.csv", "my.tsv", "other.csv", ".hidden"):
        (tmp_path / name).touch()

    def offered(text: str, *, only_folders: bool = False) -> list[tuple[str, bool]]:
        return [(candidate.text, candidate.is_whole) for candidate in paths(text, only_folders=only_folders)]

    assert offered("my") == [("my.csv", True), ("my.tsv", True), ("mydata/", False)]
    assert offered("my", only_folders=True) == [("mydata/", False)]
    assert offered("mydata/d") == [("mydata/deep.csv", True)]
    assert offered(f"{tmp_path}/o") == [(f"{tmp_path}/other.csv", True)]
    assert (".hidden", True) not in offered("")
    assert offered(".h") == [(".hidden", True)]
    assert offered("nowhere/x") == []
    assert offered("a\0b") == []
    assert common_beginning(paths("my", only_folders=False)) == "my"
    assert common_beginning(paths("my.", only_folders=False)) == "my."
    assert common_beginning(paths("ot", only_folders=False)) == "other.csv"
    assert common_beginning([]) == ""


def test_names_come_before_explanations() -> None:
    assert narrowed([("adamw", "like adam"), ("lion", "adam no more"), ("adam", "the usual")], "adam") == [2, 0, 1]


# The process that reads the columns, and the app's end of it.


def test_the_columns_of_a_file_are_listed_with_some_of_their_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.nice", lambda _: 0)
    file = tmp_path / "my.csv"
    file.write_text("age;bought\n" + "".join(f"{row};yes\n" for row in range(100)))
    assert header.main([str(file), "auto"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "columns": [{"name": "age", "values": ["0", "1", "2", "3"]}, {"name": "bought", "values": ["yes"]}],
        "wrong": "",
    }
    assert header.main([str(file), "auto", '{"data.target": ["bougt"]}']) == 0
    wrong = json.loads(capsys.readouterr().out)["wrong"]
    assert wrong.startswith("data.target: ")
    assert "has no column 'bougt', perhaps 'bought'" in wrong
    assert header.main([str(tmp_path / "nowhere.csv"), "auto"]) == 3
    assert "nowhere.csv does not exist" in json.loads(capsys.readouterr().out)["error"]


def test_of_a_long_file_the_beginning_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "HEAD_BYTES", 60)
    file = tmp_path / "long.csv"
    file.write_text("age,bought\n" + "17,no\n" * 50 + "a line that is broken\n")
    assert [column["name"] for column in header.columns(header.first_rows(file, "auto"))] == ["age", "bought"]
    file.write_text("age,age\n" + "17,no\n" * 50)
    with pytest.raises(DataError, match=r"long\.csv, line 1") as caught:
        header.first_rows(file, "auto")
    assert str(caught.value).startswith(str(file))


def test_the_beginning_of_a_long_file_ends_with_a_whole_line_in_any_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "long.csv"
    for encoding in ("utf-8", "utf-16"):
        file.write_text("age,bought\n" + "17,no\n" * 50, encoding=encoding)
        for size in range(60, 80):
            monkeypatch.setattr(header, "HEAD_BYTES", size)
            assert [column["values"] for column in header.columns(header.first_rows(file, "auto"))] == [["17"], ["no"]]


def test_the_columns_of_json_lines_are_their_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text('{"text": "a", "label": 1}\n{"text": "b", "stars": 3}\n' * 20)
    expected = [
        {"name": "text", "values": ["a", "b"]},
        {"name": "label", "values": ["1"]},
        {"name": "stars", "values": ["3"]},
    ]
    assert header.columns(header.first_rows(file, "auto")) == expected
    monkeypatch.setattr(header, "HEAD_BYTES", 70)
    assert header.columns(header.first_rows(file, "auto")) == expected


def test_the_columns_are_read_once_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text("age,bought\n1,yes\n")
    script = (
        "import sys; open('starts', 'a').write('x'); "
        'print(\'{"columns": [{"name": "age", "values": ["1", "2"]}]}\')'
    )
    reader = ColumnReader((sys.executable, "-S", "-c", f"import os; os.chdir({str(tmp_path)!r}); {script}"))

    async def read() -> None:
        assert await reader.read(str(file), "auto") == [("age", "1, 2")]
        assert await reader.read(str(file), "auto") == [("age", "1, 2")]
        assert (tmp_path / "starts").read_text() == "x"
        file.write_text("age,bought,city\n1,yes,Rome\n")
        await reader.read(str(file), "auto")
        assert (tmp_path / "starts").read_text() == "xx"

    asyncio.run(read())


@pytest.mark.parametrize(
    ("answer", "words"), [('{"error": "my.csv is a folder"}', "is a folder"), ("", "cannot be read"), ("[]", "cannot")]
)
def test_the_reason_why_columns_cannot_be_listed_is_given(tmp_path: Path, answer: str, words: str) -> None:
    reader = ColumnReader((sys.executable, "-S", "-c", f"print({answer!r})"))
    with pytest.raises(DataError, match=words):
        asyncio.run(reader.read(str(tmp_path / "my.csv"), "auto"))


def test_the_columns_that_settings_name_are_checked_before_a_start(tmp_path: Path) -> None:
    """By the real process, which needs no PyTorch."""
    file = tmp_path / "my.csv"
    file.write_text("age,bought\n1,yes\n")
    chosen = Preset().override(["data.name=csv", f'data.file="{file}"', "data.target=bougt"])

    async def wrong(*changes: str) -> str:
        return await ColumnReader().wrong(chosen.override(list(changes)).data)

    assert asyncio.run(wrong()).startswith("data.target: ")
    assert asyncio.run(wrong("data.target=bought")) == ""
    assert "data.ignore: " in asyncio.run(wrong("data.target=bought", 'data.ignore=["agee"]'))
    twice = asyncio.run(wrong("data.target=bought", 'data.ignore=["bought"]'))
    assert "named both in data.target and in data.ignore" in twice
    nowhere = asyncio.run(wrong(f'data.file="{tmp_path / "nowhere.csv"}"'))
    assert nowhere == "", "the trainer says it best"


def test_the_columns_of_a_table_of_texts_are_checked_too_and_other_data_starts_no_process(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": "a", "label": 1}\n')
    chosen = Preset().override(["data.name=text_table", f'data.file="{file}"', "data.target=label"])

    def wrong(*changes: str) -> str:
        return asyncio.run(ColumnReader().wrong(chosen.override(list(changes)).data))

    assert wrong() == ""
    assert wrong("data.text=txet").startswith("data.text: ")
    assert "has no column 'author'" in wrong("data.group=author")
    assert chosen.data.named_columns == {"data.text": ["text"], "data.target": ["label"]}
    assert Preset().data.named_columns == {}
    assert asyncio.run(ColumnReader(("no such program",)).wrong(Preset().data)) == ""


def test_suggested_values_are_valid_ones() -> None:
    from torchvision.models import list_models

    found = 0
    draft = Draft(Preset())
    for family, label in (("data", "text_folder"), ("model", "torchvision")):
        draft.choose(family, label)
    draft.enter("data.folder", "texts")
    for row in draft.rows():
        assert all(draft.enter(row.path, example) is None for example in row.examples), row.path
        found += bool(row.examples)
        if row.path == "model.architecture":
            assert set(row.examples) <= set(list_models())
        if row.path == "data.encoding":
            assert all(example == "auto" or codecs.lookup(example) for example in row.examples)
    assert found == 3
    assert [each.text for each in examples("v2", ("resnet18", "mobilenet_v2"))] == ["mobilenet_v2"]
