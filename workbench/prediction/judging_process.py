"""The process that judges models; `workbench.processes.judging` says what it is asked and what it answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from workbench.processes.judging import Judgement, JudgeRequest, Samples
from workbench.processes.plan import BACKGROUND
from workbench.training.processes.background import stay_in_background
from workbench.training.processes.serve import Send, report_read, serve

if TYPE_CHECKING:
    from workbench.prediction.judge import Judge


def main() -> int:
    """Answers requests until standard input ends."""
    if sys.argv[1:] == [BACKGROUND]:
        stay_in_background()
    serve(JudgeRequest, Answers())


class Answers:
    """Keeps the model that was judged last, so that its samples can be asked for.

    A judgement is always made anew: the checkpoint and the data may have changed under the same path.
    """

    def __init__(self) -> None:
        self._judge: Judge | None = None

    def __call__(self, request: JudgeRequest, send: Send) -> Judgement | Samples:
        """Answers a request. Raises what `evaluate` raises."""
        from workbench.prediction.judge import Judge

        if request.samples is None or self._judge is None or self._judge.request != request.evaluation:
            self._judge = None  # its memory is free before the next one needs some
            self._judge = Judge(request.evaluation, report_read)
        return self._judge.judgement if request.samples is None else self._judge.samples(request.samples)


if __name__ == "__main__":
    sys.exit(main())
