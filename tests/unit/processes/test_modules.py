"""What `python -m` starts is named in one place, and is there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import workbench
from workbench.processes.modules import Module, command_line


@pytest.mark.parametrize("module", Module)
def test_every_module_that_is_started_is_there_and_runs_its_main(module: Module) -> None:
    spec = importlib.util.find_spec(module.value)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text()
    assert re.search(r'if __name__ == "__main__":\n    (sys\.exit|leave)\(main\(', text)
    assert command_line(module, "x") == (sys.executable, "-P", "-m", module.value, "x")


def test_no_other_file_names_a_module_to_start() -> None:
    """Such an arrow would be hidden from the import linter."""
    root = Path(workbench.__file__).parent
    starting = re.compile(r'"workbench\.training\b')
    found = [file.relative_to(root) for file in root.rglob("*.py") if starting.search(file.read_text())]
    assert found == [Path("processes/modules.py")]


def test_who_starts_processes_imports_no_torch() -> None:
    script = (
        "import sys, pkgutil, importlib, workbench.processes as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'workbench.processes.{module.name}')\n"
        "assert 'workbench.processes.worker' in sys.modules\n"
        "assert not {'torch', 'sklearn', 'workbench.training'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
