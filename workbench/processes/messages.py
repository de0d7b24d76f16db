"""Messages between processes: a dataclass as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from workbench.errors import WorkbenchError
from workbench.runs.typed import taken

Message = TypeVar("Message")


@dataclass(frozen=True)
class Failure:
    """The reason why a process could not do what it was asked to do."""

    error: str
    """For the user."""
    exit_code: int
    kind: str = WorkbenchError.kind
    """As in workbench.errors; internal: a fault of ours."""

    def as_error(self) -> WorkbenchError:
        """The failure as an exception."""
        error = WorkbenchError(self.error)
        error.exit_code, error.kind = self.exit_code, self.kind
        return error


def encode(message: Any) -> str:
    """A dataclass as a line of JSON, without its end."""
    return json.dumps(asdict(message))


def decode(kind: type[Message], values: object) -> Message:
    """A dataclass from parsed JSON. Keys that it does not have are ignored; fields with a default may be missing.

    Raises ValueError for anything else.
    """
    try:
        return taken(kind, values)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"not a {kind.__name__}") from error


def last_object(output: bytes) -> dict[str, Any]:
    """The JSON object in the last line of a process's output: libraries may have printed before it.

    Raises ValueError where there is none.
    """
    values = parse_object((output.splitlines() or [b""])[-1])
    if values is None:
        raise ValueError("the last line is not a JSON object")
    return values


def parse_object(line: bytes) -> dict[str, Any] | None:
    """Parses a line as a JSON object; None for anything that a library may have printed."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
