"""Messages between processes: strict in their types, patient with what another version has more or fewer of."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from workbench.errors import WorkbenchError
from workbench.processes.messages import Failure, decode, encode, last_object


@dataclass(frozen=True)
class Inner:
    steps: int


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    shape: tuple[int, ...]
    ratio: float | None = None


MESSAGE = Outer("a", Inner(3), (2, 4), 0.5)


def test_a_message_comes_back_as_it_was_written() -> None:
    assert decode(Outer, json.loads(encode(MESSAGE))) == MESSAGE


def test_what_is_missing_is_absent_and_what_is_unknown_is_ignored() -> None:
    values = {"name": "a", "inner": {"steps": 3, "later": 1}, "shape": [2, 4], "later": True}
    assert decode(Outer, values) == Outer("a", Inner(3), (2, 4))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 1}, {"inner": {"steps": "3"}}, {"inner": {}}, {"inner": None}, {"shape": 2}, {"shape": ["2"]},
        {"ratio": "0.5"}, {"ratio": 1e400},
    ],
)  # fmt: skip
def test_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a Outer"):
        decode(Outer, json.loads(encode(MESSAGE)) | wrong)


@pytest.mark.parametrize("values", [None, [], "a", {}, {"name": "a"}])
def test_what_is_no_such_message_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="not a Outer"):
        decode(Outer, values)


def test_the_answer_is_the_last_line_whatever_a_library_prints_before_it() -> None:
    assert last_object(b'a warning\n{"a": 1}\n{"b": 2}\n') == {"b": 2}
    for output in (b"", b"Segmentation fault\n", b'{"a": 1}\nkilled\n', b"[1]\n"):
        with pytest.raises(ValueError, match="not a JSON object"):
            last_object(output)


def test_a_failure_is_an_error_with_its_exit_code_and_kind() -> None:
    error = decode(Failure, {"error": "no such file", "exit_code": 2, "kind": "data"}).as_error()
    assert isinstance(error, WorkbenchError)
    assert (str(error), error.exit_code, error.kind) == ("no such file", 2, "data")
