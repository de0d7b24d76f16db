"""The process that evaluates models; `workbench.processes.evaluation` says what it is asked and what it answers."""

from __future__ import annotations

import sys

from workbench.processes.evaluation import Evaluation, EvaluationRequest
from workbench.training.processes.serve import Send, report_read, serve


def main() -> int:
    """Answers requests until standard input ends."""
    serve(EvaluationRequest, answer)


def answer(request: EvaluationRequest, send: Send) -> Evaluation:
    """Evaluates. Raises what `evaluate` raises."""
    from workbench.prediction.evaluate import evaluate

    return evaluate(request, report_read)


if __name__ == "__main__":
    sys.exit(main())
