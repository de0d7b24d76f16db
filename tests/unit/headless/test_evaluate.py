"""What `workbench evaluate` asks a process, refuses, and prints of its answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tuning.made import made_run, made_study
from workbench.cli.root import app
from workbench.headless import evaluate as command
from workbench.headless.confusion import confusion_lines
from workbench.headless.evaluate import data_preset
from workbench.processes.evaluation import (
    Calibration,
    ConfidentMistakes,
    Confused,
    EvaluatedSample,
    Evaluation,
    EvaluationRequest,
    ReliabilityBin,
    Residuals,
)
from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import encode
from workbench.runs.events import Prepared
from workbench.settings.preset import Preset
from workbench.tuning import events

BINS = [ReliabilityBin(place / 10, (place + 1) / 10, 0, None, None) for place in range(10)]
BINS[8:] = [ReliabilityBin(0.8, 0.9, 2, 0.85, 0.5), ReliabilityBin(0.9, 1.0, 400, 0.95, 0.875)]
METRICS = {
    "loss": 0.25, "accuracy": 0.9, "f1_macro": 0.89, "precision": [1.0, 0.8], "recall": [0.75, 1.0], "f1": [0.86, 0.89],
    "support": [8, 12], "confusion": [[6, 2], [0, 12]],
}  # fmt: skip
WORST = EvaluatedSample(
    7, "test", 4.5, origin="line 9", true="cat", predicted="dog", probability=0.98, probability_of_true=0.011
)
CLASSES = Evaluation(
    weights="best epoch 3", data="csv cats.csv", split="test", samples=20, device="cpu", task="classification",
    learns="kind: 2 classes (cat, dog)", monitor="accuracy", classes=["cat", "dog"], metrics=METRICS,
    calibration=Calibration(0.0751, 0.1234, BINS), confident_mistakes=ConfidentMistakes(0.9, 400, 50),
    confused=[Confused("cat", "dog", 2)], worst=[WORST], confident=[WORST],
)  # fmt: skip
NUMBERS = Evaluation(
    weights="last checkpoint", data="diabetes", split="all", samples=3, device="cpu", task="regression",
    learns="progression: numbers from 25 to 346", monitor="loss", classes=[], metrics={"loss": 0.5, "r2": 0.7},
    residuals=[Residuals("y", 0.5, 2.0, {"5": -1.0, "50": 0.25, "95": 3.5}, 2.1, 1.5, 0.75)],
    worst=[EvaluatedSample(2, "all", 1.5, true_values=[52.0], predicted_values=[float("nan")])],
)  # fmt: skip
TOKENS = Evaluation(
    weights="best epoch 1", data="topics", split="test", samples=9, device="cpu", task="language_modeling",
    learns="the next of 105 tokens", monitor="loss", classes=[], metrics={"loss": 3.0, "perplexity": 20.0},
    worst=[EvaluatedSample(4, "test", 5.5, true="]", predicted=" ", probability=0.2, probability_of_true=0.0002,
                        text="del s[i:\nj]", place=8)],
)  # fmt: skip

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("WORKBENCH_RUNS", "WORKBENCH_STUDIES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run() -> RunDirectory:
    """A run with a checkpoint."""
    made = made_run(Path("runs"), Preset(name="cats"), validation={"accuracy": 0.9}, test=METRICS)
    made.checkpoints.mkdir()
    (made.checkpoints / "best.pt").write_bytes(b"")
    return made


asked: list[EvaluationRequest] = []


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with a made answer in place of a process; returns exit code, stdout and stderr."""

    def called(*words: str, answer: Evaluation = CLASSES) -> tuple[int, str, str]:
        async def measured(module: Any, ask: Any, *_: object) -> Evaluation:
            asked.append(ask.keywords["request"])
            return answer

        asked.clear()
        monkeypatch.setattr(command, "measure", measured)
        with pytest.raises(SystemExit) as exit:
            app(args=["evaluate", *words], prog_name="workbench")
        said = capsys.readouterr()
        assert isinstance(exit.value.code, int)
        return exit.value.code, said.out, said.err

    return called


def test_people_see_all_of_it_in_eighty_columns(run: RunDirectory, evaluate: Run) -> None:
    code, out, _ = evaluate("cats")
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines]
    assert ["the", "run's", "test", "the", "same"] in rows
    assert ["calibration", "expected", "error", "7.51", "%,", "Brier", "score", "0.1234"] in rows
    assert ["confident", "mistakes", "50", "of", "400", "predictions", "with", "90", "%", "or", "more"] in rows
    assert ["cat", "100.00", "%", "75.00", "%", "86.00", "%", "8"] in rows
    assert lines[lines.index("    cat dog") + 1 :][:2] == ["cat   6   2", "dog   .  12"]
    assert ["80", "to", "90", "%", "2", "85.0", "%", "50.0", "%"] in rows  # two samples say nothing
    assert ["90", "to", "100", "%", "400", "95.0", "%", "87.5", "%", "too", "sure"] in rows
    assert rows.count(["7", "4.5000", "cat", "1.1", "%", "dog", "98.0", "%", "line", "9"]) == 2


def test_what_differs_from_the_runs_own_test_is_said(run: RunDirectory, evaluate: Run) -> None:
    _, out, _ = evaluate("cats", answer=replace(CLASSES, metrics=METRICS | {"accuracy": 0.85}))
    assert "the run's test      accuracy 90.00 %" in out
    changed = replace(CLASSES, data_changes="the test data had 20 samples and has 21 now")
    _, out, _ = evaluate("cats", answer=changed)
    assert "the data have changed  the test data had 20 samples and has 21 now: this is not what" in out
    assert "the run's test" not in out


def test_numbers_have_residuals(run: RunDirectory, evaluate: Run) -> None:
    _, out, _ = evaluate("cats", answer=NUMBERS)
    rows = [line.split() for line in out.splitlines()]
    assert ["target", "mean", "deviation", "5", "%", "50", "%", "95", "%", "R²"] in rows
    assert ["y", "0.5000", "2.0000", "-1.0000", "0.2500", "3.5000", "0.750"] in rows
    assert ["2", "1.5000", "52", "nan"] in rows
    assert "confusion" not in out
    assert "reliability" not in out


def test_windows_of_a_text_are_shown(run: RunDirectory, evaluate: Run) -> None:
    _, out, _ = evaluate("cats", answer=TOKENS)
    assert "test 4, loss 5.5000: the token at 8 is ']' (0.02 %), predicted ' ' (20.0 %)\n  del s[i: j]\n" in out


def test_scripts_get_one_object(run: RunDirectory, evaluate: Run) -> None:
    code, out, _ = evaluate("cats", "--json", answer=NUMBERS)
    [line] = out.splitlines()
    found = json.loads(line, parse_constant=lambda word: pytest.fail(word))
    assert (code, found["type"], found["run"], found["run_test"]) == (0, "result", run.name, None)
    assert found["checkpoint"] == str(run.checkpoints / "best.pt")
    assert found["worst"][0]["predicted_values"] == [None]
    assert found["residuals"][0]["quantiles"] == {"5": -1.0, "50": 0.25, "95": 3.5}
    found = json.loads(evaluate("cats", "--json")[1])
    assert found["run_test"] == found["metrics"] == METRICS


def test_quiet_prints_the_monitored_metric(run: RunDirectory, evaluate: Run) -> None:
    assert evaluate("cats", "--quiet")[1] == "0.9\n"
    assert evaluate("cats", "-q", answer=replace(CLASSES, metrics={"accuracy": None}))[1] == "nan\n"


def test_the_process_is_asked_for_what_was_said(run: RunDirectory, evaluate: Run) -> None:
    prepared = Prepared(device="cpu", device_name="", batch_size=1, steps_per_epoch=1, epochs=1, class_counts=[5, 7])
    run.events.write_text(encode(prepared) + "\n")
    run.last_checkpoint.write_bytes(b"")
    evaluate("cats", "--split", "validation", "--worst", "3", "--device", "cpu")
    [request] = asked
    assert (request.split, request.worst, request.class_counts) == ("validation", 3, [5, 7])
    assert request.last_checkpoint == str(run.last_checkpoint)
    assert Preset.from_toml(request.preset, "").runtime.device == "cpu"
    assert request.data is None
    (run.checkpoints / "best.pt").unlink()
    evaluate("cats", "--data", "iris")
    assert asked[0].checkpoint == str(run.last_checkpoint)
    assert Preset.from_toml(asked[0].data or "", "").data.label() == "iris"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["dogs"], 2, "there is no run 'dogs' in"),
        (["cats", "--split", "tests"], 2, "--split takes auto, test, validation, train or all, not 'tests'"),
        (["cats", "--worst", "1001"], 2, "--worst takes a number from 0 to 1,000, not 1001"),
        (["cats", "--device", "gpu"], 2, "--device: runtime.device"),
        (["cats", "--data", "irsi"], 2, "there is no file irsi, and there is no preset 'irsi'; did you mean iris?"),
        (
            ["cats", "--data", "new.csv"],
            2,
            "--data new.csv: the run was trained on digits, which is not",
        ),
        ([], 2, "RUN"),
    ],
)
def test_what_is_wrong_is_said(run: RunDirectory, evaluate: Run, words: list[str], code: int, said: str) -> None:
    Path("new.csv").write_text("x,y\n1,2\n")
    found, out, error = evaluate(*words)
    assert (found, out) == (code, "")
    assert said in error
    assert not asked


def test_a_run_without_a_checkpoint_has_no_model(run: RunDirectory, evaluate: Run) -> None:
    shutil.rmtree(run.checkpoints)
    code, _, error = evaluate("cats")
    assert code == 3
    assert f"the run {run.name} has no checkpoint, so there is no model" in error


def test_code_of_the_run_or_of_the_data_runs_only_with_a_yes(evaluate: Run) -> None:
    own = Preset(name="own").override(["data.name=module", "data.function=mine:data"])
    made = made_run(Path("runs"), own, validation=None)
    made.checkpoints.mkdir()
    (made.checkpoints / "best.pt").write_bytes(b"")
    Path("mine.py").write_text("")
    code, _, error = evaluate("own")
    assert code == 2
    assert "mine:data" in error
    assert "--trust-code" in error
    assert evaluate("own", "--data", "iris")[0] == 0  # the run's own data are not read
    assert not Path("mine.pyc").exists()


def test_a_study_is_not_a_run_and_its_best_is_named(evaluate: Run) -> None:
    study = made_study(Path("studies"), Preset(name="tuned"), accuracies=[0.8, 0.9])
    code, _, error = evaluate("tuned")
    assert code == 2
    assert f"{study.name} is a study, and evaluate takes one run; it has no run of a trial" in error
    first, second = sorted(path.name for path in study.trials.iterdir())
    lines = [events.StudyStarted(process_id=1), events.MetricKnown(metric="accuracy")]
    for trial, (name, value) in enumerate(((first, 0.8), (second, 0.9))):
        lines += [
            events.TrialAsked(trial=trial, settings={}),
            events.TrialStarted(trial=trial, run=name),
            events.TrialFinished(trial=trial, status="completed", value=value),
        ]
    study.events.write_text("".join(f"{encode(line)}\n" for line in lines))
    code, _, error = evaluate(str(study.path))
    assert code == 2
    assert f"its best is trial 1: workbench evaluate studies/{study.name}/trials/{second}" in error


def test_a_file_takes_the_place_of_the_runs_own() -> None:
    Path("new.csv").write_text("x,y\n")
    Path("texts").mkdir()
    table = Preset().override(["data.name=csv", "data.file=old.csv", "data.target=y", "data.missing=drop"])
    found = data_preset(table, "new.csv").data
    assert found.model_dump() == table.data.model_dump() | {"file": str(Path("new.csv").absolute())}
    text = Preset().override(["data.name=text_file", "data.file=old.txt"])
    whole = data_preset(text, "texts").data.model_dump()
    assert (whole["validation_fraction"], whole["test_fraction"]) == (0.0, 0.0)
    Path("iris").mkdir()  # a preset has this name too
    folder = Preset().override(["data.name=image_folder", "data.folder=old"])
    assert data_preset(folder, "iris").data.label() == "iris"
    assert data_preset(folder, "./iris").data.model_dump()["folder"] == str(Path("iris").absolute())


def matrix(size: int) -> list[list[int]]:
    return [[10 * (row == column) + (column == row + 1) for column in range(size)] for row in range(size)]


def test_a_matrix_that_is_too_wide_has_numbers_or_becomes_pairs() -> None:
    names = [f"class number {place}" for place in range(8)]
    title, lines = confusion_lines(matrix(8), names, [Confused("a", "b", 1)], 80)
    assert title.startswith("confusion")
    assert lines[0].split() == [str(number) for number in range(1, 9)]
    assert lines[1].split() == ["1", "class", "number", "0", "10", "1", *6 * ["."]]
    title, lines = confusion_lines(matrix(40), [str(each) for each in range(40)], [Confused("a", "b", 1200)], 80)
    assert (title, lines) == ("most often confused", ["a predicted as b: 1,200"])
    assert confusion_lines(None, [], [], 80)[1] == []
