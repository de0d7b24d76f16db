"""The app in a real terminal: it paints, and a terminal that is lost takes nothing with it but the app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.terminal import Terminal
from tests.end_to_end.conftest import Workbench, has_ended, steps_logged, wait_for
from workbench.runs.lock import is_running


@pytest.fixture
def terminals(workbench: Workbench) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.kill()
        terminal.process.wait()


def open_app(workbench: Workbench, terminals: list[Terminal], *arguments: str) -> Terminal:
    own = {name: workbench.environment[name] for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    state = {"XDG_STATE_HOME": str(workbench.folder / "state"), "NO_COLOR": ""}
    command = [sys.executable, "-m", "workbench", *arguments]
    terminal = Terminal(command, Path(workbench.folder), 120, 36, own | state)
    terminals.append(terminal)
    return terminal


def test_a_lost_terminal_ends_app_and_standby_and_leaves_the_run_going(
    workbench: Workbench, terminals: list[Terminal]
) -> None:
    terminal = open_app(workbench, terminals, "fast", "--set", "training.epochs=100000")
    terminal.wait_for("batch size")
    terminal.send(" ")
    run = workbench.training_run()
    app = psutil.Process(terminal.process.pid)
    terminal.hang_up()
    wait_for(lambda: has_ended(app))
    step = steps_logged(run)
    wait_for(lambda: steps_logged(run) > step)
    assert is_running(run)


def test_app_and_standby_end_when_the_terminal_is_gone_without_a_word(
    workbench: Workbench, terminals: list[Terminal]
) -> None:
    terminal = open_app(workbench, terminals, "fast")
    app = psutil.Process(terminal.process.pid)
    [standby] = wait_for(lambda: app.children())
    terminal.vanish()
    wait_for(lambda: has_ended(app))
    wait_for(lambda: has_ended(standby))
