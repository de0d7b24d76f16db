"""A follower's process: `python -m workbench.followers.process KIND run|study DIRECTORY SINCE [FOLDER]`."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from workbench.errors import EXIT_DONE, EXIT_FAILED, WorkbenchError, type_and_first_line
from workbench.followers.follow import only_one
from workbench.followers.log import Log
from workbench.processes.worker import EXIT_BUSY
from workbench.runs.directory import RunDirectory
from workbench.runs.owned import OwnedDirectory
from workbench.tuning.directory import StudyDirectory

NICENESS = 10
HANDOVER_SECONDS = 120.0
"""How long to wait for the follower of a run's former life, which may still be sending its last alerts."""
STDERR = 2


def main(arguments: list[str]) -> int:
    """Follows to the end; returns the exit code. Its standard error is its log."""
    kind, sort, path, since, *more = arguments
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if kind == "tensorboard":  # the user's command for an alert would inherit it, and may start the next training
        with suppress(OSError):
            os.nice(NICENESS)
    directory: OwnedDirectory = (RunDirectory if sort == "run" else StudyDirectory)(Path(path))
    log = Log(STDERR)
    # The log was opened for this process alone, so that a lock on it is this process's own.
    with only_one(STDERR, patience=HANDOVER_SECONDS) as is_only:
        if not is_only:
            return EXIT_BUSY
        try:
            if kind == "alerts":
                from workbench.followers.alerts import follow_with_alerts

                return follow_with_alerts(directory, float(since), log)
            from workbench.followers.tensorboard import follow_with_tensorboard

            folder = Path(more[0]) if more else None
            return follow_with_tensorboard(directory, folder, float(since), log)
        except WorkbenchError as error:
            log.problem(str(error))
            return EXIT_DONE if not directory.path.exists() else EXIT_FAILED
        except Exception as error:
            # What an error of the other kind says might quote a secret of the user's settings.
            said = type(error).__name__ if kind == "alerts" else type_and_first_line(error)
            log.problem(f"it ended early: {said} (the traceback is in {kind}.log)")
            traceback.print_tb(error.__traceback__)
            return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
