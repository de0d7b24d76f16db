"""Runs the user's command for an alert, for a limited time. What it prints is discarded: it might print a secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress

from workbench.alerts.alert import Alert

PREFIX = "WORKBENCH_ALERT_"


def run_command(command: str, alert: Alert, seconds: float) -> str:
    """Runs it and waits; returns what went wrong, empty if nothing did."""
    about = {"EVENT": alert.event, "TITLE": alert.title, "TEXT": f"{alert.name}: {alert.text}",
             "NAME": alert.name, "PATH": alert.path}  # fmt: skip
    try:
        process = subprocess.Popen(
            ("/bin/sh", "-c", command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {PREFIX + name: value.replace("\0", "") for name, value in about.items()},
        )
    except OSError as error:
        return f"it could not be started: {error.strerror}"
    try:
        process.communicate(json.dumps(alert.payload()).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"it was ended after {seconds:g} s"
    except OSError:
        process.wait()
    if process.returncode < 0:
        return f"it was killed by signal {-process.returncode}"
    return f"it ended with exit code {process.returncode}" if process.returncode else ""
