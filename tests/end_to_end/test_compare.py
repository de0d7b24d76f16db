"""`workbench compare` on what the command itself has trained."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import Workbench

QUICK = ["--preset", "iris", "--set", "training.epochs=2"]


@pytest.mark.slow
def test_studies_are_told_apart_and_a_single_run_is_not(workbench: Workbench) -> None:
    for rate in ("0.01", "0.00001"):
        done = workbench.run("tune", "repeat", *QUICK, "--set", f"optimizer.learning_rate={rate}", "--seeds", "6")
        assert done.returncode == 0, done.stderr
    assert workbench.run(*QUICK, "--quiet").returncode == 0
    first, second = sorted(study.name for study in (workbench.folder / "studies").iterdir())
    [run] = workbench.runs

    done = workbench.run("compare", first, second, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["differences"]["optimizer.learning_rate"] == [0.01, 0.00001]
    assert not [path for path in result["differences"] if path.startswith("environment.")], "one machine, one code"
    loss = result["metrics"]["loss"]
    assert loss["difference"] > 0
    assert 0 < loss["interval"][0] < loss["difference"] < loss["interval"][1]
    assert loss["p"] == loss["smallest_p"] == 2 / 2**6
    assert "accuracy/test" in result["metrics"]

    done = workbench.run("compare", first, run.name)
    assert done.returncode == 0
    assert "A and B: nothing can be concluded. There is one pair of runs" in done.stdout
    assert f"workbench tune repeat --preset runs/{run.name}/preset.toml --seeds 6" in done.stdout

    done = workbench.run("compare", first, "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no run 'nowhere'" in done.stderr
