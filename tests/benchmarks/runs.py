"""The table of thousands of runs: `python -m tests.benchmarks.runs [RUNS]`.

Makes run directories as a sweep leaves them (a fifth of them stopped, failed or lost), then measures, each in a process
of its own: the first table that anyone sees, the first of the next start of the app, the same table again, and the
list of the runs that are going. Seconds of processor time, and by the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workbench.runs.catalogue import Catalogue, list_running
from workbench.settings.preset import Preset

ENDINGS = ("completed",) * 8 + ("stopped", "")


def make(folder: Path, runs: int) -> None:
    """A sweep over learning rates, seeds and batch sizes."""
    from tests.ui.made import events, write_summary
    from workbench.runs.directory import RunDirectory
    from workbench.runs.event_lines import encode

    lines = "".join(f"{encode(event)}\n" for event in events(1300))
    for number in range(runs):
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(1_795_521_600 + 60 * number))
        run = RunDirectory(folder / f"{moment}-sweep-{number:04x}")
        run.path.mkdir(parents=True)
        chosen = Preset.from_mapping({"name": f"sweep-{number % 20}"}, "sweep").override(
            [
                f"optimizer.learning_rate={0.0001 * (number % 997 + 1):.6f}",
                f"training.seed={number}",
                f"data.batch_size={16 << number % 5}",
            ]
        )
        run.preset.write_text(chosen.to_toml())
        run.events.write_text(lines)
        run.process.write_text(json.dumps({"process_id": 1000 + number, "start_time": 1_795_521_600.5}))
        if ending := ENDINGS[number % len(ENDINGS)]:
            write_summary(run, ending, 1300, "")


def measure(folder: Path) -> None:
    """Prints what the tables cost, as JSON."""
    from workbench.ui.form.differences import differs

    found: dict[str, Any] = {}

    def timed(name: str, act: Any) -> Any:
        by_clock, by_processor = time.perf_counter(), time.process_time()
        done = act()
        found[name] = [round(time.process_time() - by_processor, 3), round(time.perf_counter() - by_clock, 3)]
        return done

    catalogue = Catalogue(folder)
    rows = timed("first table", lambda: catalogue.rows())
    timed("what differs", lambda: [differs(row) for row in rows])
    timed("again", catalogue.rows)
    timed("list of going runs", lambda: list_running(folder))
    found["rows"] = len(rows)
    print(json.dumps(found))


def main() -> None:
    """Makes, measures, prints."""
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    runs = int(sys.argv[1]) if sys.argv[1:] else 5000
    with tempfile.TemporaryDirectory() as made:
        folder, own = Path(made) / "runs", {"XDG_CACHE_HOME": f"{made}/cache", "XDG_CONFIG_HOME": f"{made}/config"}
        make(folder, runs)
        for what in ("nothing remembered", "the next start"):
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.runs", "--measure", str(folder)],
                env=os.environ | own, capture_output=True, text=True, check=True,
            )  # fmt: skip
            print(f"{what}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
