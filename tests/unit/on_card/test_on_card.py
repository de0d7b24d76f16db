"""The kit that measures on a card, as far as it can be tried without one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.on_card import packages, stages
from tests.gpu.on_card.commands import run
from tests.gpu.on_card.kit import Kit
from tests.gpu.on_card.memory_peaks import moments
from tests.gpu.on_card.probes import PROBES
from tests.gpu.on_card.probes.kernels import operators
from tests.gpu.on_card.probes.probe import Needs
from tests.gpu.on_card.smoke import in_words, record_of
from tests.gpu.on_card.stages import Stage, probe_lines, run_stages
from workbench.atomic_files import write_text_atomically

CPU = torch.device("cpu")
KIT = Path(stages.__file__).parent


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(out=tmp_path, work=tmp_path, device="cpu", limit_seconds=100.0, started=time.time())


def test_every_dependency_is_on_the_machine_or_carried() -> None:
    assert packages.missing() == set()


def test_names_of_requirements() -> None:
    lines = [
        "# a comment",
        "",
        "torch>=2.6",
        "Pydantic_Core==2.50.5",
        "setuptools>=65.5 ; python_version > '3'",
        "a[b]",
    ]
    assert packages.names(lines) == {"torch", "pydantic-core", "setuptools", "a"}


@pytest.mark.parametrize("script", ["prepare.sh", "on-device.sh"])
def test_scripts_are_bash(script: str) -> None:
    assert subprocess.run(["bash", "-n", KIT / script], check=True).returncode == 0


def test_light_probes_run_without_a_card() -> None:
    lines: list[str] = []
    PROBES["kernels"](CPU, lines.append)
    assert all(name in lines[0] for name in operators(CPU))
    assert lines[1].startswith("a step added up: ")


@pytest.mark.parametrize("name", ["compiled_kernels", "refused_capture", "gaps"])
def test_probes_that_need_a_card_say_so(name: str) -> None:
    with pytest.raises(Needs, match="a card"):
        PROBES[name](CPU, lambda _: None)


def test_the_operators_of_a_step_have_the_shapes_of_the_network() -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (_, work) in operators(CPU).items():
        result = work()
        if isinstance(result, torch.Tensor):
            shapes[name] = tuple(result.shape)
    assert shapes["gather inputs"] == (64, 784)
    assert shapes["addmm 784-512"] == (64, 512)
    assert shapes["gradient of the weight 512-256"] == (256, 512)
    assert shapes["gradient of the inputs 256-10"] == (64, 256)
    assert "gradient of the inputs 784-512" not in shapes


def test_lines_of_probes() -> None:
    assert probe_lines("noise\nPROBE backlog: fine\nPROBE x: " + "y" * 900)[0] == "backlog: fine"
    assert len(probe_lines("PROBE " + "y" * 900)[0]) == 700


def test_outcomes_of_tests_with_and_without_several_at_once() -> None:
    output = (
        "[gw1] [ 50%] PASSED tests/gpu/test_a.py::test_one[b c] \n"
        "tests/gpu/test_a.py::test_two FAILED   [100%]\n"
        "FAILED tests/gpu/test_a.py::test_two - assert 1 == 2\n"
    )
    assert stages.outcomes_of_tests(output) == {
        "tests/gpu/test_a.py::test_one[b c]": "PASSED",
        "tests/gpu/test_a.py::test_two": "FAILED",
    }


@pytest.mark.slow
def test_a_command_whose_time_is_up_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(4); pathlib.Path({str(mark)!r}).touch()"
    parent = (
        "import subprocess, sys; print('here', flush=True); "
        f"subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    )
    ended = run([sys.executable, "-c", parent], tmp_path / "log", 1.5)
    assert (ended.exit_code, ended.in_words) == (None, "killed: its time was up")
    assert "here" in ended.output
    time.sleep(4)
    assert not mark.exists()


def test_a_command_sees_its_environment_and_its_own_output_only(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os; print(os.environ['WORD']); raise SystemExit(3)"]
    first, second = (run(command, tmp_path / "log", 20, WORD=word) for word in ("one", "two"))
    assert (first.output, second.output) == ("one\n", "two\n")
    assert second.in_words == "exit 3"


def test_a_stage_that_fails_or_has_no_time_leaves_the_others_theirs(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, float] = {}

    def works(_: Kit, seconds: float) -> None:
        given["works"] = seconds

    def fails(_: Kit, seconds: float) -> None:
        given["fails"] = seconds
        kit.started -= 90  # the time is over

    monkeypatch.setattr(
        stages, "STAGES", {"works": Stage(works, 50, 10), "fails": Stage(fails, 500, 30), "late": Stage(works, 50, 10)}
    )
    run_stages(kit, ["works", "fails", "late"])
    assert given["works"] == pytest.approx(100 - 12 - 40, abs=1)
    assert given["fails"] == pytest.approx(100 - 12 - 10, abs=1)
    assert kit.table == ["== late: left out, time is up"]

    def breaks(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    kit.started = time.time()
    monkeypatch.setattr(stages, "STAGES", {"breaks": Stage(breaks, 50, 10), "works": Stage(works, 40, 10)})
    run_stages(kit, ["breaks", "works"])
    assert kit.table[1:] == ["== breaks: the kit itself failed: ZeroDivisionError: by nought"]
    assert given["works"] == pytest.approx(40, abs=1)


def test_a_training_in_a_line() -> None:
    events: list[dict[str, Any]] = [
        {"type": "prepared", "engine": "eager", "engine_reason": "as asked", "steps_per_epoch": 10},
        {"type": "epoch", "train_seconds": 3.0, "train": {"loss": 2.0}},
        {"type": "epoch", "train_seconds": 0.01, "train": {"loss": 0.5}},
        {"type": "warning", "message": "steps cannot be captured"},
        {"type": "footprint", "expected_peak_bytes": 2**21},
        {"type": "test", "metrics": {"accuracy": 0.9}},
    ]
    record = record_of("fast eager", events, {"status": "completed", "torch_peak_bytes": 3 * 2**20})
    assert record["step_us"] == pytest.approx(1000)  # the first epoch is not counted
    line, warning = in_words(record).splitlines()
    for part in ("completed", "as eager", "1000.0 us/step", "2 > 0.5", "test 0.9000", "peak 3.0 MiB (expected 2.0)"):
        assert part in line
    assert warning.strip() == "! steps cannot be captured"


def test_a_training_that_never_began_is_a_line_too() -> None:
    record = record_of("fast eager", [], {}) | {"exit": "exit 2"}
    assert "exit 2" in in_words(record)


def test_what_is_alive_after_each_allocation() -> None:
    trace = [
        {"action": "alloc", "addr": 1, "size": 10},
        {"action": "alloc", "addr": 2, "size": 5},
        {"action": "free_completed", "addr": 1, "size": 10},
        {"action": "free_completed", "addr": 9, "size": 10},  # allocated before the trace began
        {"action": "alloc", "addr": 1, "size": 3},
    ]
    found = [(index, held, dict(alive)) for index, held, alive in moments(trace)]
    assert found == [(0, 10, {1: 0}), (1, 15, {1: 0, 2: 1}), (4, 8, {2: 1, 1: 4})]


@pytest.mark.slow
def test_the_whole_kit_runs_without_a_card(tmp_path: Path) -> None:
    chosen = tmp_path / "test_chosen.py"
    write_text_atomically(chosen, "def test_passes():\n    assert 1 == 1\n\n\ndef test_fails():\n    assert 1 == 2\n")
    environment = os.environ | {
        "DEVICE": "cpu", "LIMIT_S": "420", "OUT": str(tmp_path / "out"), "WORK": str(tmp_path / "work"), "WORKERS": "2",
        "TESTS": str(chosen), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    command = ["bash", str(KIT / "on-device.sh"), "smoke", "probes", "tests", "again"]
    subprocess.run(command, env=environment, check=True, timeout=450, stdout=subprocess.DEVNULL)
    table = (tmp_path / "out" / "table.txt").read_text()
    for part in (
        "fast eager             completed  as eager",
        "fast auto              completed  as ",
        "kernels: a step added up",
        "phase_events: ",
        "backlog: ",
        "refused_capture: needs a card",
        "2 at once: {",
        "== again, one after the other (exit 1):",
    ):
        assert part in table
    assert "broke off" not in table
    assert "the kit itself failed" not in table
