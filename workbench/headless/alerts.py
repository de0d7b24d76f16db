"""`workbench alerts`: the settings in force, and whether each way to send alerts works."""

from __future__ import annotations

import json
import stat
import sys
import time
from typing import Any

from workbench import output
from workbench.alerts.alert import Alert
from workbench.alerts.file import VARIABLE, alerts_file
from workbench.alerts.settings import EXAMPLE, AlertSettings, load_alerts
from workbench.alerts.terminal import notification
from workbench.errors import EXIT_DONE, EXIT_FAILED, StorageError, UsageError
from workbench.files import is_file, short_path
from workbench.followers.alerts import ways

WIDTH = 16
WHY_NO_PRESET = (
    "(Not part of presets: those are shared and copied into runs, and must hold neither commands nor secrets.)"
)


def show_alerts(*, json_output: bool = False) -> int:
    """Prints the settings, secrets masked; returns the exit code. Raises UsageError, StorageError."""
    settings = load_alerts()
    file = _file()
    values = settings.masked()
    if json_output:
        print(json.dumps({"file": file, "sends": [*_terminal(settings), *ways(settings)], "settings": values}))
        return EXIT_DONE
    sends = [*_terminal(settings), *ways(settings)]
    print(f"{'file':<{WIDTH}} {file or f'none: {VARIABLE} is empty'}")
    print(f"{'sends by':<{WIDTH}} {', '.join(sends) or 'nothing is set, so no alert is sent'}")
    for name, value in values.items():
        print(f"{name:<{WIDTH}} {_shown(value)}\n    {AlertSettings.model_fields[name].description}")
    if problem := _readable_by_others(settings):
        print(f"warning: {problem}", file=sys.stderr)
    if settings.terminal in ("app", "off") and not ways(settings):
        print(f"\nsuch a file, for example:\n\n{EXAMPLE}\ntest it with: workbench alerts test")
        print(WHY_NO_PRESET)
    return EXIT_DONE


def try_alerts(*, json_output: bool = False) -> int:
    """Sends one alert in every way, and prints what worked; returns the exit code. Raises UsageError, StorageError."""
    settings = load_alerts()
    alert = Alert("completed", "run", "a-test", "", "this is a test of the alerts", time.time())
    results: dict[str, str] = {}
    if settings.terminal != "off":
        written = output.to_terminal(notification(alert, settings.terminal))
        results["terminal"] = "" if written else "there is no terminal here"
    for name, send in ways(settings, waits=()).items():
        if not json_output:
            print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = send(alert)
    if not results:
        raise UsageError(f"nothing is set by which to send an alert; see workbench alerts ({_file() or VARIABLE})")
    failed = any(results.values())
    if json_output:
        print(json.dumps({"type": "result", "problems": results}))
    else:
        for name, problem in results.items():
            good = "written; the terminal shows it if it can" if name == "terminal" else "sent"
            print(f"{name:<{WIDTH}} {f'failed: {problem}' if problem else good}")
    return EXIT_FAILED if failed else EXIT_DONE


def _terminal(settings: AlertSettings) -> list[str]:
    if settings.terminal == "app":
        return ["the app's terminal"]
    return [f"the terminal ({settings.terminal})"] if settings.terminal != "off" else []


def _file() -> str:
    """Where the settings are, in words; empty where the user wants none."""
    try:
        path = alerts_file()
    except StorageError as error:
        return str(error)
    if path is None:
        return ""
    return f"{short_path(path)}{'' if is_file(path) else ' (not there)'}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value) or "-"


def _readable_by_others(settings: AlertSettings) -> str:
    """What to do where others can read a file with secrets; empty where they cannot."""
    path = alerts_file()
    has_secrets = settings.webhook or settings.ntfy or settings.token or settings.command
    if path is None or not has_secrets or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return ""
    return f"others can read {short_path(path)}, and what is secret in it: chmod 600"
