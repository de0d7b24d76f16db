"""The file of events that TensorBoard reads: records with checksums, appended to.

The format is TFRecord's: length, checksum of the length, the bytes, checksum of the bytes.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from workbench.atomic_files import umask
from workbench.files import open_to_claim, storage_error
from workbench.tensorboard.packages import without_pytorch

with without_pytorch():
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

VERSION = "brain.Event:2"
BUFFER = 2**20


class RecordFile:
    """Appends to a file of events, from a known size on."""

    def __init__(self, path: Path, size: int, time: float) -> None:
        """size: what is behind it was written by a process that was killed, and is cut off.

        time: of the first event, in seconds since 1970. Raises StorageError.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            self._file = os.fdopen(open_to_claim(path), "r+b", BUFFER)
            if is_new:
                os.fchmod(self._file.fileno(), 0o666 & ~umask())  # the run's own files are private
            self._file.truncate(size)
            self._file.seek(size)
        except OSError as error:
            raise storage_error(path, error) from error
        if not size:
            self.write(Event(wall_time=time, file_version=VERSION))

    def write(self, event: Event) -> None:
        """Appends an event. Raises StorageError."""
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        try:
            self._file.write(length)
            self._file.write(struct.pack("<I", masked_crc32c(length)))
            self._file.write(content)
            self._file.write(struct.pack("<I", masked_crc32c(content)))
        except OSError as error:
            raise storage_error(self._path, error) from error

    def flush(self) -> int:
        """Hands everything to the system; returns the size. Raises StorageError."""
        try:
            self._file.flush()
            return self._file.tell()
        except OSError as error:
            raise storage_error(self._path, error) from error

    def close(self) -> None:
        """Closes the file. Raises StorageError."""
        try:
            self._file.close()
        except OSError as error:
            raise storage_error(self._path, error) from error
