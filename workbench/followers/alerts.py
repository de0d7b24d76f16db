"""The follower that sends alerts by the user's command and to the network: each way in a thread of its own."""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.alerts.alert import Alert
from workbench.alerts.clock import Clock
from workbench.alerts.command import run_command
from workbench.alerts.judge import Judge
from workbench.alerts.post import WAITS_SECONDS, post_to_ntfy, post_to_webhook
from workbench.alerts.reader import AlertReader
from workbench.alerts.settings import AlertSettings, load_alerts
from workbench.atomic_files import write_text_atomically
from workbench.errors import EXIT_DONE, StorageError
from workbench.files import read_small
from workbench.followers.files import FollowerFiles
from workbench.followers.follow import follow_to_end
from workbench.followers.log import Log
from workbench.runs.event_lines import decode
from workbench.runs.owned import OwnedDirectory
from workbench.runs.tail import EventTail
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import decode as decode_study

Send = Callable[[Alert], str]
"""Sends an alert; returns what went wrong, empty if nothing did."""


def ways(settings: AlertSettings, waits: Sequence[float] = WAITS_SECONDS) -> dict[str, Send]:
    """The ways of a follower that are set, by name. waits: as `post_to_webhook`."""
    found: dict[str, Send] = {}
    if settings.command:
        found["command"] = lambda alert: run_command(settings.command, alert, settings.command_seconds)
    if settings.webhook:
        found["webhook"] = lambda alert: post_to_webhook(settings.webhook, settings.token, alert, waits=waits)
    if settings.ntfy:
        found["ntfy"] = lambda alert: post_to_ntfy(settings.ntfy, settings.token, alert, waits=waits)
    return found


class ThreadSender:
    """Sends one after the other in one way, in a thread of its own: a server that hangs delays no other way."""

    def __init__(self, name: str, send: Send, log: Log) -> None:
        self.name = name
        self._send = send
        self._log = log
        self._alerts: queue.Queue[Alert] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, alert: Alert) -> None:
        """Sends an alert soon."""
        self._alerts.put(alert)

    @property
    def is_done(self) -> bool:
        """Whether everything was sent, or could not be."""
        return not self._alerts.unfinished_tasks

    def _work(self) -> None:
        while True:
            alert = self._alerts.get()
            try:
                problem = self._send(alert)
            except Exception as error:
                problem = f"it failed with a {type(error).__name__}"  # whose text might quote a secret
            if problem:
                self._log.problem(f"{self.name} could not send {alert.event!r}: {problem}")
            else:
                self._log.say(f"{self.name} sent {alert.event!r}")
            self._alerts.task_done()


def follow_with_alerts(directory: OwnedDirectory, since: float, log: Log) -> int:
    """Follows to the end; returns the exit code. Raises UsageError, StorageError."""
    clock, settings = Clock(), load_alerts()
    log.say(f"follows since {time.strftime('%H:%M:%S', time.localtime(since))}")
    senders = [ThreadSender(name, send, log) for name, send in ways(settings).items()]
    state = FollowerFiles(directory, "alerts").state
    reader = AlertReader(Judge(settings, directory, max(since, _judged_until(state))), senders, clock)
    tail = EventTail(directory.events, decode_study if isinstance(directory, StudyDirectory) else decode)
    has_begun = follow_to_end(directory, tail, reader, since, clock=clock)
    with suppress(StorageError):
        write_text_atomically(state, json.dumps({"judged_until": reader.judged_until}) + "\n", parents=False)
    for sender in senders:
        if not sender.is_done:
            log.problem(f"{sender.name} has not sent everything: it took too long")
    log.say("the end" if has_begun else "nothing was trained")
    return EXIT_DONE


def _judged_until(state: Path) -> float:
    """The time of the last event that a former follower has judged: it may have seen the run resumed, and told its end.

    0 if there was none. An event of that very moment is judged again, so the next moment counts.
    """
    try:
        return math.nextafter(float(json.loads(read_small(state))["judged_until"]), math.inf)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return 0.0
