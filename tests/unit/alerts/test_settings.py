"""The settings of alerts are strict, private, and never shown whole."""

from __future__ import annotations

import os
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
    assert load_alerts().terminal == "off"


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
        ('events = ["complete"]', "alerts.events[0]: found \"complete\" (text); must be 'completed'"),
        ('target = "acuracy>=0.9"', "there is no metric acuracy; did you mean accuracy?"),
        ('target = "accuracy"', "write a metric and its value, such as accuracy>=0.98"),
        ("stall_factor = 0.5", "must be at least 1"),
        ("stall_seconds = true", "found true; needs a number"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_without_secrets(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_alerts(f"[alerts]\n{text}\n", "alerts.toml")
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)


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


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_a_file_that_others_can_write_runs_no_command(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(written(tmp_path, "[alerts]\ncommand = 'true'\n", mode)))
    with pytest.raises(UsageError, match="others can write"):
        load_alerts()
    os.chmod(tmp_path / "alerts.toml", 0o644)  # noqa: PTH101
    assert load_alerts().command == "true"
