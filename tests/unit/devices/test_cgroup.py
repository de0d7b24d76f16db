"""Memory limits of control groups, read from folders that look like Linux's."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.devices.cgroup import CgroupMemory, cgroup_memory

NO_LIMIT_V1 = "9223372036854771712"


class Machine:
    """A stand-in for /proc and /sys/fs/cgroup."""

    def __init__(self, folder: Path) -> None:
        self.processes, self.control_groups = folder / "proc", folder / "cgroup"

    def write(self, path: str, **contents: str) -> None:
        folder = self.processes.parent / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / name.replace("__", ".")).write_text(text + "\n")

    def memory(self) -> CgroupMemory | None:
        return cgroup_memory(7, self.processes, self.control_groups)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_2(machine: Machine) -> None:
    machine.write("proc/7", cgroup="0::/job/step")
    machine.write(
        "cgroup/job/step", memory__max="1000", memory__current="700", memory__stat="anon 5\ninactive_file 200"
    )
    assert machine.memory() == CgroupMemory(1000, 500)


def test_the_tightest_of_the_groups_above_holds(machine: Machine) -> None:
    machine.write("proc/7", cgroup="0::/job/step")
    machine.write("cgroup/job/step", memory__max="max", memory__current="100", memory__stat="")
    machine.write("cgroup/job", memory__max="2000", memory__current="1900", memory__stat="inactive_file 0")
    machine.write("cgroup", memory__max="1500", memory__current="1000", memory__stat="inactive_file 0")
    assert machine.memory() == CgroupMemory(1500, 100)


def test_in_a_container_the_path_is_that_outside(machine: Machine) -> None:
    machine.write("proc/7", cgroup="0::/docker/1234")
    machine.write("cgroup", memory__max="1000", memory__current="1200", memory__stat="inactive_file 50")
    assert machine.memory() == CgroupMemory(1000, 0)


def test_version_1(machine: Machine) -> None:
    machine.write("proc/7", cgroup="9:name=systemd:/\n4:cpu,memory:/job\n1:cpuset:/")
    machine.write(
        "cgroup/memory/job",
        memory__limit_in_bytes="1000",
        memory__usage_in_bytes="700",
        memory__stat="inactive_file 1\ntotal_inactive_file 100",
    )
    machine.write("cgroup/memory", memory__limit_in_bytes=NO_LIMIT_V1, memory__usage_in_bytes="1", memory__stat="")
    assert machine.memory() == CgroupMemory(1000, 400)


@pytest.mark.parametrize("text", ["", "nonsense", "0::/job", "4:memory:/job", "1:cpu:/job"])
def test_what_cannot_be_read_is_no_limit(machine: Machine, text: str) -> None:
    machine.write("proc/7", cgroup=text)
    assert machine.memory() is None


def test_without_proc_there_is_no_limit(machine: Machine) -> None:
    assert machine.memory() is None
