"""Every process that trains lets its threads spin briefly, unless the user has said how they wait (screen #3)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.training import processes
from workbench.training.threads.openmp import SPINS, VARIABLES, spin_briefly

PROCESSES_ROOM = Path(processes.__file__).parent
PROCESSES = [path.stem for path in sorted(PROCESSES_ROOM.glob("*.py")) if '__name__ == "__main__"' in path.read_text()]


def test_the_spin_is_bounded_unless_the_user_has_decided() -> None:
    for environment, expected in (
        ({}, str(SPINS)),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, None),
    ):
        spin_briefly(environment)
        assert environment.get("GOMP_SPINCOUNT") == expected


def test_there_are_several_processes_that_train() -> None:
    assert {"worker", "standby", "plan", "comparison"} <= set(PROCESSES)


@pytest.mark.parametrize("name", PROCESSES)
def test_it_is_set_in_each_process_before_pytorch_is_loaded(name: str) -> None:
    """The modules that `python -m` starts; none of them imports PyTorch by being imported itself."""
    program = (
        "import os, sys; assert 'torch' not in sys.modules; "
        f"import workbench.training.processes.{name}; "
        "print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(SPINS), "False"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's wheels for Linux alone have GNU's OpenMP")
def test_openmp_reads_it() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", "import workbench.training, torch"],
        env=environment | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("this build of PyTorch has another OpenMP")
    assert f"GOMP_SPINCOUNT = '{SPINS}'" in done.stderr
