"""What can go wrong, in words for the user.

The text of an exception says what is wrong, where, and what to do; it is shown as it stands, without a traceback.
`exit_code` is what the command line ends with, and `kind` is how events and summaries name the error.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130


USERS_KINDS = ("data", "device", "preset", "usage")
"""Kinds of errors that the user fixes in the settings or the data: the message is enough, without a traceback."""


class WorkbenchError(Exception):
    """Any error that is reported to the user."""

    exit_code = EXIT_FAILED
    kind = "error"


class UsageError(WorkbenchError):
    """The command line asks for something that cannot be: a flag, a name, a run."""

    exit_code = EXIT_USAGE
    kind = "usage"


class PresetError(UsageError):
    """A preset is malformed, unknown, out of bounds, or its parts do not fit together."""

    kind = "preset"


class NoPresetError(PresetError):
    """A run has no preset: a loop of the user's own, or another program, has made it."""


class UntrustedCodeError(UsageError):
    """A preset names user code that is not trusted yet."""

    kind = "untrusted_code"


class DeviceError(UsageError):
    """The device, or a precision on it, is not available on this machine."""

    kind = "device"


class DataError(WorkbenchError):
    """The data is missing, broken, or cannot be trained on."""

    kind = "data"


class NotDownloadedError(DataError):
    """A data set was not downloaded yet, and must not be downloaded now."""

    kind = "not_downloaded"


class UserCodeError(WorkbenchError):
    """A user's module fails to import, raises, or returns the wrong thing."""

    kind = "user_code"


class DivergedError(WorkbenchError):
    """A loss or a weight became NaN or infinite."""

    kind = "diverged"

    def __init__(self, message: str, what: str, step: int) -> None:
        super().__init__(message)
        self.what = what
        """Which quantity is not finite, as in `not_finite_in_words`."""
        self.step = step
        """The optimizer step at or after which it was not."""


def not_finite_in_words(what: str, step: int) -> str:
    """The quantity that is not finite, such as "the loss at step 30" or "a weight after step 30".

    what: loss, weight, validation loss, or test loss.
    """
    article, when = "a" if what == "weight" else "the", "at" if what == "loss" else "after"
    return f"{article} {what} {when} step {step:,}"


class OutOfMemoryError(WorkbenchError):
    """The device (or the host) had no memory left."""

    kind = "out_of_memory"


class StorageError(WorkbenchError):
    """A file could not be written or read: disk full, no permission."""

    kind = "storage"


class RunDeletedError(StorageError):
    """The run's directory was deleted or moved while its trainer ran."""


class DamagedCheckpointError(StorageError):
    """A checkpoint cannot be read, or is of another model."""

    kind = "checkpoint"

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")
        self.problem = problem
        """What is wrong, for callers that do not need the advice."""


class TrainerLostError(WorkbenchError):
    """The trainer's process ended without an error message (killed, machine restarted)."""

    kind = "lost"


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def type_and_first_line(error: BaseException) -> str:
    """An error that is not for the user, in one line: "ValueError: too many values"."""
    said = first_line(error)
    kind = type(error).__name__
    return kind if said == kind else f"{kind}: {said}"
