"""The benchmark for machines with a GPU is run rarely and must then not stumble: its ways on the CPU are gone here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.benchmarks import bench, gpu, graphs
from tests.benchmarks.bench import QUICK, Bench, run_apart
from tests.benchmarks.disturbance import _Steps
from tests.benchmarks.figures import median_interval
from tests.benchmarks.mnist_sized import write_enlarged_digits
from tests.benchmarks.programs import Trained
from workbench.runs.directory import RunDirectory
from workbench.runs.measurements import Timing
from workbench.runs.writer import EventWriter


@pytest.mark.slow
def test_the_benchmark_for_gpus_goes_all_its_ways_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its two processes are stood in for: each imports PyTorch anew, which is half a minute on a busy machine."""
    write_enlarged_digits(tmp_path, train=512, test=64)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(gpu, "run_script", lambda *_, **__: Trained(1.0, [1.0], 0.9, 3.0))
    monkeypatch.setattr(gpu, "seconds_to_first_step", lambda *_: 0.1)
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--quick"])
    gpu.main()
    printed = capsys.readouterr().out
    found = json.loads(printed.splitlines()[-1])
    assert found["eager, batch 64"]["engine"] == "eager"
    assert found["eager, batch 64"]["s an epoch"] > 0
    assert found["resnet9, own loop: images/s"] > 0
    assert found["resnet9, eager: images/s"] > 0
    assert found["eager: observing on over off"] > 0
    assert found["eager: s from start to first step"] == [0.1]
    assert "failed" not in printed
    assert torch.cuda.CUDAGraph is not graphs.Watched


def test_a_part_that_dies_or_hangs_leaves_its_figures_and_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys, time; open(sys.argv[1], 'w').write('{\"a figure\": 1}'); time.sleep(float(sys.argv[2])); 1 / 0"
    )
    made = Bench("cuda", (), QUICK, tmp_path, tmp_path, time.monotonic() + 60, tmp_path / "found.json")
    popen = subprocess.Popen
    for seconds, outcome in (("0", "ended with 1"), ("60", "was ended after 2 s")):
        monkeypatch.setattr(bench, "MOST_SECONDS", 2 if seconds == "60" else 60)
        command = [sys.executable, "-c", program, str(made.kept), seconds]
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", lambda _, command=command, **others: popen(command, **others))
            run_apart(made, "images", ("auto",), [])
        assert made.found == {"a figure": 1, "images (auto)": outcome}
        assert json.loads(made.kept.read_text()) == made.found


def test_nodes_are_counted_as_cuda_draws_them() -> None:
    """Every node once, also where an edge names it again, and those of a child graph."""
    dot = """digraph dot {
subgraph cluster_1 {
label="graph_1" graph[style="dashed"];
"graph_1_node_0"[style="solid" shape="rectangle" label="0
MEMSET"];
"graph_1_node_1"[style="bold" shape="octagon" label="1
_Z6kernelPf"];
"graph_1_node_0" -> "graph_1_node_1"[headlabel=0];
subgraph cluster_2 {
"graph_2_node_0"[label="KERNEL"];
}
}
}"""
    assert graphs.nodes_in(dot) == 3


def test_a_step_is_timed_by_the_events_that_lie_wholly_in_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path)
    run.events.touch()
    steps, events = _Steps(run), EventWriter(run.events)
    for moment, rate in ((100.5, 1.0), (101.5, 500.0), (102.5, 500.0), (103.5, 2.0)):
        monkeypatch.setattr("time.time", lambda moment=moment: moment)
        events.write(
            Timing(
                step=1, steps=500, timed_steps=0, phase_ms={}, step_ms={}, steps_per_second=rate, samples_per_second=1.0
            )
        )
    events.close()
    assert steps.milliseconds(100.0, 103.0) == pytest.approx(2.0)  # neither the first, which began before, nor the last
    assert steps.milliseconds(104.0, 107.0) is None


def test_the_interval_of_a_median_holds_it() -> None:
    values = [1.0, 1.1, 1.2, 1.3, 9.0]
    low, high = median_interval(values)
    assert 1.0 <= low <= 1.2 <= high <= 9.0
    assert median_interval([2.0]) == (2.0, 2.0)
