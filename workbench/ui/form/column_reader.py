"""The columns of a table, read by a process beside the app and kept until the file changes."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from workbench.errors import DataError
from workbench.files import expanded
from workbench.newest import keep_newest
from workbench.settings.data_choice import DataChoice

COMMAND = (sys.executable, "-P", "-m", "workbench.data.header")
PATIENCE_SECONDS = 30.0
MOST_KEPT = 16

Column = tuple[str, str]
"""Name, and some of its values in words."""
Key = tuple[str, str, int, int]


class ColumnReader:
    """Reads the columns of files, each once."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self._command = command
        self._known: dict[Key, list[Column]] = {}

    async def read(self, file: str, delimiter: str) -> list[Column]:
        """The columns of a file. Raises DataError if they cannot be read."""
        path = str(expanded(file).absolute())
        key = await asyncio.to_thread(_key, path, delimiter)
        if key not in self._known:
            found = await self._ask(path, delimiter)
            keep_newest(self._known, key, found, MOST_KEPT)
        return self._known[key]

    async def wrong(self, data: DataChoice) -> str:
        """The fault of the columns that the settings name; empty if there is none, or the file cannot be read."""
        named, file, delimiter = data.named_columns, getattr(data, "file", ""), getattr(data, "delimiter", "auto")
        if not named or not file:
            return ""
        path = str(expanded(file).absolute())
        try:
            return str((await self._answer(path, delimiter, json.dumps(named)))["wrong"])
        except (DataError, KeyError):
            return ""

    async def _ask(self, path: str, delimiter: str) -> list[Column]:
        answer = await self._answer(path, delimiter)
        try:
            return [(column["name"], ", ".join(column["values"])) for column in answer["columns"]]
        except (KeyError, TypeError):
            raise DataError(f"the columns of {path} cannot be read") from None

    async def _answer(self, *arguments: str) -> dict[str, Any]:
        """The answer of the process. Raises DataError."""
        path = arguments[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise DataError(f"the columns cannot be read: {error}") from error
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            raise DataError(f"{path} could not be read within {PATIENCE_SECONDS:g} seconds") from None
        finally:
            with suppress(ProcessLookupError):
                if process.returncode is None:
                    process.kill()
        try:
            answer = json.loads(output.splitlines()[-1])
        except (ValueError, IndexError):
            answer = None
        if not isinstance(answer, dict):
            raise DataError(f"the columns of {path} cannot be read")
        if "error" in answer:
            raise DataError(str(answer["error"]))
        return answer


def _key(path: str, delimiter: str) -> Key:
    """The key by which a file is recognised."""
    with suppress(OSError, ValueError):
        stat = expanded(path).stat()
        return path, delimiter, stat.st_mtime_ns, stat.st_size
    return path, delimiter, 0, 0
