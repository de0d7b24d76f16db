from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.data import continued_text as module
from workbench.data.continued_text import Windows, chunks, continued_text
from workbench.data.fit_tokens import Tokens
from workbench.data.samples import InMemory, Samples, Split
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import PAD, TokenKind
from workbench.data.topics import topics_text
from workbench.errors import DataError, PresetError
from workbench.settings.preset import Preset
from workbench.settings.text_data import TextFile, Topics
from workbench.training.prepared_data import prepare

TEXT = "".join(f"line {number} of the text\n" for number in range(200))


def tokens(kind: TokenKind = "characters", vocabulary: int = 400) -> Tokens:
    return Tokens(kind, vocabulary, 1, False)


def encoding_of(samples: Samples) -> TextEncoding:
    assert samples.fit_encoding is not None
    encoding = samples.fit_encoding(samples.train)
    assert isinstance(encoding, TextEncoding)
    return encoding


def splits_of(samples: Samples) -> list[InMemory]:
    splits = [split for split in (samples.train, samples.validation, samples.test) if isinstance(split, InMemory)]
    assert len(splits) == sum(split is not None for split in (samples.train, samples.validation, samples.test))
    return splits


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_windows_follow_one_another_and_targets_are_the_next_tokens(kind: TokenKind) -> None:
    samples = continued_text(TEXT, tokens(kind), Windows(10, 0.1, 0.2))
    encoding = encoding_of(samples)
    fractions = []
    for split, start in zip(splits_of(samples), (0, 0.7, 0.8), strict=True):
        assert split.inputs.dtype == split.targets.dtype == torch.int64
        assert split.inputs.shape == split.targets.shape == (len(split), 10)
        assert not bool((split.inputs == PAD).any() | (split.targets == PAD).any())
        row = split.inputs.flatten().tolist()
        assert row[1:] == split.targets.flatten().tolist()[:-1]
        part = encoding.text(row)
        assert TEXT[round(start * len(TEXT)) :].startswith(part)
        fractions.append(len(part) / len(TEXT))
    assert fractions == pytest.approx([0.7, 0.1, 0.2], abs=0.02)
    assert samples.task.kind == "language_modeling"
    assert samples.task.outputs == encoding.vocabulary_size


def test_bytes_per_token_are_those_of_each_part() -> None:
    plain = continued_text(TEXT, tokens(), Windows(10, 0.1, 0.1))
    assert plain.task.bytes_per_token == (1, 1, 1)
    text = "a" * 800 + "é" * 100 + "語" * 100  # one, two and three bytes each
    characters = continued_text(text, tokens(), Windows(10, 0.1, 0.1))
    assert characters.task.bytes_per_token == (1, 2, 3)
    assert [characters.task.bytes_per_token_of(each) for each in ("training", "validation", "test")] == [1, 2, 3]
    assert continued_text(text, tokens("bytes"), Windows(10, 0.1, 0.1)).task.bytes_per_token == (1, 1, 1)
    assert continued_text(text, tokens(), Windows(10, 0, 0.2)).task.bytes_per_token == (1, None, 2.5)
    samples = continued_text(text, tokens(), Windows(10, 0, 0))
    assert samples.task.bytes_per_token == (1.3, None, None)
    assert samples.validation is samples.test is None
    words = continued_text("four " * 500, tokens("words"), Windows(10, 0.1, 0.1))
    assert words.task.bytes_per_token == (5, 5, 5)


def spans(split: Split | None, encoding: TextEncoding) -> list[tuple[int, int]]:
    """Where in TEXT the windows of a split stand, each with its last target."""
    if split is None:
        return []
    assert isinstance(split, InMemory)
    texts = [encoding.text(ids) for ids in torch.cat([split.inputs, split.targets[:, -1:]], 1).tolist()]
    assert all(TEXT.count(each) == 1 for each in texts)
    return [(start, start + len(each)) for each in texts for start in [TEXT.index(each)]]


@pytest.mark.parametrize("test_fraction", [0.0, 0.2])
@pytest.mark.parametrize("method", ["holdout", "predefined", "none"])
def test_what_is_held_out_follows_all_training_windows(tmp_path: Path, method: str, test_fraction: float) -> None:
    (tmp_path / "long.txt").write_text(TEXT)
    data = ["data.name=text_file", f"data.file={tmp_path / 'long.txt'}", "data.context=48", "data.batch_size=8",
            "model.name=gru", f"data.test_fraction={test_fraction}"]  # fmt: skip
    prepared = prepare(Preset().override([*data, f"validation.method={method}"]), lambda progress: None)
    splits, encoding = prepared.splits, prepared.encoding
    assert isinstance(encoding, TextEncoding)
    training, validation, test = (spans(each, encoding) for each in (splits.train, splits.validation, splits.test))
    assert (splits.validation is None, splits.test is None) == (method == "none", test_fraction == 0)
    ends = round(len(TEXT) * (0.9 - test_fraction)), round(len(TEXT) * (1 - test_fraction)), len(TEXT)
    starts = (0, *ends[:-1])
    for found, start, end in zip((training, validation, test), starts, ends, strict=True):
        if found:
            assert found[0][0] == start
            assert end - 48 <= max(there for _, there in found) <= end
    assert any("not split at random" in note for note in prepared.notes) == (method == "holdout")


def test_methods_that_would_draw_windows_of_a_text_at_random_are_refused() -> None:
    samples = continued_text(TEXT, tokens(), Windows(10, 0.1, 0.1))
    for method in ("k_fold", "leave_one_out"):
        choice = Preset().override([f"validation.method={method}", "validation.fold=0"]).validation
        with pytest.raises(PresetError, match=f'"{method}" draws samples at random.*; choose "predefined"'):
            choice.build(samples)
    without = continued_text(TEXT, tokens(), Windows(10, 0, 0.1))
    for method in ("holdout", "predefined"):
        choice = Preset().override([f"validation.method={method}"]).validation
        with pytest.raises(PresetError, match=rf'"{method}", but .*data\.validation_fraction = 0.*method = "none"'):
            choice.build(without)


def test_the_vocabulary_is_that_of_the_training_part_and_what_is_lost_is_said() -> None:
    samples = continued_text("ab" * 450 + "xy" * 50, tokens(), Windows(10, 0, 0.1))
    assert samples.task.outputs == 4
    assert samples.notes == (
        "100 of 100 tokens of the test part are unknown, and easy to predict: bits per byte are lower than those of "
        "the text itself",
    )
    words = continued_text(TEXT, tokens("words"), Windows(10, 0, 0.1))
    assert any("words do not keep spaces" in note for note in words.notes)


@pytest.mark.parametrize("kind", ["characters", "bytes", "words"])
def test_a_text_of_a_single_token_is_said(kind: TokenKind) -> None:
    text = "a " * 500 if kind == "words" else "a" * 500
    samples = continued_text(text, tokens(kind), Windows(10, 0, 0.1))
    assert samples.notes[0] == (
        "the training part of the text is one token over and over: a model learns nothing but to repeat it"
    )
    assert not any("lengths" in note for note in (*samples.notes, *encoding_of(samples).notes))


@pytest.mark.parametrize("kind", ["characters", "bytes", "words", "bpe"])
def test_a_training_part_without_a_word_is_refused(kind: TokenKind) -> None:
    with pytest.raises(DataError, match="all texts of the training split are empty"):
        continued_text(" " * 800 + "words " * 20, tokens(kind), Windows(10, 0, 0.2))


def test_ids_pass_through_the_encoding_that_a_checkpoint_holds() -> None:
    samples = continued_text(TEXT, tokens(), Windows(16, 0.1, 0.1))
    [train, *_] = splits_of(samples)
    encoding = encoding_of(samples)
    assert torch.equal(encoding(train.inputs), train.inputs)
    assert encoding(["line"]).shape == (1, 16)


def test_a_long_text_is_cut_into_pieces_at_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 50)
    pieces = list(chunks(TEXT + "Z" * 120))
    assert "".join(pieces) == TEXT + "Z" * 120
    assert all(piece.endswith("\n") for piece in pieces if "Z" not in piece)
    assert max(map(len, pieces)) <= 101
    whole = continued_text(TEXT, tokens(), Windows(10, 0.1, 0.1))
    monkeypatch.setattr(module, "CHUNK", 10**6)
    assert torch.equal(
        splits_of(whole)[0].inputs, splits_of(continued_text(TEXT, tokens(), Windows(10, 0.1, 0.1)))[0].inputs
    )


@pytest.mark.parametrize(
    ("text", "windows", "message"),
    [
        ("", Windows(10, 0.1, 0.1), "the text is empty"),
        (" \n", Windows(10, 0.1, 0.1), "the text is empty"),
        ("abcdefghij", Windows(10, 0, 0), r"training part of the text has 10 tokens, .* data\.context = 10 and the"),
        ("ab" * 100, Windows(50, 0.1, 0.3), "the validation part of the text has 20 tokens, too few"),
        ("ab" * 100, Windows(50, 0, 0.1), "the test part of the text has 20 tokens"),
    ],
)
def test_texts_that_are_too_short_are_refused(text: str, windows: Windows, message: str) -> None:
    with pytest.raises(DataError, match=message):
        continued_text(text, tokens(), windows)


def read(file: Path | str, **settings: Any) -> Samples:
    choice = TextFile.model_validate({"file": str(file), "context": 8} | settings)
    return choice.build(lambda progress: None)


def test_one_file_a_folder_and_a_pattern_are_read(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_bytes(b"one\r\n" * 30)
    (tmp_path / "b" / "c.txt").write_text("two " * 30)
    (tmp_path / "d.md").write_text("three")
    (tmp_path / ".hidden.txt").write_text("four")
    settings = {"validation_fraction": 0, "test_fraction": 0}

    def text_of(samples: Samples) -> str:
        return encoding_of(samples).text(splits_of(samples)[0].inputs.flatten().tolist())

    one = read(tmp_path / "a.txt", **settings)
    assert text_of(one) == ("one\n" * 30)[: 14 * 8]
    assert one.notes == ()
    both = read(tmp_path, **settings)
    assert text_of(both).startswith("one\n" * 30 + "\ntwo two")
    assert both.notes == ("2 files, from a.txt to c.txt: 241 B of text",)
    assert text_of(read(f"{tmp_path}/**/*.txt", **settings)).startswith("one\n" * 30 + "\ntwo two")
    assert text_of(read(f"{tmp_path}/b/[ab-z].txt", **settings)).startswith("two two")


def test_files_that_are_not_there_or_hold_nothing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt does not exist; data\.file must name a text file"):
        read(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"no file matches .*\*\.txt; data\.file must name"):
        read(tmp_path / "*.txt")
    with pytest.raises(DataError, match=r"holds no text files; expected \*\.txt"):
        read(tmp_path)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match=r"empty\.txt is empty"):
        read(tmp_path / "empty.txt")
    (tmp_path / "also.txt").write_text("")
    with pytest.raises(DataError, match=r"all 2 files of .* are empty"):
        read(tmp_path)


def test_the_help_of_python_is_a_long_text() -> None:
    text = topics_text()
    assert len(text) > 300_000
    assert 'The "assert" statement' in text
    samples = Topics(tokens="bytes").build(lambda progress: None)
    assert splits_of(samples)[0].inputs.shape[0] > 2000
    again = Topics(tokens="bytes").build(lambda progress: None)
    assert torch.equal(splits_of(samples)[0].inputs, splits_of(again)[0].inputs)


def test_a_python_without_its_help_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pydoc_data"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r'without pydoc_data\.topics.* data\.name = "text_file"'):
        topics_text()
