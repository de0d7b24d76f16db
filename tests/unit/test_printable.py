"""Reliability S3: no text of others steers a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.printable import escaped, is_printable, without_controls, without_sequences

HOSTILE = "a\x1b]52;c;cHduZWQ=\x07b\x1b[31mc\x9b31md\u202ee\u2066f\x7f\x00\x08\rg\u2028h\udc9bi"
"""The clipboard, colours, both kinds of control sequence, directions of writing, and bytes that are no text."""


def test_a_hostile_text_is_escaped_so_that_it_can_be_read() -> None:
    shown = escaped(HOSTILE)
    assert is_printable(shown)
    assert shown == (
        "a\\u001b]52;c;cHduZWQ=\\u0007bc\\u009b31md\\u202ee\\u2066f\\u007f\\u0000\\u0008\\u000dg\\u2028h\\udc9bi"
    )


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\tand a tab", "žluťoučký × ≤ 你好 👩‍💻 שלום"])
def test_ordinary_texts_are_left_alone(text: str) -> None:
    assert escaped(text) == text
    assert is_printable(text)


@given(st.text())
def test_nothing_gets_through(text: str) -> None:
    for cleaned in (escaped(text), without_controls(text), without_sequences(text)):
        assert is_printable(cleaned)


def test_leaving_controls_out_moves_nothing() -> None:
    line = HOSTILE.replace("\udc9b", "")  # it counts as a cell and cannot be written at all
    assert cell_len(without_controls(line)) == cell_len(line)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_json_stays_the_same_json(text: str) -> None:
    line = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(escaped(line)) == {"text": text}


def test_the_output_of_a_program_for_a_terminal_becomes_text() -> None:
    assert without_sequences("\x1b[32mdone\x1b[0m\x1b]0;title\x07\x1b(B 50 %\r") == "done 50 %"


def test_the_command_prints_nothing_past_its_edge() -> None:
    """A rich Console of one's own, or bytes on stdout, would go around it."""
    package = Path(__file__).parents[2] / "workbench"
    files = [*package.glob("cli/*.py"), *package.glob("headless/*.py"), package / "launch.py", package / "reference.py"]
    assert len(files) > 10
    for file in files:
        text = file.read_text()
        for past in (
            "Console(",
            "stdout.buffer",
            "stdout.write",
            "stderr.write",
            "__stdout__",
            "__stderr__",
            "os.write",
        ):
            assert past not in text, f"{file}: {past}"
