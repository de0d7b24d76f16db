"""`workbench predict` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Workbench, wait_for

FLOWERS = """sepal length (cm),sepal width (cm),petal length (cm),petal width (cm),species
5.1,3.5,1.4,0.2,setosa
6.7,3.0,5.2,2.3,virginica
"""


@pytest.fixture(scope="module")
def run_of_iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that all tests here predict with; none changes it."""
    tool = Workbench(tmp_path_factory.mktemp("iris"))
    done = tool.run("--preset", "iris", "--set", "training.epochs=30", "--set", "runtime.device=cpu", "--quiet")
    assert done.returncode == 0, done.stderr
    return tool.folder / "runs"


@pytest.fixture
def trained(workbench: Workbench, run_of_iris: Path) -> Workbench:
    (workbench.folder / "runs").symlink_to(run_of_iris)
    (workbench.folder / "new.csv").write_text(FLOWERS)
    return workbench


def piped(workbench: Workbench, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        workbench.command(*arguments),
        cwd=workbench.folder,
        env=workbench.environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_rows_are_predicted_to_stdout_to_a_file_and_from_a_pipe(trained: Workbench) -> None:
    done = trained.run("predict", "iris", "new.csv")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["input"], line["row"], line["prediction"]) for line in lines] == [
        ("new.csv", 1, "setosa"),
        ("new.csv", 2, "virginica"),
    ]
    assert done.stderr.startswith("predicted 2 samples with runs/")

    done = trained.run("predict", str(trained.the_run().checkpoints / "best.pt"), "new.csv", "--csv", "--out", "p.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("wrote p.csv\n")
    written = (trained.folder / "p.csv").read_text().splitlines()
    assert written[0].startswith("input,row,prediction,probability,probability_setosa,")
    assert [line.split(",")[:3] for line in written[1:]] == [["new.csv", "1", "setosa"], ["new.csv", "2", "virginica"]]

    done = piped(trained, FLOWERS, "predict", "iris", "-", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) | {"input": "new.csv"} for line in done.stdout.splitlines()] == lines

    tested = trained.run("predict", "iris", "--split", "test", "--out", "test.jsonl", "--json")
    assert tested.returncode == 0, tested.stderr
    result = json.loads(tested.stdout)
    test = json.loads(trained.the_run().summary.read_text())["test"]
    assert result["metrics"] == {name: test[name] for name in result["metrics"]}
    targets = [json.loads(line) for line in (trained.folder / "test.jsonl").read_text().splitlines()]
    assert result["samples"] == len(targets)
    assert sum(line["prediction"] == line["target"] for line in targets) / len(targets) == test["accuracy"]


def test_what_is_wrong_is_said_and_nothing_is_half_written(trained: Workbench) -> None:
    (trained.folder / "broken.csv").write_text(FLOWERS + "5.1,?,1.4,0.2,setosa\n")
    (trained.folder / "taken.jsonl").write_text("taken")
    for arguments, code, said in (
        (["iris", "broken.csv", "--out", "p.jsonl"], 3, "broken.csv, line 4, column 'sepal width (cm)'"),
        (["iris", "new.csv", "--device", "cuda:9"], 2, "cuda:9"),
    ):
        done = trained.run("predict", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in trained.folder.glob("*.jsonl")] == ["taken.jsonl"]
    assert not list(trained.folder.glob(".*.jsonl*"))
    done = trained.run("predict", "iris", "new.csv", "--out", "taken.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "taken.jsonl exists already" in done.stderr
    assert (trained.folder / "taken.jsonl").read_text() == "taken"


@pytest.mark.slow
def test_an_interruption_a_full_disk_and_a_reader_that_leaves_end_it_at_once(trained: Workbench) -> None:
    header, *rows = FLOWERS.splitlines()
    (trained.folder / "many.csv").write_text("\n".join([header, *rows * 200_000]))
    process = trained.start("predict", "iris", "many.csv", "--out", "many.jsonl")
    wait_for(lambda: any(path.stat().st_size for path in trained.folder.glob(".many.jsonl.*")))
    os.kill(process.pid, signal.SIGINT)
    _, narration = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in narration
    assert not list(trained.folder.glob("*many.jsonl*"))
    assert not list(trained.folder.glob(".many.jsonl*"))

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            trained.command("predict", "iris", "many.csv"),
            cwd=trained.folder,
            env=trained.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "the output could not be written: No space left on device" in done.stderr

    process = trained.start("predict", "iris", "many.csv", "--quiet")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["row"] == 1
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
