"""The settings of alerts are strict, private, and never shown whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.alerts.file import VARIABLE, alerts_file
from workbench.alerts.settings import EXAMPLE, AlertSettings, load_alerts, parse_alerts
from workbench.errors import UsageError

SECRET = "a-secret-that-nobody-may-see"


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "alerts.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_example_is_valid_and_masked() -> None:
    settings = parse_alerts(EXAMPLE, "alerts.toml")
    assert settings.sends_anything
    assert settings.terminal == "auto"
    assert settings.wanted is not None
    assert (settings.wanted.metric, settings.wanted.sign, settings.wanted.value) == ("accuracy", ">=", 0.98)
    assert settings.masked()["ntfy"] == "https://ntfy.sh/…"
    assert settings.masked()["command"] == "notify-send …"


def test_without_a_file_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert alerts_file() == tmp_path / "workbench" / "alerts.toml"
    assert load_alerts() == AlertSettings()
    assert not load_alerts().sends_anything
    assert load_alerts().terminal == "app"


def test_the_variable_names_another_file_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(written(tmp_path, '[alerts]\nterminal = "bell"\n')))
    assert load_alerts().terminal == "bell"
    monkeypatch.setenv(VARIABLE, " ")
    assert alerts_file() is None
    assert load_alerts() == AlertSettings()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere.toml"))
    with pytest.raises(UsageError, match="names a file that does not exist"):
        load_alerts()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("webhook = 5", 'line 2, alerts.webhook: needs text in "quotes"'),
        (f'webhook = "ftp://{SECRET}"', "line 2, alerts.webhook: needs an address that begins with https://"),
        (f'webhook = "https://{SECRET}:99999/"', "alerts.webhook: needs an address"),
        (f'webhook = "https://a.b/{SECRET} c"', "without blanks"),
        ('ntfy = "https://ntfy.sh/"', "alerts.ntfy: needs the address of a topic, such as https://ntfy.sh/TOPIC"),
        (f'token = ["{SECRET}"]', 'alerts.token: needs text in "quotes"'),
        (f'token = "{SECRET}\\n"', "alerts.token: needs plain characters in one line"),
        (f'webhok = "https://a.b/{SECRET}"', "alerts.webhok: unknown setting; did you mean webhook?"),
        (f'command = "{SECRET}', "is not valid TOML"),
        ('events = ["complete"]', "line 2, alerts.events[0]: must be 'completed'"),
        ('target = "acuracy>=0.9"', "alerts.target: there is no such metric; did you mean accuracy?"),
        ('target = "accuracy"', "write a metric and its value, such as accuracy>=0.98"),
        ("stall_factor = 0.5", "must be at least 1"),
        ("stall_seconds = true", "line 2, alerts.stall_seconds: needs a number"),
        (f"stall_seconds = '{SECRET}'", "line 2, alerts.stall_seconds: needs a number"),
        (f"terminal = '{SECRET}'", "line 2, alerts.terminal: must be 'app', 'off', 'auto', 'bell', 'osc9' or 'osc777'"),
        (f"command = ['{SECRET}', ]]", "alerts.toml is not valid TOML: look at line 2, column 45"),
        (f"'https://a.b/{SECRET}' = 1", "alerts.…: unknown setting"),
        (f"{'.'.join('a' * 5000)} = '{SECRET}'", "alerts.toml is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_without_secrets(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_alerts(f"[alerts]\n{text}\n", "alerts.toml")
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "text", [f'[[alerts]]\ncommand = "{SECRET}"', f'alerts = "{SECRET}"', f'alerts = ["{SECRET}"]']
)
def test_what_stands_in_place_of_the_table_is_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_alerts(text, "alerts.toml")
    assert str(raised.value).removeprefix("alerts.toml: ").removeprefix("line 1, ") == "alerts: needs a table"


def _wrong_files() -> Iterator[str]:
    """Files with the secret as a value, wrong in every way that there is: types, places, names, syntax."""
    values = [f"'{SECRET}'", f'"""\n{SECRET}"""', f"['{SECRET}']", f"[['{SECRET}']]", f"[{{a = '{SECRET}'}}]",
              f"{{a = '{SECRET}'}}", f"'{SECRET}\t'", f"'https://[{SECRET}'", f"'ftp://{SECRET}'", f"'{SECRET}>=1'",
              f"'accuracy>={SECRET}'", f"'acuracy>={SECRET}'", f"'completed {SECRET}'", f"-{SECRET}", SECRET,
              f"1970-01-01T00:00:00{SECRET}", f"'{SECRET * 50}'"]  # fmt: skip
    for name in [*AlertSettings.model_fields, "unknown", "webhok"]:
        for value in values:
            yield f"[alerts]\n{name} = {value}\n"
            yield f"{name} = {value}\n"
            yield f"[[alerts]]\n{name} = {value}\n"
            yield f"[alerts.{name}]\na = {value}\n"
            yield f"[alerts]\n{name} = {value}\n{name} = {value}\n"
            yield f"[alerts.{name}]\n[alerts]\n{name} = {value}\n"
    for value in values:
        yield f"alerts = {value}\n"
        yield f"[alerts]\na = 1\n[alerts]\ncommand = {value}\n"
    valid = (
        f"[alerts]\ncommand = \"send '{SECRET}'\"\nwebhook = 'https://a.b/{SECRET}'\ntoken = '{SECRET}'\nevents = []\n"
    )
    for place in range(len(valid)):
        yield valid[:place]
        yield valid[:place] + valid[place + 1 :]
        for character in "'\"\n=[]{}#,.\0\\ x":
            yield valid[:place] + character + valid[place:]


def test_no_value_of_a_wrong_file_is_in_a_message() -> None:
    messages = {}
    for text in _wrong_files():
        try:
            parse_alerts(text, "alerts.toml")
        except UsageError as error:
            messages[text] = str(error)
    assert len(messages) > 2000
    # A file that is torn within the secret could show a part of it.
    shown = {text: message for text, message in messages.items() if "secret" in message or "nobody" in message}
    assert not shown


def test_a_metric_of_the_users_own_loop_can_be_a_target() -> None:
    assert parse_alerts('[alerts]\ntarget = "bleu >= 30"\n', "alerts.toml").wanted is not None


def test_secrets_are_masked() -> None:
    text = f"""[alerts]
webhook = "https://user:{SECRET}@chat.example:8443/services/{SECRET}?key={SECRET}"
ntfy = "http://localhost/{SECRET}"
token = "{SECRET}"
command = "send --key {SECRET}"
"""
    masked = parse_alerts(text, "alerts.toml").masked()
    assert SECRET not in str(masked)
    assert masked["webhook"] == "https://chat.example:8443/…"
    assert masked["command"] == "send …"
    assert AlertSettings(command=f"KEY={SECRET} send").masked()["command"] == "…"


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_a_file_that_others_can_write_runs_no_command(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(written(tmp_path, "[alerts]\ncommand = 'true'\n", mode)))
    with pytest.raises(UsageError, match="others can write"):
        load_alerts()
    os.chmod(tmp_path / "alerts.toml", 0o644)  # noqa: PTH101
    assert load_alerts().command == "true"
