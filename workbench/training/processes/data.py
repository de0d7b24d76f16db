"""The process that looks at data; `workbench.processes.data` says what it is asked and what it answers."""

from __future__ import annotations

import sys

from workbench.processes.data import DataSummary, Request
from workbench.processes.plan import BACKGROUND
from workbench.settings.preset import Preset
from workbench.training.processes.background import stay_in_background
from workbench.training.processes.serve import Send, report_read, serve


def main() -> int:
    """Answers requests until standard input ends."""
    if sys.argv[1:] == [BACKGROUND]:
        stay_in_background()
    serve(Request, answer)


def answer(request: Request, send: Send) -> DataSummary:
    """Reads the data and describes it. Raises what `prepare` raises."""
    from workbench.training.describing.summary import summarize

    return summarize(
        Preset.from_toml(request.preset, "the preset"),
        request.samples,
        request.seed,
        report_read,
    )


if __name__ == "__main__":
    sys.exit(main())
