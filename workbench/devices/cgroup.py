"""The memory limit of a process's control group: in a container or a batch job, often less than the machine has.

Linux only, versions 2 and 1 of the interface. A file that cannot be read counts as no limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROCESSES = Path("/proc")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60
"""Bytes. Version 1 says 'no limit' with a number near 2**63."""


@dataclass(frozen=True)
class CgroupMemory:
    """The memory that the groups around a process allow it: the minimum over its own group and all above."""

    limit_bytes: int
    available_bytes: int
    """The limit minus the memory in use, without file cache, which can be freed at once."""


def cgroup_memory(
    process: int | str = "self", processes: Path = PROCESSES, control_groups: Path = CONTROL_GROUPS
) -> CgroupMemory | None:
    """The memory limit of a process, or None where there is none (or no Linux).

    process: its id; processes and control_groups: where those two file systems are mounted.
    """
    try:
        lines = (processes / str(process) / "cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return None
    found = [memory for line in lines for memory in _memory_of_line(line, control_groups)]
    if not found:
        return None
    return CgroupMemory(min(m.limit_bytes for m in found), min(m.available_bytes for m in found))


def _memory_of_line(line: str, control_groups: Path) -> list[CgroupMemory]:
    """The limits behind a line of /proc/*/cgroup: `0::/path` in version 2, `4:memory:/path` in version 1."""
    number, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if number == "0":
        mount, names = control_groups, ("memory.max", "memory.current", "inactive_file")
    elif "memory" in controllers.split(","):
        mount = control_groups / "memory"
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    else:
        return []
    # The limits of all groups above hold too. In a container the path can be that of the host, which does not exist
    # inside: the container's own group is then the mount itself, which is read last.
    group = mount / path.strip("/")
    groups = [group, *(above for above in group.parents if above.is_relative_to(mount))]
    return [memory for folder in groups if (memory := _memory(folder, *names)) is not None]


def _memory(group: Path, limit_file: str, usage_file: str, cache_key: str) -> CgroupMemory | None:
    try:
        limit = int((group / limit_file).read_text())  # version 2 says "max" for no limit: a ValueError
        usage = int((group / usage_file).read_text())
        lines = (group / "memory.stat").read_text().splitlines()
        cache = sum(int(line.split()[1]) for line in lines if line.split()[:1] == [cache_key])
    except (OSError, ValueError, IndexError):
        return None
    if limit >= UNLIMITED:
        return None
    return CgroupMemory(limit, max(0, limit - usage + cache))
