"""For all tests: two processes that each use every core would wait for one another, so each test uses one."""

from __future__ import annotations

import os

# Before anything imports torch; the trainers that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
