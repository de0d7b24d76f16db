"""Posts an alert to a webhook or to a topic of ntfy. What these return never holds an address or a token."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from workbench.alerts.alert import GOOD, Alert

TIMEOUT_SECONDS = 10.0
WAITS_SECONDS = (2.0, 10.0)
"""Before the second try, and before the third."""
BUSY = 429
URGENT, USUAL = 4, 3
"""Priorities of ntfy."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the token would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def post_to_webhook(
    address: str,
    token: str,
    alert: Alert,
    timeout: float = TIMEOUT_SECONDS,
    waits: Sequence[float] = WAITS_SECONDS,
) -> str:
    """Posts the alert as JSON; returns what went wrong, empty if nothing did.

    waits: seconds before each further try, where the server does not answer, or is busy.
    """
    return _post(address, token, alert.payload(), timeout, waits)


def post_to_ntfy(
    address: str,
    token: str,
    alert: Alert,
    timeout: float = TIMEOUT_SECONDS,
    waits: Sequence[float] = WAITS_SECONDS,
) -> str:
    """The same for a topic of ntfy, whose server takes JSON at its root: https://docs.ntfy.sh/publish/."""
    parts = urlsplit(address)
    message = {
        "topic": parts.path.strip("/"),
        "title": alert.title,
        "message": f"{alert.name}: {alert.text}",
        "priority": USUAL if alert.event in GOOD else URGENT,
        "tags": [alert.event],
    }
    return _post(f"{parts.scheme}://{parts.netloc}/", token, message, timeout, waits)


def _post(address: str, token: str, message: dict[str, Any], timeout: float, waits: Sequence[float]) -> str:
    problem = ""
    for wait in (0.0, *waits):
        time.sleep(wait)
        problem, may_help = _try(address, token, message, timeout)
        if not may_help:
            return problem
    return f"{problem}, {1 + len(waits)} times" if waits else problem


def _try(address: str, token: str, message: dict[str, Any], timeout: float) -> tuple[str, bool]:
    """What went wrong, and whether trying again may help."""
    headers = {"Content-Type": "application/json", "User-Agent": "workbench"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(address, json.dumps(message).encode(), headers, method="POST")
    try:
        with _OPENER.open(request, timeout=timeout):
            return "", False
    except urllib.error.HTTPError as error:
        error.close()
        return f"the server answered {error.code}", error.code >= 500 or error.code == BUSY
    except urllib.error.URLError as error:
        return _reason(error.reason, timeout), True
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _reason(error, timeout), True


def _reason(error: object, timeout: float) -> str:
    """In words without the address, which many exceptions quote."""
    if isinstance(error, TimeoutError):
        return f"the server did not answer within {timeout:g} s"
    if isinstance(error, socket.gaierror):
        return "the server's name is not known"
    if isinstance(error, OSError) and error.strerror:
        return f"the server cannot be reached: {error.strerror}"
    return f"the server cannot be reached ({type(error).__name__})"
