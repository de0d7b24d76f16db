from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.data.bpe import Bpe
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.fit_tokens import Tokens
from workbench.data.text_encoding import CHUNK, TextEncoding
from workbench.data.tokens import BPE_LEAST, PAD, SPECIAL, UNKNOWN
from workbench.errors import DataError, PresetError
from workbench.settings.text_data import TextTable

TEXTS = ["the cat and the other cat", "the dog, the cat", "there they are"] * 3


def fitted(vocabulary: int = 300, tokenizer: str = "", max_length: int = 32) -> TextEncoding:
    encoding = Tokens("bpe", vocabulary, 1, True, tokenizer).fitted(TEXTS, max_length)
    encoding.length = max_length  # which is at most that of the longest text
    return encoding


def small_tokenizer(folder: Path, **changes: Any) -> Path:
    """A file with a tokenizer of three tokens, of which <unk> is the unknown one."""
    model = {"type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2}, "merges": [], "unk_token": "<unk>"} | changes
    whole: dict[str, Any] = {
        "version": "1.0",
        "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": model,
    }
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(whole))
    return file


def test_frequent_words_become_single_tokens_and_nothing_is_unknown() -> None:
    encoding = fitted()
    assert encoding.vocabulary_size == 277  # there are no more pairs to merge
    assert encoding.tokens(encoding.ids(["the cat"])[0]) == ["the", " cat"]
    assert encoding.notes[0] == "bpe: 275 parts of words, learned from the training split"
    odd = ["héllo 👍🏽", "e\u0301", "", "a\ud83d", "日本"]
    ids = encoding(odd)
    assert ids.shape == (5, 32)
    assert int(ids.max()) < 277
    assert (ids == UNKNOWN).sum() == 1  # the empty text
    assert [encoding.text(row.tolist()) for row in ids] == ["héllo 👍🏽", "é", "\ufffd", "a\ufffd", "日本"]


def test_training_gives_the_same_tokenizer_each_time() -> None:
    assert fitted().arguments() == fitted().arguments()


def test_a_vocabulary_of_the_bytes_alone_is_the_least(tmp_path: Path) -> None:
    assert fitted(BPE_LEAST).vocabulary_size == BPE_LEAST
    assert fitted(BPE_LEAST).ids(["ab"]) == [[SPECIAL + 64, SPECIAL + 65]]  # GPT-2's order of bytes: ! is 0
    source = TextTable.model_validate({"file": str(tmp_path), "target": "y", "tokens": "bpe", "vocabulary": 257})
    with pytest.raises(PresetError, match=r'data\.vocabulary = 257, but data\.tokens = "bpe" needs at least 258'):
        source.make_tokens(lowercase=True)


def test_a_file_decides_on_the_ids_and_neither_cuts_nor_draws(tmp_path: Path) -> None:
    encoding = fitted(tokenizer=str(small_tokenizer(tmp_path, dropout=0.9)), max_length=6)
    assert encoding.vocabulary_size == SPECIAL + 3
    assert encoding(["abxba"]).tolist() == [[3, 4, UNKNOWN, 4, 3, PAD]]
    assert encoding.text([3, 4, UNKNOWN, 4, 3, PAD]) == "ab\ufffdba"
    assert f"bpe: 3 parts of words, read from {tmp_path / 'tokenizer.json'}" in encoding.notes


def test_what_a_checkpoint_holds_encodes_as_before(tmp_path: Path) -> None:
    file = small_tokenizer(tmp_path)
    for encoding in (fitted(), fitted(tokenizer=str(file))):
        saved = saved_encoding(encoding)
        restored = restored_encoding(saved)
        assert isinstance(restored, Bpe)
        assert torch.equal(restored(["the bad", "", "ab x"]), encoding(["the bad", "", "ab x"]))
        assert restored.vocabulary_size == encoding.vocabulary_size
    with pytest.raises(ValueError, match="it is not a tokenizer"):
        restored_encoding({"name": "bpe", "arguments": {"tokenizer": "{}", "length": 3}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 0, "b": 1}', r'tokenizer\.json: it has no "model"; in the library tokenizers, tokenizer\.save'),
        (b"#version: 0.2\nt h\n", "it is not JSON"),
        (b"\xff\xfe\x80", "it is not text in UTF-8"),
        (b"[1]", 'it has no "model"'),
        (
            b'{"model": {"type": "WordPiece"}}',
            r'of the kind WordPiece; data\.tokens = "bpe" reads those of the kind BPE',
        ),
        (b'{"model": {"type": "BPE"}}', "is broken: it is not a tokenizer"),
    ],
)
def test_a_file_that_is_no_such_tokenizer_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        fitted(tokenizer=str(file))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json does not exist; data\.tokenizer must name"):
        fitted(tokenizer=str(tmp_path / "none.json"))
    with pytest.raises(DataError, match=r"cannot read .*; data\.tokenizer must name a tokenizer\.json"):
        fitted(tokenizer=str(tmp_path))


def test_a_tokenizer_for_other_tokens_is_refused(tmp_path: Path) -> None:
    source = TextTable.model_validate({"file": str(tmp_path), "target": "y", "tokenizer": "t.json"})
    with pytest.raises(PresetError, match=r'data\.tokenizer is for data\.tokens = "bpe", not "words"'):
        source.make_tokens(lowercase=True)


def test_what_keeps_more_than_a_file_is_not_the_vocabulary(tmp_path: Path) -> None:
    file = str(small_tokenizer(tmp_path))
    [note] = [note for note in Tokens("bpe", 300, 1, True, file).fitted(["abx"], 5).notes if "unknown:" in note]
    assert note.startswith("33 % of the tokens of the training split are unknown: a tokenizer of bytes, or one that is")
    [note] = [note for note in Tokens("bpe", 300, 1, True, file).fitted(["xyz", "z"], 5).notes if "consist" in note]
    assert note == "bpe: all texts of the training split consist of unknown tokens, so only their lengths differ"


def test_a_file_that_has_no_token_for_any_text_is_refused(tmp_path: Path) -> None:
    file = str(small_tokenizer(tmp_path, unk_token=None))
    with pytest.raises(DataError, match=r"no text of the training split has a token that .*tokenizer\.json knows"):
        Tokens("bpe", 300, 1, True, file).fitted(["xyz", ""], 5)


def test_what_a_tokenizer_does_not_know_is_named(tmp_path: Path) -> None:
    assert fitted().unknown_tokens("日本 the cat") == []
    assert fitted(tokenizer=str(small_tokenizer(tmp_path))).unknown_tokens("abzé日a") == ["z", "é", "日"]


def test_texts_are_given_to_the_library_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = fitted()
    sizes: list[int] = []
    ids = Bpe.ids

    def recorded(self: Bpe, texts: list[str]) -> list[list[int]]:
        sizes.append(sum(map(len, texts)))
        return ids(self, texts)

    monkeypatch.setattr(Bpe, "ids", recorded)
    texts = ["the cat " * 2**10] * 200
    assert encoding.count(texts).lengths.tolist() == [2**11 + 1] * 200
    assert encoding(texts).shape == (200, 32)
    assert sizes == [CHUNK, CHUNK, CHUNK, 8 * 2**13] * 2
