"""The log panel: what stays in view, and what an event or a process may not do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made import events
from tests.ui.panels.panel_app import (
    WIDTHS,
    said,
    seen,
)
from workbench.runs.events import (
    Finished,
    Prepared,
    RequestHandled,
    State,
    TextGenerated,
    WarningRaised,
)
from workbench.ui.live.log_lines import Log, LogLine
from workbench.ui.panels.log import LogPanel


def test_the_log_follows_its_end_until_one_scrolls_up() -> None:
    lines = said(50)

    def more(panel: LogPanel) -> None:
        lines.append(LogLine(0.0, "info", "the newest"))
        panel.show(lines)

    size = (60, 10)
    assert "the newest" in seen(LogPanel(), lambda panel: panel.show(lines), size, then=more)
    up = seen(LogPanel(), lambda panel: panel.show(lines), size, "up", then=more)
    assert up.count("the newest") == 0
    assert "2 below" in up
    assert "the newest" in seen(LogPanel(), lambda panel: panel.show(lines), size, "up", "end", then=more)


def test_what_is_being_read_stays_where_it_is_when_old_lines_leave_the_log() -> None:
    lines = said(50)

    def rotate(panel: LogPanel) -> None:
        del lines[:10]
        lines.extend(LogLine(0.0, "output", f"later line {index}") for index in range(10))
        panel.show(lines)

    text = seen(LogPanel(), lambda panel: panel.show(lines), (60, 10), "pageup", then=rotate)
    assert "line number 32" in text.splitlines()[1]


def test_another_log_is_shown_from_its_end() -> None:
    text = seen(
        LogPanel(), lambda panel: panel.show(said(50)), (60, 10), "pageup", then=lambda panel: panel.show(said(30))
    )
    assert "line number 29" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_long_lines_are_wrapped_and_none_is_cut(width: int) -> None:
    words = [f"word{index}" for index in range(30)]
    line = LogLine(0.0, "warning", " ".join(words))
    text = seen(LogPanel(), lambda panel: panel.show([line]), (width, 30))
    assert all(word in text for word in words)
    assert "…" not in text
    assert "▲" in text, "colour alone does not mark a warning"


def test_lines_that_were_wrapped_once_are_not_wrapped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[LogLine] = []
    original = LogPanel._wrapped

    def note(self: LogPanel, line: LogLine, width: int) -> Any:
        wrapped.append(line)
        return original(self, line, width)

    monkeypatch.setattr(LogPanel, "_wrapped", note)
    lines = said(50)

    def more(panel: LogPanel) -> None:
        wrapped.clear()
        lines.append(LogLine(0.0, "info", "the newest"))
        panel.show(lines)

    seen(LogPanel(), lambda panel: panel.show(lines), (60, 10), then=more)
    assert [line.text for line in wrapped] == ["the newest"]


def test_markup_is_shown_as_it_was_written() -> None:
    line = LogLine(0.0, "output", "[bold red]loss[/] [link=x]")
    assert "[bold red]loss[/] [link=x]" in seen(LogPanel(), lambda panel: panel.show([line]), (60, 10))


HOSTILE = "a\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;ZWNobw==\x1b\\b \x1b(B\x9b2Jc\x08\x1b[2J\x1bcd"


def test_what_a_process_prints_cannot_move_the_cursor_or_reach_the_clipboard(tmp_path: Path) -> None:
    output = tmp_path / "worker.log"
    output.write_text(f"{HOSTILE}\n", encoding="utf-8")
    log = Log(output)
    assert log.read_output()
    assert [line.text for line in log.lines] == ["ared b cd"]
    assert not log.read_output()


def test_what_an_event_says_is_cleaned_as_well(tmp_path: Path) -> None:
    log = Log(tmp_path / "worker.log")
    log.take(WarningRaised(step=1, message=HOSTILE))
    log.take(Finished(status="failed", step=1, reason=HOSTILE))
    assert [line.text for line in log.lines] == ["ared b cd", "failed at step 1: ared b cd"]
    assert [line.kind for line in log.lines] == ["warning", "error"]


def test_the_log_says_what_is_learned(tmp_path: Path) -> None:
    """data/REPORT, kind 2."""
    log = Log(tmp_path / "worker.log")
    for event in events(1):
        log.take(replace(event, learns="digit: 10 classes (0, 1, … 9)") if isinstance(event, Prepared) else event)
    assert any(line.text.endswith("learns digit: 10 classes (0, 1, … 9)") for line in log.lines)


def test_the_log_shows_the_beginning_of_what_a_language_model_writes(tmp_path: Path) -> None:
    log = Log(tmp_path / "worker.log")
    log.take(TextGenerated(step=9, epoch=3, prompt="The ", text="with\n   statement\x1b[2J" + " is" * 60))
    [line] = log.lines
    assert line.text.startswith("epoch 3 writes: The with statement is is")
    assert line.text.endswith(" ...")
    assert len(line.text) < 150


def test_the_log_says_what_happened_and_stays_bounded(tmp_path: Path) -> None:
    log = Log(tmp_path / "worker.log")
    for event in events(1300):
        log.take(event)
    log.take(RequestHandled(command="checkpoint", step=600))
    log.take(RequestHandled(command="checkpoint", step=601, accepted=False, detail="the disk is full"))
    text = "\n".join(line.text for line in log.lines)
    assert text.count("checkpoint") == 2, "one that was written has a line of its own already"
    for sign in ("set learning rate 0.005 at step 600", "checkpoint last.pt at step 600", "epoch 6 is the best so far"):
        assert sign in text
    for _ in range(1000):
        log.take(State(state="training", step=1, detail="again"))
    assert len(log.lines) == 500
