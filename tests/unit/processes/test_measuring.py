"""The client side of the processes that find a setting, with a stand-in for the process."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest

from workbench.errors import EXIT_USAGE, TrainerLostError, WorkbenchError
from workbench.processes.measuring import MeasuringProcess, Progress, read_typed, typed_line
from workbench.processes.messages import Failure
from workbench.processes.modules import Module
from workbench.processes.range_test import CURVE, KINDS, Curve, RangeTest, Request, Suggested, range_test

ANSWER = RangeTest([0.1, 0.2], [1.0, 0.5], [0.9, 0.4], [1.1, 0.6], Suggested(0.1, None, None), ["a note"])
ASKED = Request("", 0.1, 0.2)
ANSWERING = f"""
import sys
for line in sys.stdin:
    print("a library says hello")
    print({typed_line("progress", Progress("reading", 1, 2))!r})
    print({typed_line(CURVE, Curve(3, [1.0, 0.5], True))!r})
    print({typed_line("answer", ANSWER)!r}, flush=True)
"""
FAILING = f"""
import sys
sys.stdin.readline()
print({typed_line("failure", Failure("no such column", EXIT_USAGE, "preset"))!r})
"""
DYING = "import sys; sys.stdin.readline()"


def ask(monkeypatch: pytest.MonkeyPatch, script: str, times: int = 1) -> list[Any]:
    monkeypatch.setattr("workbench.processes.measuring.command_line", lambda module: (sys.executable, "-c", script))

    async def asking() -> list[Any]:
        async with MeasuringProcess.launched(Module.RANGE_TEST) as process:
            return [message for _ in range(times) async for message in range_test(process, ASKED)]

    return asyncio.run(asking())


def test_messages_come_in_their_order_and_the_same_process_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [Progress("reading", 1, 2), Curve(3, [1.0, 0.5], True), ANSWER]
    assert ask(monkeypatch, ANSWERING, times=2) == expected * 2


def test_a_failure_is_raised_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkbenchError, match="no such column") as raised:
        ask(monkeypatch, FAILING)
    assert raised.value.exit_code == EXIT_USAGE
    assert raised.value.kind == "preset"


def test_a_process_that_dies_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainerLostError, match="ended without an answer"):
        ask(monkeypatch, DYING)
    with pytest.raises(TrainerLostError, match="ended without an answer"):
        ask(monkeypatch, "raise SystemExit(1)")


def test_leaving_kills_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import time; time.sleep(1000)"
    monkeypatch.setattr("workbench.processes.measuring.command_line", lambda module: (sys.executable, "-c", script))

    async def leave() -> int:
        async with MeasuringProcess.launched(Module.RANGE_TEST) as process:
            return process._process.pid

    number = asyncio.run(leave())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


@pytest.mark.parametrize("line", [b"", b"hello", b"[1]", b'{"type": "other"}', b'{"type": []}', b'{"type": "curve"}'])
def test_other_lines_are_no_messages(line: bytes) -> None:
    assert read_typed(line, KINDS) is None
