"""The edge of the command: texts are escaped, and output that is lost ends nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from tests.ui.made import write_run
from tests.unit.test_printable import HOSTILE
from workbench import output
from workbench.errors import WorkbenchError
from workbench.headless import train as headless
from workbench.headless.display import JsonDisplay
from workbench.headless.options import Options
from workbench.printable import is_printable
from workbench.runs.events import WarningRaised
from workbench.runs.history import read_history
from workbench.runs.view import RunView


class Written:
    """The edge, on a text in the place of stdout."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        self.edge = output.Edge(io.TextIOWrapper(self.bytes, encoding="utf-8"))

    def text(self) -> str:
        self.edge.flush()
        return self.bytes.getvalue().decode()


def put(monkeypatch: pytest.MonkeyPatch) -> Written:
    """Within a test: pytest puts its own stdout there before each begins."""
    kept = Written()
    monkeypatch.setattr(sys, "stdout", kept.edge)
    return kept


def test_what_is_printed_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = put(monkeypatch)
    print(HOSTILE)
    assert is_printable(written.text())
    assert "\\u001b]52" in written.text()


def test_colours_that_a_library_writes_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = put(monkeypatch)
    print("\x1b[1;31merror\x1b[0m: wrong")
    assert written.text() == "error: wrong\n"


def test_rich_keeps_its_own_colours_and_cleans_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = put(monkeypatch)
    console = output.console(force_terminal=True, width=60, color_system="standard")
    table = Table()
    table.add_column(HOSTILE[:40])
    table.add_row(Text(HOSTILE, style="red"))
    console.print(table)
    console.print(HOSTILE, style="red")
    console.say(HOSTILE)
    text = written.text()
    assert "\x1b[31m" in text
    for sequence in ("\x1b]", "\x9b", "\u202e", "\u2066", "\x07"):
        assert sequence not in text
    assert is_printable(text.replace("\x1b[", ""))


def test_square_brackets_in_a_text_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    written = put(monkeypatch)
    output.console(width=60).print("[link=https://x]name[/link] [/]")
    assert written.text() == "[link=https://x]name[/link] [/]\n"


def test_events_as_json_stay_json_and_steer_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: JSON itself escapes only what is below a blank."""
    written = put(monkeypatch)
    event = {"type": "warned", "message": HOSTILE.replace("\udc9b", "")}
    line = json.dumps(event, ensure_ascii=False).encode()
    JsonDisplay().show(line, WarningRaised(step=0, message=""), RunView())
    assert is_printable(written.text())
    assert json.loads(written.text()) == event


def test_nobody_reading_the_narration_changes_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        edge = output.Edge(stream, narrates=True)
        print("error: x", file=edge, flush=True)
        print("more", file=edge, flush=True)


def full() -> io.TextIOWrapper:
    return io.TextIOWrapper(Path("/dev/full").open("wb"), line_buffering=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_output_that_cannot_be_written_is_reported_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reliability R8."""
    for code, expected in ((0, 3), (2, 2), (130, 130)):
        monkeypatch.setattr(sys, "stdout", output.Edge(full()))
        print("lost")
        output.console().print("lost as well")
        assert output.settle(code) == expected
        assert "could not be written: No space left" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_lost_output_that_was_reported_is_not_reported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", output.Edge(full()))
    print("lost")
    assert output.take_loss() == "No space left on device"
    assert output.settle(0) == 0


def test_nobody_reading_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", output.Edge(stream))
        with pytest.raises(BrokenPipeError):
            print("x", flush=True)
        with pytest.raises(BrokenPipeError):
            output.console().print("x" * 100_000)
        output.abandon()


def test_the_exit_code_says_how_a_run_ended_though_nobody_reads_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reliability R8: `| head` may leave between the last epoch and the report; a failed run is no success then."""
    run = write_run(tmp_path, ending="failed")
    reader, writer = os.pipe()
    os.close(reader)
    trainer = subprocess.Popen(["true"])
    trainer.wait()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", output.Edge(stream))
        with pytest.raises(WorkbenchError) as failure:
            headless._conclude(run, read_history(run), trainer, Options(runs_dir=tmp_path), 0)
    assert failure.value.exit_code == 3
