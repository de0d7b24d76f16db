"""A dict that keeps only what was put into it last."""

from __future__ import annotations

from workbench.newest import keep_newest


def test_what_was_put_there_first_is_removed() -> None:
    known = {"a": 1, "b": 2}
    keep_newest(known, "c", 3, most=2)
    assert known == {"b": 2, "c": 3}


def test_a_value_that_is_put_again_is_the_newest() -> None:
    known = {"a": 1, "b": 2}
    keep_newest(known, "a", 3, most=2)
    keep_newest(known, "c", 4, most=2)
    assert known == {"a": 3, "c": 4}
