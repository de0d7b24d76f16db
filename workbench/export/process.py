"""The process that exports models; `workbench.processes.export` says what it is asked and what it answers."""

from __future__ import annotations

import sys

from workbench.processes.export import ExportedModel, Request
from workbench.training.processes.serve import Send, report_progress, serve


def main() -> int:
    """Answers requests until standard input ends."""
    serve(Request, answer)


def answer(request: Request, send: Send) -> ExportedModel:
    """Writes the file and checks it. Raises WorkbenchError."""
    report_progress("loading the checkpoint")
    from workbench.export.write import write_checked

    return write_checked(request, report_progress)


if __name__ == "__main__":
    sys.exit(main())
