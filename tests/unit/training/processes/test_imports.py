"""The imports of a process that trains."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from workbench.training.processes.imports import without_collector


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was_afterwards_also_where_an_import_fails(enabled: bool) -> None:
    was_enabled = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with without_collector():
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
        with pytest.raises(ImportError), without_collector():
            raise ImportError("no such library")
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


@pytest.mark.slow
def test_a_network_and_its_optimizer_import_nothing_more_of_pytorch() -> None:
    program = """
import sys
from workbench.training.processes.imports import import_pytorch
import_pytorch()
import torch
before = set(sys.modules)
assert not torch.cuda.is_initialized()
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(3, 2)).sum().backward()
optimizer.step()
print(sorted(name for name in set(sys.modules) - before if name.startswith("torch")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
