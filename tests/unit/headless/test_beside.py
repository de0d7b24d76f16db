"""The headless command notifies by its own terminal, and says what prevents a follower."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.unit.alerts.test_judge import NOW, begun, finished
from workbench import output
from workbench.alerts.file import VARIABLE
from workbench.headless.beside import Beside
from workbench.headless.display import LiveDisplay
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset


def test_the_end_of_a_run_is_written_to_the_terminal_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text("[alerts]\nterminal = 'osc9'\n")
    settings.chmod(0o600)
    monkeypatch.setenv(VARIABLE, str(settings))
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("time.time", lambda: NOW)
    written: list[str] = []
    monkeypatch.setattr(output, "to_terminal", written.append)
    beside, said = Beside(create_run(tmp_path, "made", Preset().to_toml())), list[str]()
    beside.start(said.append)
    assert said == []
    beside.read(begun(), is_alive=True)
    beside.read([finished(NOW + 5)], is_alive=True)
    beside.read([], is_alive=False)
    [sequence] = written
    assert sequence.startswith("\a\x1b]9;workbench: run completed, ")


def test_settings_with_an_error_are_said_and_the_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "alerts.toml"
    settings.write_text("[alerts]\nterminal = 'loud'\n")
    settings.chmod(0o600)
    monkeypatch.setenv(VARIABLE, str(settings))
    beside, said = Beside(create_run(tmp_path, "made", Preset().to_toml())), list[str]()
    beside.start(said.append)
    [problem] = said
    assert problem.startswith("warning: no alerts are sent: ")
    assert "line 2, alerts.terminal: must be 'app'" in problem
    beside.read(begun(), is_alive=True)
    beside.end()


def test_a_sequence_reaches_the_terminal_unescaped_while_a_live_display_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        monkeypatch.setattr(output, "_EDGES", {})
        assert not output.to_terminal("\a")
        monkeypatch.setattr("sys.stderr", nowhere)
        monkeypatch.setattr("sys.stdout", terminal)
        output.install()
        with LiveDisplay():
            written = output.to_terminal("\a\x1b]9;done\x1b\\")
        assert written
        sys.stdout.flush()
        assert b"\a\x1b]9;done\x1b\\" in os.read(ours, 1000)
    os.close(ours)
