"""What the tokens of a text do not keep is said, whatever the tokens are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.data import lost_text
from workbench.data.continued_text import Windows, continued_text
from workbench.data.fit_tokens import Tokens
from workbench.data.lost_text import loss_of
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import TokenKind

LINES = "".join(f"Line {number}, of the text.\n" for number in range(200))
TOO_LOW = "bits per byte are lower than those of the text itself"


def tokenizer(folder: Path, alphabet: str, **parts: Any) -> str:
    """A file with a tokenizer of single characters, without an unknown token unless `parts` has one."""
    model = {"type": "BPE", "vocab": {letter: number for number, letter in enumerate(alphabet)}, "merges": []}
    whole = {"version": "1.0", "added_tokens": [], "decoder": {"type": "Fuse"}, "model": model} | parts
    (folder / "tok.json").write_text(json.dumps(whole))
    return str(folder / "tok.json")


def notes(text: str, kind: TokenKind, file: str = "") -> list[str]:
    return list(continued_text(text, Tokens(kind, 400, 1, False, file), Windows(10, 0, 0.2)).notes)


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_tokens_that_keep_the_text_are_not_noted(kind: TokenKind) -> None:
    assert notes(LINES, kind) == []
    assert notes("naïve 👩‍👩‍👧 e\u0301\r\n\t" * 50, kind) == []


def test_a_tokenizer_that_leaves_out_what_it_does_not_know_is_said(tmp_path: Path) -> None:
    """Of 200 characters at the end, 20 are é and 20 are z."""
    file = tokenizer(tmp_path, "abcdef \n")
    assert notes("abcdeféz \n" * 100, "bpe", file) == [
        f"40 of 160 characters of the test part are not kept by any token ('é', 'z'): {TOO_LOW}"
    ]
    assert notes("abcdefab \n" * 100, "bpe", file) == []


def test_a_tokenizer_that_loses_spaces_is_said(tmp_path: Path) -> None:
    file = tokenizer(tmp_path, "abcdef", pre_tokenizer={"type": "Whitespace"})
    assert notes("abcd ef\n" * 100, "bpe", file) == [f"parts of words do not keep spaces and line ends: {TOO_LOW}"]
    assert notes("Line, of the text.\n" * 100, "words") == [f"words do not keep spaces and line ends: {TOO_LOW}"]


def test_upper_case_that_a_tokenizer_lowers_is_lost_to_a_language_model(tmp_path: Path) -> None:
    file = tokenizer(tmp_path, "abcdef \n", normalizer={"type": "Lowercase"})
    [note] = notes("Abcdef \n" * 100, "bpe", file)
    assert note == f"20 of 120 characters of the test part are not kept by any token ('A'): {TOO_LOW}"


def test_unknown_tokens_are_not_lost_twice(tmp_path: Path) -> None:
    model = {"type": "BPE", "vocab": {"?": 0, "a": 1, "b": 2}, "merges": [], "unk_token": "?"}
    file = tokenizer(tmp_path, "", model=model)
    [note] = notes("ab c" * 100, "bpe", file)
    assert note.startswith("40 of 80 tokens of the test part are unknown")


def fitted(texts: list[str], kind: TokenKind, file: str = "") -> TextEncoding:
    return Tokens(kind, 400, 1, True, file).fitted(texts, 20)


def test_characters_of_texts_that_have_no_token_are_said(tmp_path: Path) -> None:
    encoding = fitted(["abc Abz", "é", "éé b", ""], "bpe", tokenizer(tmp_path, "abc "))
    assert encoding.notes[1:4] == (
        "5 of 10 characters of the training texts are not kept by any token ('é', 'A', 'z'); a tokenizer of bytes "
        "would keep them",
        "1 of 4 training texts is empty: one unknown token each",
        "1 of 4 training texts has no token that the tokenizer knows, as if empty: one unknown token each",
    )
    lowered = tokenizer(tmp_path, "abc ", normalizer={"type": "Lowercase"})
    assert not any("kept" in note for note in fitted(["abc ABC"], "bpe", lowered).notes)


@pytest.mark.parametrize("kind", ["words", "characters", "bytes", "bpe"])
def test_no_kind_of_our_own_loses_characters(kind: TokenKind) -> None:
    texts = ["Ab ß İ Σ\x00 👩‍👩‍👧 don't \u200b\u0301x a\ud83d", "İSΣ e\u0301 🇩🇪🇩 👍🏽"]
    assert not any("kept" in note for note in fitted(texts, kind).notes)
    loss = loss_of(fitted(texts, kind), texts, ignore_case=True)
    assert (loss.characters, loss.lost.total()) == (30, 0)


def test_of_a_long_text_and_of_many_texts_a_sample_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tokenizer(tmp_path, "a \n")
    monkeypatch.setattr(lost_text, "SAMPLE", 160)
    [note] = notes("aaaé\n" * 1000, "bpe", file)
    assert note.startswith("32 of 128 characters of a sample of the test part")
    monkeypatch.setattr(lost_text, "MOST_TEXTS", 5)
    monkeypatch.setattr(lost_text, "MOST_OF_A_TEXT", 3)
    assert fitted(["éaaé"] * 9, "bpe", file).notes[1].startswith("5 of 15 characters of a sample of 5 training texts")
