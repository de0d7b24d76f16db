"""The log of a run as people read it: its events, and the output of its process."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.printable import without_sequences
from workbench.runs.events import (
    Checkpointed,
    EpochEnd,
    Event,
    Finished,
    Prepared,
    RequestHandled,
    Started,
    State,
    TestResult,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.measurements import MemorySnapshot, Profiled
from workbench.runs.tail import LineTail
from workbench.runs.view import RunView
from workbench.units import count, duration, size
from workbench.wording import engine_line, headline, profile_title

Kind = Literal["info", "warning", "error", "output"]
MOST_LINES = 500
MOST_TEXT = 120
"""Characters of a language model's text that the log shows; the panel of metrics has all of it."""


@dataclass(frozen=True)
class LogLine:
    """A line of the log."""

    time: float
    """Seconds since 1970; 0 for output of the process, which has no time."""
    kind: Kind
    text: str


class Log:
    """The last lines of a run's log, bounded."""

    def __init__(self, worker_log: Path) -> None:
        self.lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._output = LineTail(worker_log)

    def take(self, event: Event) -> None:
        """Adds a line for an event, unless the log leaves out events of its kind."""
        kind: Kind = "info"
        match event:
            case Started():
                text = f"resumed at step {count(event.step)}" if event.resumed else "started"
            case Prepared():
                learns = f", learns {event.learns}" if event.learns else ""
                model = f"{count(event.parameters)} parameters on " if event.parameters else ""
                engine = f", {engine_line(event)}" if event.engine else ""
                text = f"{model}{event.device}{engine}{learns}"
                if not text:
                    return  # of another program's log, which does not tell
            case WarningRaised():
                kind, text = "info" if event.is_note else "warning", event.message
            case State() if event.detail:
                text = f"{event.state}: {event.detail}"
            case RequestHandled() if event.accepted and event.command in ("checkpoint", "memory_snapshot"):
                return  # its result has a line of its own
            case RequestHandled() if event.replayed:
                text = f"learning rate {event.value:g} after step {count(event.step)}, as the preset says"
            case RequestHandled():
                kind = "info" if event.accepted else "warning"
                answer = event.detail if event.accepted else f"refused: {event.detail}"
                text = f"{event.command.replace('_', ' ')} {answer}".strip() + f" at step {count(event.step)}"
            case Profiled():
                top = f", most in {event.operators[0]['name']}" if event.operators else ""
                text = f"{profile_title(event)}{top}; {event.file}, {size(event.bytes)}"
            case MemorySnapshot():
                text = f"memory snapshot at step {count(event.step)}: {event.file}"
            case Checkpointed():
                name = event.file.rpartition("/")[2]
                text = (
                    f"checkpoint {name} at step {count(event.step)}: {size(event.bytes)} in {duration(event.seconds)}"
                )
            case EpochEnd() if event.best and event.validation:
                text = f"epoch {count(event.epoch)} is the best so far: {headline(event.validation)}"
            case TextGenerated():
                text = f"epoch {count(event.epoch)} writes: {in_a_line(event.prompt + event.text)}"
            case TestResult():
                text = tested(event)
            case Finished():
                kind = "error" if event.status == "failed" else "info"
                text = f"{event.status} at step {count(event.step)}" + (f": {event.reason}" if event.reason else "")
            case _:
                return
        self.lines.append(LogLine(event.time, kind, without_sequences(text)))

    def read_output(self) -> bool:
        """Reads what the process has printed since the last call; True if there was anything."""
        lines = self._output.read()
        for line in lines[-MOST_LINES:]:
            if text := without_sequences(line.decode(errors="replace")):
                self.lines.append(LogLine(0.0, "output", text))
        return bool(lines)


def in_a_line(text: str) -> str:
    """The beginning of a text, with its lines one after another."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]} ..."


def tested(event: TestResult) -> str:
    """The test result in a line."""
    return f"test, {event.weights}: {headline(event.metrics)}"


def result_of(view: RunView) -> str:
    """The result of a completed run in a sentence: the test, else the last epoch."""
    if view.tested is not None:
        return f"completed; {tested(view.tested)}"
    last = view.epoch_end
    return (
        "completed"
        if last is None
        else f"completed; epoch {count(last.epoch)}: {headline(last.validation or last.train)}"
    )


def clock(seconds: float) -> str:
    """A time of day, in the user's own zone."""
    return time.strftime("%H:%M:%S", time.localtime(seconds)) if seconds else ""
