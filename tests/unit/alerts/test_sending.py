"""The ways in which alerts are sent: each says what went wrong, in words that hold no secret, in limited time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workbench.alerts.alert import Alert
from workbench.alerts.command import run_command
from workbench.alerts.post import post_to_ntfy, post_to_webhook
from workbench.alerts.terminal import notification

SECRET = "a-secret-path"
ALERT = Alert("completed", "run", "a-run", "/runs/a-run", "accuracy 98 %", 5.0, {"step": 7})


class Server:
    """Keeps what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        self.is_hanging = threading.Event()
        self.address = ""


@contextmanager
def serving() -> Iterator[Server]:
    kept, release = Server(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, dict(self.headers), json.loads(content)))
            if kept.is_hanging.is_set():
                release.wait(20)
                return
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("Location", f"http://localhost:{server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}/{SECRET}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield kept
    finally:
        release.set()
        server.shutdown()
        server.server_close()


def test_a_webhook_gets_the_alert_as_json() -> None:
    with serving() as server:
        assert post_to_webhook(server.address, "a-token", ALERT) == ""
    [(path, headers, content)] = server.got
    assert path == f"/{SECRET}"
    assert headers["Authorization"] == "Bearer a-token"
    assert headers["Content-Type"] == "application/json"
    assert content["event"] == "completed"
    assert content["step"] == 7
    assert content["text"] == "workbench: run completed\na-run: accuracy 98 %"


def test_ntfy_gets_its_own_json_at_its_root() -> None:
    with serving() as server:
        assert post_to_ntfy(server.address, "", ALERT) == ""
    [(path, headers, content)] = server.got
    assert path == "/"
    assert "Authorization" not in headers
    assert content == {
        "topic": SECRET,
        "title": "workbench: run completed",
        "message": "a-run: accuracy 98 %",
        "priority": 3,
        "tags": ["completed"],
    }


def test_a_busy_server_is_tried_again_and_a_refusing_one_is_not() -> None:
    with serving() as server:
        server.answers = [503, 429, 200]
        assert post_to_webhook(server.address, "", ALERT, waits=(0.0, 0.0)) == ""
        assert len(server.got) == 3
        server.answers = [404]
        assert post_to_webhook(server.address, "", ALERT, waits=(0.0, 0.0)) == "the server answered 404"
        assert len(server.got) == 4
        server.answers = [500, 500, 500]
        assert post_to_webhook(server.address, "", ALERT, waits=(0.0, 0.0)) == "the server answered 500, 3 times"


def test_a_redirection_is_not_followed_for_the_token_would_go_along() -> None:
    with serving() as server:
        server.answers = [302, 307]
        for code in (302, 307):
            assert post_to_webhook(server.address, "a-token", ALERT, waits=()) == f"the server answered {code}"
    assert [path for path, _, _ in server.got] == [f"/{SECRET}"] * 2


def test_a_server_that_hangs_is_given_up() -> None:
    with serving() as server:
        server.is_hanging.set()
        problem = post_to_webhook(server.address, "", ALERT, timeout=0.2, waits=(0.0,))
        assert problem == "the server did not answer within 0.2 s, 2 times"


@pytest.mark.parametrize("address", [f"http://127.0.0.1:1/{SECRET}", f"https://127.0.0.1:1/{SECRET}?{SECRET}"])
def test_what_cannot_be_reached_is_said_without_its_address(address: str) -> None:
    problem = post_to_webhook(address, SECRET, ALERT, timeout=2, waits=())
    assert problem.startswith("the server cannot be reached")
    assert SECRET not in problem


def test_a_command_gets_the_alert_on_its_input_and_in_its_environment(tmp_path: Path) -> None:
    command = f'cd {tmp_path}; cat > input; printf "%s|%s" "$WORKBENCH_ALERT_EVENT" "$WORKBENCH_ALERT_TEXT" > variables'
    assert run_command(command, ALERT, 20) == ""
    assert json.loads((tmp_path / "input").read_text())["name"] == "a-run"
    assert (tmp_path / "variables").read_text() == "completed|a-run: accuracy 98 %"


def test_a_command_may_ignore_its_input() -> None:
    long = Alert("failed", "run", "a-run", "", "x" * 500_000, 5.0)
    short = Alert("failed", "run", "a-run", "", "why", 5.0, {"much": "x" * 500_000})
    assert run_command("exec 0<&-; true", short, 20) == ""
    assert run_command("true", long, 20) == "it could not be started: Argument list too long"


def test_a_command_that_fails_or_hangs_says_so_and_leaves_nothing_running(tmp_path: Path) -> None:
    assert run_command("echo a-secret >&2; exit 7", ALERT, 20) == "it ended with exit code 7"
    assert run_command("kill -9 $$", ALERT, 20) == "it was killed by signal 9"
    command = f"(sleep 0.8; touch {tmp_path}/late) & sleep 60"
    assert run_command(command, ALERT, 0.2) == "it was ended after 0.2 s"
    time.sleep(1.0)
    assert not (tmp_path / "late").exists()


def test_the_terminal_rings_and_shows_one_notification() -> None:
    title, text = "workbench: run completed", "a-run: accuracy 98 %"
    assert notification(ALERT, "off") == ""
    assert notification(ALERT, "bell", {}) == "\a"
    assert notification(ALERT, "auto", {"TERM": "xterm-256color"}) == f"\a\x1b]9;{title}, {text}\x1b\\"
    assert notification(ALERT, "auto", {"TERM": "foot"}) == f"\a\x1b]777;notify;{title};{text}\x1b\\"
    assert notification(ALERT, "auto", {"TERM": "linux"}) == "\a"
    assert notification(ALERT, "osc9", {"TERM": "linux"}).startswith("\a\x1b]9;")


def test_tmux_and_screen_pass_the_notification_on() -> None:
    tmux = notification(ALERT, "osc9", {"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0"})
    assert tmux == "\a\x1bPtmux;\x1b\x1b]9;workbench: run completed, a-run: accuracy 98 %\x1b\x1b\\\x1b\\"
    screen = notification(ALERT, "osc9", {"TERM": "screen"})
    assert screen == "\a\x1bP\x1b]9;workbench: run completed, a-run: accuracy 98 %\a\x1b\\"


def test_a_name_cannot_steer_the_terminal() -> None:
    alert = Alert("failed", "run", "\x1b]0;title\x07\x1b\\a\x9d", "", "b;c\n\x1b[2J" + "x" * 1000, 5.0)
    shown = notification(alert, "osc777", {"TERM": "foot"})
    inside = shown.removeprefix("\a\x1b]777;").removesuffix("\x1b\\")
    assert inside.isprintable()
    assert len(inside) < 500
