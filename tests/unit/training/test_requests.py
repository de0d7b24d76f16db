"""Handling requests in a training loop of one's own, without the trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import RequestHandled, State
from workbench.runs.tail import EventTail
from workbench.runs.writer import EventWriter
from workbench.training import requests
from workbench.training.inbox import Inbox
from workbench.training.requests import RequestHandler
from workbench.training.timing.clock import PhaseClock
from workbench.training.timing.time_account import TimeAccount


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "own", 'name = "own"\n')


def handler_of(run: RunDirectory, **handlers: requests.Handler) -> RequestHandler:
    return RequestHandler(Inbox(run), EventWriter(run.events), PhaseClock(), TimeAccount(), handlers)


def answers(run: RunDirectory) -> list[tuple[str, bool, str]]:
    events = [event for _, event in EventTail(run.events).read() if isinstance(event, RequestHandled)]
    return [(event.command, event.accepted, event.detail) for event in events]


def test_a_loop_handles_what_it_offers_and_refuses_the_rest(run: RunDirectory) -> None:
    handler = handler_of(run, checkpoint=lambda request: "there is no disk")
    ask(run, "checkpoint")
    ask(run, "profile", 20)
    ask(run, "stop")
    handler.handle(12, "training")
    assert handler.stopping
    assert answers(run) == [
        ("checkpoint", False, "there is no disk"),
        ("profile", False, "unknown request 'profile'"),
        ("stop", True, ""),
    ]


def test_a_pause_lasts_until_the_request_that_ends_it(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            ask(run, "resume")

    monkeypatch.setattr("time.sleep", sleep)
    handler = handler_of(run)
    ask(run, "pause")
    handler.handle(5, "validating")
    assert naps == [requests.PAUSED_POLL_SECONDS] * 3
    states = [event for _, event in EventTail(run.events).read() if isinstance(event, State)]
    assert [(event.state, event.step) for event in states] == [("paused", 5), ("validating", 5)]
    assert not handler.stopping
