"""A process that has imported PyTorch ends at once, and loses nothing that Python's own end would have kept."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import atexit, sys, threading, time
from workbench.training.processes.leave import leave

class Kept:
    def __del__(self):
        print("freed", file=sys.stderr)

kept = Kept()

def work():
    time.sleep(0.2)
    print("the thread has ended")

atexit.register(print, "what is registered")
threading.Thread(target=work).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("printed", end=" ")
leave(7)
"""


def run(stdout: int) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=30, env=environment
    )


def test_leaving_waits_for_threads_calls_what_is_registered_writes_what_is_printed_and_frees_nothing() -> None:
    left = run(subprocess.PIPE)
    assert left.returncode == 7
    assert left.stdout.split("\n") == ["printed the thread has ended", "what is registered", ""]
    assert left.stderr == ""


def test_leaving_keeps_its_exit_code_where_nobody_reads_what_is_printed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    left = run(writer)
    os.close(writer)
    assert (left.returncode, left.stderr) == (7, "")
