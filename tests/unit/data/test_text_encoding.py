from __future__ import annotations

import unicodedata
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data import text_encoding
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.fit_tokens import LONGEST, Tokens
from workbench.data.text_encoding import Bytes, Characters, TextEncoding, Words, row_of_ids
from workbench.data.tokens import PAD, UNKNOWN, TokenKind
from workbench.data.word_tokens import normalized, split_words, without_lone_surrogates
from workbench.errors import DataError

TEXTS = ["the cat", "the dog, the cat", "A bird"]


def tokens(kind: TokenKind = "words", vocabulary: int = 1000, min_count: int = 1, lowercase: bool = True) -> Tokens:
    return Tokens(kind, vocabulary, min_count, lowercase)


def test_words_get_ids_by_frequency_and_then_by_their_letters() -> None:
    encoding = tokens().fitted(TEXTS, 6)
    assert isinstance(encoding, Words)
    assert encoding.vocabulary == ("the", "cat", ",", "a", "bird", "dog")
    assert encoding.vocabulary_size == 8
    expected = [[2, 3, 0, 0, 0], [2, 7, 4, 2, 3], [5, 6, 0, 0, 0]]
    assert encoding(TEXTS).tolist() == expected
    assert encoding(TEXTS).dtype == torch.int64


def test_upper_case_is_kept_on_request() -> None:
    encoding = tokens(lowercase=False).fitted(["The the THE"], 3)
    assert encoding(["the The tHe"]).tolist() == [[4, 3, UNKNOWN]]


def test_the_vocabulary_is_that_of_the_training_texts_and_no_larger_than_asked() -> None:
    encoding = tokens(vocabulary=4).fitted(TEXTS, 4)
    assert encoding.vocabulary_size == 4
    assert encoding(["the cat fish dog"]).tolist() == [[2, 3, UNKNOWN, UNKNOWN]]
    assert (
        encoding.notes[0]
        == "words: a vocabulary of 2 of 6 different ones in the training split, besides padding and unknown"
    )
    unknown = "44 % of the tokens of the training split are unknown"
    assert encoding.notes[1] == f"{unknown}: a larger data.vocabulary keeps more"
    frequent = tokens(min_count=2).fitted(TEXTS, 4)
    assert isinstance(frequent, Words)
    assert frequent.vocabulary == ("the", "cat")
    assert frequent.notes[1] == f"{unknown}: a smaller data.min_count keeps more"
    both = tokens(vocabulary=3, min_count=2).fitted(TEXTS, 4).notes[1]
    assert both.endswith(" are unknown: a larger data.vocabulary and a smaller data.min_count keep more")


def test_texts_are_cut_at_their_end_and_that_is_said() -> None:
    encoding = tokens("characters").fitted(["abcde", "ab", "abc"], 3)
    assert encoding(["abcde", "ab"]).tolist() == [[2, 3, 4], [2, 3, PAD]]
    assert encoding.notes[-1] == "texts are cut after 3 tokens, 1 of 3 in the training split; the longest has 5"


def test_a_length_is_found_that_few_texts_exceed() -> None:
    lengths = [*range(1, 96), *[500] * 5]
    encoding = tokens("characters").fitted(["x" * length for length in lengths], 0)
    assert encoding.length == 96  # 95 of 100 texts have up to 95 characters
    assert encoding.notes[-1] == "texts are cut after 96 tokens, 5 of 100 in the training split; the longest has 500"
    assert tokens("bytes").fitted(["x" * 10**6], 0).length == LONGEST
    assert tokens("bytes").fitted(["x"], 0).length == 8


def test_no_text_is_padded_to_more_than_the_longest_one_has() -> None:
    encoding = tokens("bytes").fitted(["x" * 62, "x"], 1_000_000)
    assert encoding.length == 62
    assert encoding(["x", "x" * 70]).shape == (2, 62)
    assert not any("cut" in note for note in encoding.notes)
    cut = tokens("bytes").fitted(["x" * 62, "x"], 61)
    assert cut.length == 61
    assert cut.notes[-1] == "texts are cut after 61 tokens, 1 of 2 in the training split; the longest has 62"
    assert tokens("bytes").fitted(["", "x"], 100).length == 1


@pytest.mark.parametrize("kind", ["words", "characters", "bytes", "bpe"])
def test_texts_that_are_encoded_in_chunks_are_counted_and_encoded_like_single_ones(
    kind: TokenKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_encoding, "CHUNK", 7)
    encoding = tokens(kind, vocabulary=300, min_count=2).fitted(TEXTS, 3)
    texts = ["", "a", "the dog, the cat", "", "the", "cat", "zebra the", ""]
    each = [encoding.ids([text])[0] for text in texts]
    counts = encoding.count(texts)
    assert counts.lengths.tolist() == [len(ids) for ids in each]
    assert counts.unknown == sum(ids.count(UNKNOWN) for ids in each)
    assert counts.cut(3) == sum(len(ids) > 3 for ids in each)
    padded = [((ids or [UNKNOWN]) + [PAD] * 3)[:3] for ids in each]
    assert encoding(texts).tolist() == padded
    assert encoding.count([]).lengths.tolist() == []


def test_an_empty_text_is_one_unknown_token() -> None:
    encoding = tokens().fitted(["one two", "", "  "], 3)
    assert encoding(["", "two", " \n"]).tolist() == [[UNKNOWN, 0], [3, 0], [UNKNOWN, 0]]
    assert "2 of 3 training texts are empty: one unknown token each" in encoding.notes


def test_a_vocabulary_of_one_is_said() -> None:
    encoding = tokens().fitted(["a a", "a", "A a a"], 3)
    assert encoding.vocabulary_size == 3
    assert encoding.notes[0] == "words: all texts of the training split consist of 'a', so only their lengths differ"


@pytest.mark.parametrize("kind", ["words", "characters", "bytes"])
def test_texts_of_one_token_and_of_one_length_are_said(kind: TokenKind) -> None:
    said = f"{kind}: all texts of the training split consist of 'a',"
    assert tokens(kind).fitted(["a", "a"], 0).notes[0] == f"{said} and all are equally long: nothing tells them apart"
    long = tokens("bytes").fitted(["aaa", "aaaa"], 2)  # of which the model sees two tokens
    assert long.notes[0].endswith("nothing tells them apart")
    assert tokens(kind).fitted(["a", ""], 0).notes[0] == f"{said} so only their lengths differ"


@pytest.mark.parametrize("kind", ["words", "characters", "bytes", "bpe"])
@pytest.mark.parametrize("texts", [["", ""], [" ", "\n"]])
def test_texts_that_are_all_empty_are_refused(kind: TokenKind, texts: list[str]) -> None:
    with pytest.raises(DataError, match=r"all texts of the training split are empty; data\.text, data\.folder or"):
        tokens(kind, vocabulary=300).fitted(texts, 3)


def test_a_minimal_count_that_no_token_reaches_is_refused() -> None:
    with pytest.raises(DataError, match=r"no token .* occurs 5 times, .* lower data\.min_count"):
        tokens(min_count=5).fitted(TEXTS, 3)


def test_characters_are_those_of_the_composed_form() -> None:
    encoding = tokens("characters").fitted(["cafe\u0301 👍🏽"], 8)
    assert encoding.ids(["café"]) == encoding.ids(["cafe\u0301"])
    assert encoding.ids(["👍"])[0] != [UNKNOWN]
    assert encoding.text(encoding(["cafe\u0301"])[0].tolist()) == "café"


def test_bytes_are_those_of_utf_8_and_none_is_unknown() -> None:
    encoding = tokens("bytes").fitted(["a€ and"], 6)
    assert encoding.vocabulary_size == 258
    assert encoding(["a€"]).tolist() == [[99, 228, 132, 174, 0, 0]]
    assert encoding.text(encoding(["a€"])[0].tolist()) == "a€"
    assert encoding.tokens(encoding(["a€"])[0].tolist()) == ["a", "<e2>", "<82>", "<ac>"]
    assert encoding.text([99, 228]) == "a\ufffd"  # a part of a character


def test_ids_become_text_again() -> None:
    words = tokens().fitted(TEXTS, 5)
    assert words.tokens(words(["the fish, cat"])[0].tolist()) == ["the", "\ufffd", ",", "cat"]
    assert words.text(words(["the fish, cat"])[0].tolist()) == "the \ufffd , cat"


def test_a_character_of_an_emoji_and_a_lone_surrogate_break_nothing() -> None:
    odd = ["👩‍👩‍👧", "a\ud83d", "\u0301", "\x00", "​"]
    for kind in ("words", "characters", "bytes"):
        encoding = tokens(kind).fitted([*odd, "plain"], 0)
        ids = encoding(odd)
        assert int(ids.max()) < (encoding.vocabulary_size or 0)
        assert bool((ids != PAD).any(1).all())


def test_ids_pass_unchanged_and_a_long_text_becomes_one_row() -> None:
    encoding: TextEncoding = tokens("characters").fitted(["abc"], 2)
    ids = torch.tensor([[2, 3], [4, 0]])
    assert encoding(ids) is ids
    assert row_of_ids(encoding, ["ab", "cd"]).tolist() == [2, 3, 4, UNKNOWN]


@pytest.mark.parametrize("encoding", [Words(("a", "b"), 3, True), Characters(("a", "b"), 3), Bytes(3)])
def test_what_a_checkpoint_holds_encodes_as_before(encoding: TextEncoding) -> None:
    restored = restored_encoding(saved_encoding(encoding))
    texts = ["a b", "", "A z", "bbbbb"]
    assert torch.equal(restored(texts), encoding(texts))
    assert restored.vocabulary_size == encoding.vocabulary_size


ANY_TEXT = st.text(st.characters(), max_size=40)
"""Any characters at all, lone surrogates included."""


@cache
def learned(kind: TokenKind) -> TextEncoding:
    encoding = tokens(kind, vocabulary=300).with_vocabulary(TEXTS)
    encoding.length = 16
    return encoding


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4), kind=st.sampled_from(["words", "characters", "bytes", "bpe"]))
def test_any_text_becomes_ids(texts: list[str], kind: TokenKind) -> None:
    encoding = learned(kind)
    ids = encoding(texts)
    assert ids.shape == (len(texts), 16)
    assert int(ids.min()) >= 0
    assert int(ids.max()) < encoding.vocabulary_size
    there = ids != PAD
    assert bool(there[:, 0].all())
    assert torch.equal(there.long().cumprod(1).bool(), there)
    for row in ids.tolist():
        assert "".join(encoding.tokens(row)) or encoding.text(row) == ""


@settings(max_examples=60, deadline=None)
@given(text=ANY_TEXT)
def test_bytes_and_bpe_keep_any_text(text: str) -> None:
    whole = without_lone_surrogates(text)
    [ids] = learned("bytes").ids([text])
    assert learned("bytes").text(ids) == whole
    [ids] = learned("bpe").ids([text])
    assert UNKNOWN not in ids
    assert learned("bpe").text(ids) == unicodedata.normalize("NFC", whole)


@settings(max_examples=60, deadline=None)
@given(text=ANY_TEXT)
def test_words_keep_all_but_the_spaces(text: str) -> None:
    composed = normalized(text)
    assert "".join(split_words(composed)) == "".join(composed.split())
