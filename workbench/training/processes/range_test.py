"""The process that runs range tests; `workbench.processes.range_test` says what it is asked and what it answers."""

from __future__ import annotations

import sys

from workbench.processes.range_test import CURVE, RangeTest, Request
from workbench.settings.preset import Preset
from workbench.training.processes.serve import Send, adapting, report_progress, report_read, serve


def main() -> int:
    """Answers requests until standard input ends."""
    serve(Request, answer)


def answer(request: Request, send: Send) -> RangeTest:
    """Runs a range test. Raises what `prepare` and `sweep_seeds` raise."""
    from workbench.training.prepared_data import prepare
    from workbench.training.tuning.range_test import sweep_seeds
    from workbench.training.tuning.suggestion import suggest

    preset = Preset.from_toml(request.preset, "the preset")
    data = prepare(preset, report_read)
    curves = []
    with adapting(preset) as adapt:
        for curve in sweep_seeds(data, preset, request.rates(), request.seeds, report_progress):
            adapt()
            send(CURVE, curve)
            curves.append(curve)
    return suggest(request.rates(), curves)


if __name__ == "__main__":
    sys.exit(main())
