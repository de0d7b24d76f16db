"""The user's settings of alerts: `alerts.toml` in the user's config folder, or the file that WORKBENCH_ALERTS names.

Not in a preset: presets are shared, and copied into each run's directory, which must hold neither commands nor secrets.
No message of this module contains a value from the file, whatever is wrong: any of them could be a secret.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from workbench.alerts.alert import EVENT_NAMES, EventName
from workbench.alerts.file import VARIABLE, alerts_file, has_alerts
from workbench.errors import UsageError
from workbench.files import is_file, read_small, short_path
from workbench.metrics import METRICS
from workbench.settings.base import Settings, setting
from workbench.settings.problems import describe_syntax_error, describe_validation_error
from workbench.suggestion import closest
from workbench.tuning.question import Target, parse_target

EXAMPLE = """[alerts]
events = ["completed", "failed", "diverged", "lost", "stalled", "target"]
target = "accuracy>=0.98"
terminal = "auto"
command = 'notify-send "$WORKBENCH_ALERT_TITLE" "$WORKBENCH_ALERT_TEXT"'
ntfy = "https://ntfy.sh/a-name-that-nobody-guesses"
"""


def _secret(check: Callable[[str], None]) -> BeforeValidator:
    """Refuses in words of our own: pydantic's messages show the value."""

    def validated(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError('needs text in "quotes"')  # noqa: TRY004  pydantic takes ValueErrors
        if value:
            check(value)
        return value

    return BeforeValidator(validated)


def _is_address(value: str) -> None:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or not value.isascii() or any(character <= " " for character in value):
        raise ValueError("needs an address that begins with https:// or http://, without blanks")


def _is_topic(value: str) -> None:
    _is_address(value)
    topic = urlsplit(value).path.strip("/")
    if not topic or "/" in topic:
        raise ValueError("needs the address of a topic, such as https://ntfy.sh/TOPIC")


def _is_line(value: str) -> None:
    if not value.isascii() or not value.isprintable():
        raise ValueError("needs plain characters in one line")


def _is_command(value: str) -> None:
    if "\0" in value:
        raise ValueError("a command has no NUL")


class AlertSettings(Settings):
    """What is sent, and how."""

    events: tuple[EventName, ...] = setting(EVENT_NAMES, f"events that are sent: {', '.join(EVENT_NAMES)}")
    target: str = setting("", "report once when a metric reaches this value after an epoch, such as accuracy>=0.98")
    stall_factor: float = setting(
        10.0, "a run stalls when it makes no progress for this many times its longest usual wait", ge=1
    )
    stall_seconds: float = setting(120.0, "a shorter wait is never a stall, however fast the steps are", unit="s", gt=0)
    least_seconds: float = setting(0.0, "the end of shorter runs and studies is not reported", unit="s", ge=0)
    terminal: Literal["app", "off", "auto", "bell", "osc9", "osc777"] = setting(
        "app",
        "notification of the terminal that watches: bell, osc9, osc777 (both with the bell); auto: what fits; "
        "app: as auto, but only of the app; off: none",
    )
    command: Annotated[str, _secret(_is_command)] = setting(
        "", "run by /bin/sh, with the alert as JSON on its standard input and in WORKBENCH_ALERT_ variables"
    )
    command_seconds: float = setting(30.0, "the command is killed after this time", unit="s", gt=0, le=600)
    webhook: Annotated[str, _secret(_is_address)] = setting("", "URL that gets the alert as JSON")
    ntfy: Annotated[str, _secret(_is_topic)] = setting("", "URL of a topic at ntfy.sh, or at your own server")
    token: Annotated[str, _secret(_is_line)] = setting("", "sent with both as Authorization: Bearer TOKEN")

    @field_validator("target")
    @classmethod
    def _target_is_one(cls, value: str) -> str:
        if value:
            try:
                name = parse_target(value).metric
            except UsageError:
                raise ValueError("write a metric and its value, such as accuracy>=0.98 or loss<=0.1") from None
            names = [metric.name for metric in METRICS]
            # A training loop of the user's own may log metrics of other names.
            if name not in names and (near := closest(name, names)):
                raise ValueError(f"there is no such metric; did you mean {near}?")
        return value

    @property
    def wanted(self) -> Target | None:
        """The target, read."""
        return parse_target(self.target) if self.target else None

    @property
    def sends_anything(self) -> bool:
        """Whether a command, a webhook or ntfy is set: what a follower sends."""
        return bool(self.events and (self.command or self.webhook or self.ntfy))

    def masked(self) -> dict[str, Any]:
        """All settings, with as much of the secret ones as tells them apart."""
        values = self.model_dump()
        for name in ("webhook", "ntfy"):
            if values[name]:
                parts = urlsplit(values[name])
                port = f":{parts.port}" if parts.port else ""
                values[name] = f"{parts.scheme}://{parts.hostname}{port}/…"  # without a user's name and password
        if self.command:
            first, *rest = self.command.split(maxsplit=1)
            values["command"] = "…" if "=" in first else f"{first} …" if rest else first  # KEY=secret send
        if self.token:
            values["token"] = "…"
        return values


class _File(Settings):
    """The file."""

    alerts: AlertSettings = Field(default_factory=AlertSettings)


def load_alerts() -> AlertSettings:
    """The settings in force; those that send nothing where there is no file. Raises UsageError, StorageError."""
    path = alerts_file() if has_alerts() else None
    if path is None:
        return AlertSettings()
    if not is_file(path):
        raise UsageError(f"{VARIABLE} names a file that does not exist: {path}")
    where = short_path(path)
    _check_private(path, where)
    try:
        text = read_small(path, 2**20)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {where}: {reason}") from error
    return parse_alerts(text, where)


def parse_alerts(text: str, where: str) -> AlertSettings:
    """Reads settings. where: the name of the source in messages. Raises UsageError."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(describe_syntax_error(error, where, quotes=False)) from None
    try:
        return _File.model_validate(_with_tuples(values)).alerts
    except ValidationError as error:
        raise UsageError(describe_validation_error(error, values, _File, {}, where, text, quotes=False)) from None
    except RecursionError as error:
        raise UsageError(describe_syntax_error(error, where, quotes=False)) from None


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """With tuples for lists, which strict types need."""
    return {
        name: _with_tuples(value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }


def _check_private(path: Path, where: str) -> None:
    """Refuses a file that others can write: they could run commands in the user's place. Raises UsageError."""
    try:
        found = path.stat()
    except OSError:
        return
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"others can write {where}, and could run commands in your place, so no alerts are sent: "
            f"make it yours alone with chmod 600"
        )
