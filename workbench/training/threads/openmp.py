"""How long PyTorch's CPU threads spin while they wait for each other.

PyTorch's wheels for Linux compute with GNU's OpenMP. By default its threads spin for milliseconds before they sleep:
where another program holds one of the cores, each operator waits for a thread that is not running, and two trainers
side by side do that to each other. A short, bounded spin costs little alone, avoids most of that wait, and changes no
bit of any result: how many threads there are, and what each of them computes, stays the same.

`tests.benchmarks.busy` measures each way of waiting, alone and beside a busy program.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

SPINS = 4000
"""Turns of GNU OpenMP's waiting loop, some tens of microseconds, before a thread sleeps."""
VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""A user who has set one of these has decided: then nothing is set here."""


is_ours = False
"""Whether `spin_briefly` has set how long threads of this process spin."""


def spin_briefly(environment: MutableMapping[str, str]) -> None:
    """Sets how long threads spin, in the environment of this process. To be called before PyTorch is imported.

    Other OpenMP libraries (Intel's, LLVM's, Apple's) do not read it.
    """
    global is_ours
    if not any(name in environment for name in VARIABLES):
        environment["GOMP_SPINCOUNT"] = str(SPINS)
    # A process that this one starts inherits it.
    is_ours = environment.get("GOMP_SPINCOUNT") == str(SPINS) and "OMP_WAIT_POLICY" not in environment


def available_cores() -> int:
    """How many cores this process may use, as OpenMP counts them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
