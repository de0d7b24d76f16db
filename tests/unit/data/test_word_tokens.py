from __future__ import annotations

import pytest

from workbench.data.word_tokens import normalized, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("don't  stop\n", ["don't", "stop"]),
        ("the dogs' bowl’s", ["the", "dogs", "'", "bowl’s"]),
        ("x_1 = 3.14", ["x_1", "=", "3", ".", "14"]),
        ("日本 한국어", ["日本", "한국어"]),
        ("हिन्दी", ["हिन्दी"]),  # its vowel signs combine with the letters
        ("👩‍👩‍👧 🇩🇪🇫🇷 👍🏽 ❤️", ["👩‍👩‍👧", "🇩🇪", "🇫🇷", "👍🏽", "❤️"]),
        ("", []),
        (" \t\u00a0\n", []),
    ],
)
def test_words_and_signs(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_composed_and_combining_characters_are_the_same_token() -> None:
    assert normalized("cafe\u0301") == "café"
    assert split_words(normalized("cafe\u0301")) == ["café"]
    # A mark that no composed character exists for stays with its letter.
    assert split_words(normalized("q\u0301x y")) == ["q\u0301x", "y"]


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    assert normalized("a\ud83d b") == "a\ufffd b"
    assert normalized("\ud83d\ude00") == "😀"
