"""`workbench evaluate` as a user runs it: the metrics of the run's test again, and the run stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Workbench

ROWS = [f"{place}.{number % 10},{number % 7},{name}" for place, name in enumerate("abc") for number in range(40)]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_run_is_evaluated_on_its_own_data_and_on_a_file(workbench: Workbench) -> None:
    (workbench.folder / "train.csv").write_text("\n".join(["x,y,kind", *ROWS]))
    data = ("data.name=csv", "data.file=train.csv", "data.target=kind", "data.batch_size=16")
    settings = [word for each in (*data, "training.epochs=20", "runtime.device=cpu") for word in ("--set", each)]
    assert workbench.run("--preset", "iris", *settings, "--quiet").returncode == 0
    run = workbench.the_run()
    before = contents(run.path)

    done = workbench.run("evaluate", "iris")
    assert done.returncode == 0, done.stderr
    assert "the run's test      the same" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "train.csv" not in line)

    (workbench.folder / "new.csv").write_text("kind,x,y\nc,2.5,3\nc,2.1,1\na,2.9,1\n")
    done = workbench.run("evaluate", run.name, "--data", "new.csv", "--json", "--worst", "1")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["type"], found["run"], found["split"], found["samples"]) == ("result", run.name, "all", 3)
    assert found["metrics"]["support"] == [1, 0, 2]
    assert found["metrics"]["accuracy"] == pytest.approx(2 / 3)
    assert [(each["origin"], each["true"]) for each in found["worst"]] == [("line 4", "a")]

    assert contents(run.path) == before

    (run.checkpoints / "best.pt").write_bytes(b"no checkpoint")
    done = workbench.run("evaluate", "iris")
    assert (done.returncode, done.stdout) == (3, "")
    assert "best.pt is damaged or of another model" in done.stderr
    assert "Traceback" not in done.stderr
