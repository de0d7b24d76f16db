"""`workbench data` as a user runs it, on bundled data."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import Workbench


def test_the_data_of_a_preset_is_shown_without_training(workbench: Workbench) -> None:
    done = workbench.run("data", "--preset", "iris", "--samples", "3")
    assert done.returncode == 0, done.stderr
    assert "3 classes (setosa, versicolor, virginica)" in done.stdout
    assert "petal width (cm)" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert not (workbench.folder / "runs").exists()


@pytest.mark.slow
def test_the_last_line_for_scripts_is_the_result(workbench: Workbench) -> None:
    done = workbench.run("data", "-p", "fast", "--json", "--samples", "10")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["type"], result["data"], result["task"]) == ("result", "digits", "classification")
    assert sum(split["samples"] for split in result["splits"]) == 1797
    assert [sample["target"] for sample in result["samples"]] == [str(digit) for digit in range(10)]
    assert all(len(sample["image"]["pixels"]) == 64 for sample in result["samples"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--preset", "irsi"], 2, "there is no preset 'irsi'; did you mean iris?"),
        (["--preset", "iris", "--samples", "1000"], 2, "--samples takes a number from 0 to 64"),
        (["--preset", "iris", "--set", "data.name=cvs"], 2, "data.name"),
        (
            ["--preset", "iris", "--set", "data.name=csv", "--set", "data.file=no.csv", "--set", "data.target=y"],
            3,
            "no.csv",
        ),
        ([], 2, "--preset"),
    ],
)
def test_what_is_wrong_is_said(workbench: Workbench, arguments: list[str], code: int, said: str) -> None:
    done = workbench.run("data", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_code_of_a_preset_runs_only_with_a_yes(workbench: Workbench) -> None:
    (workbench.folder / "mine.py").write_text("raise SystemExit('it ran')\n")
    module = ["--set", "data.name=module", "--set", "data.function=mine:data"]
    done = workbench.run("data", "--preset", "iris", *module)
    assert done.returncode == 2
    assert "--trust-code" in done.stderr
