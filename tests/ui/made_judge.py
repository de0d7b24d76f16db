"""A made judgement of a run on ten digits, and a process that gives it, and samples of each cell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.unit.pictures.made import GREY
from workbench.processes import measuring
from workbench.processes.data import Sample
from workbench.processes.evaluation import (
    Calibration,
    ConfidentMistakes,
    EvaluatedSample,
    Evaluation,
    ReliabilityBin,
    Residuals,
)
from workbench.processes.judging import (
    CURVE_POINTS,
    RESIDUAL_BINS,
    ClassCurves,
    Fit,
    JudgedSample,
    Judgement,
    Samples,
)
from workbench.processes.measuring import ANSWER, PROGRESS, Progress, typed_line
from workbench.processes.modules import Module

DIGITS = [str(digit) for digit in range(10)]
CONFUSION = [[220 if row == column else 0 for column in range(10)] for row in range(10)]
CONFUSION[4][9], CONFUSION[9][4], CONFUSION[3][8], CONFUSION[7][1] = 12, 7, 5, 1
SUPPORT = [sum(row) for row in CONFUSION]
BINS = [  # sure in most cases, and a little too sure
    ReliabilityBin(place / 10, (place + 1) / 10, 0, None, None)
    if place < 4
    else ReliabilityBin(place / 10, (place + 1) / 10, 10 * place, place / 10 + 0.05, place / 10 + 0.01)
    for place in range(10)
]


def curves(number: int, area: float) -> ClassCurves:
    rising = [min(1.0, (place / (CURVE_POINTS - 1)) ** (1 - area)) for place in range(CURVE_POINTS)]
    falling = [1 - (1 - area) * (place / (CURVE_POINTS - 1)) ** 6 * 5 for place in range(CURVE_POINTS)]
    return ClassCurves(number, SUPPORT[number], area, area - 0.01, rising, falling)


def evaluation(task: str = "classification", **changes: object) -> Evaluation:
    metrics = {"loss": 0.2023, "accuracy": 0.9888, "f1_macro": 0.98, "confusion": CONFUSION, "support": SUPPORT}
    return Evaluation(
        **{
            "weights": "best epoch 7",
            "data": "digits",
            "split": "test",
            "samples": sum(SUPPORT),
            "device": "cpu",
            "task": task,
            "learns": "digit: 10 classes",
            "monitor": "accuracy",
            "classes": DIGITS,
            "metrics": metrics,
            "calibration": Calibration(0.021, 0.0154, BINS),
            "confident_mistakes": ConfidentMistakes(0.9, 1900, 9),
        }
        | changes  # type: ignore[arg-type]
    )


DIGITS_JUDGED = Judgement(evaluation(), [curves(4, 0.91), curves(9, 0.95), curves(3, 0.98), curves(0, 0.999)])

TRUE = [float(value) for value in range(50, 350, 3)]
PREDICTED = [value + 40 * ((place * 7919) % 100 / 100 - 0.5) for place, value in enumerate(TRUE)]
QUANTILES = {"5": -18.0, "25": -9.0, "50": 0.1, "75": 9.5, "95": 18.5}
NUMBERS_JUDGED = Judgement(
    evaluation(
        "regression",
        classes=[],
        metrics={"loss": 0.5, "rmse": 11.5, "mae": 9.9, "r2": 0.973},
        calibration=None,
        confident_mistakes=None,
        samples=100,
        residuals=[
            Residuals(
                "disease", 0.4, 11.5, {"5": -18.0, "25": -9.0, "50": 0.1, "75": 9.5, "95": 18.5}, 11.5, 9.9, 0.973
            )
        ],
    ),
    fits=[Fit(TRUE, PREDICTED, -20.0, 20.0, [1 + min(place, RESIDUAL_BINS - place) for place in range(RESIDUAL_BINS)])],
)


def digit(number: int, true: str, predicted: str, probability: float) -> JudgedSample:
    said = EvaluatedSample(
        number, "test", loss=4.0 - number / 10, true=true, predicted=predicted, probability=probability,
        probability_of_true=1 - probability, origin=f"line {number + 2}",
    )  # fmt: skip
    return JudgedSample(said, Sample(number, true, image=GREY))


WORST = Samples(2200, [digit(number, "4", "9", 0.98 - number / 50) for number in range(6)])
IN_CELL = Samples(12, [digit(20 + number, "4", "9", 0.9 - number / 50) for number in range(3)])
NUMBERS = Samples(
    100,
    [
        JudgedSample(
            EvaluatedSample(number, "test", 3.0 - number, "", true_values=[100.0], predicted_values=[140.0 - number])
        )
        for number in range(3)
    ],
)


def judging_process(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    judgement: Judgement = DIGITS_JUDGED,
    worst: Samples = WORST,
    in_cell: Samples = IN_CELL,
    *,
    answers: bool = True,
) -> Path:
    """A process in its place: it notes its arguments and each request, and answers. answers: else it says what it does.

    Returns the file with its notes.
    """
    asked = folder / "asked"
    lines = {
        "judgement": [typed_line(PROGRESS, Progress("evaluating", 400, 2200)), typed_line(ANSWER, judgement)],
        "worst": [typed_line(ANSWER, worst)],
        "surprising": [typed_line(ANSWER, worst)],
        "cell": [typed_line(ANSWER, in_cell)],
    }
    if not answers:
        lines["judgement"] = lines["judgement"][:1]
    program = (
        "import json, os, sys\n"
        f"lines = json.loads({json.dumps(lines)!r})\n"
        f"asked = open({str(asked)!r}, 'a')\n"
        "asked.write(json.dumps([os.getpid(), *sys.argv[1:]]) + '\\n')\n"
        "for line in sys.stdin:\n"
        "    asked.write(line)\n"
        "    asked.flush()\n"
        "    samples = json.loads(line)['samples']\n"
        "    print('\\n'.join(lines[samples['which'] if samples else 'judgement']), flush=True)\n"
    )

    def command_line(module: Module, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-c", program, module.name, *arguments)

    monkeypatch.setattr(measuring, "command_line", command_line)
    return asked
