"""The process that measures batch sizes; `workbench.processes.batch_scan` says what it is asked and what it answers."""

from __future__ import annotations

import sys

from workbench.processes.batch_scan import MEASURED, BatchScan, Request
from workbench.settings.preset import Preset
from workbench.training.processes.serve import Send, adapting, report_progress, report_read, serve


def main() -> int:
    """Answers requests until standard input ends."""
    serve(Request, answer)


def answer(request: Request, send: Send) -> BatchScan:
    """Measures batch sizes. Raises what `prepare` and `scan` raise."""
    from workbench.training.prepared_data import prepare
    from workbench.training.tuning.batch_scan import MeasureBatch, conclude, scan

    # The batch size of the preset may be larger than the training split: it is not tried, so it must not be refused.
    preset = Preset.from_toml(request.preset, "the preset").override(["data.batch_size=1"])
    data = prepare(preset, report_read)
    samples = len(data.splits.train)
    measure = MeasureBatch(data, preset)
    measured = []
    with adapting(preset) as adapt:
        for each in scan(samples, request.up_to, measure, report_progress):
            adapt()
            send(MEASURED, each)
            measured.append(each)
    return conclude(measured, samples, measure)


if __name__ == "__main__":
    sys.exit(main())
