"""The table of thousands of runs: `python -m tests.benchmarks.runs [RUNS]`.

Makes run directories as a sweep leaves them (a fifth of them stopped, failed or lost), then measures, each in a process
of its own: the first table that anyone sees, the first of the next start of the app, the same table again, and the
list of the runs that are going. Seconds of processor time, and by the clock. Then opens the list in the app and presses
its keys: milliseconds until the screen has the answer, of processor time and by the clock, which counts some 30 ms of
the test's own waiting.
"""

from __future__ import annotations

import asyncio
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
    from workbench.ui.panels.runs_arrangement import RunsRead

    found: dict[str, Any] = {}

    def timed(name: str, act: Any) -> Any:
        by_clock, by_processor = time.perf_counter(), time.process_time()
        done = act()
        found[name] = [round(time.process_time() - by_processor, 3), round(time.perf_counter() - by_clock, 3)]
        return done

    catalogue = Catalogue(folder)
    rows = timed("first table", lambda: catalogue.rows())
    timed("what differs", lambda: RunsRead.of(rows, RunsRead()))
    timed("again", catalogue.rows)
    timed("list of going runs", lambda: list_running(folder))
    found["rows"] = len(rows)
    print(json.dumps(found))


KEYS = {
    "cursor": ("down",),
    "page": ("pagedown",),
    "end": ("end",),
    "sort": ("s",),
    "reverse": ("exclamation_mark",),
    "mark": ("space",),
    "mark all": ("percent_sign",),
    "filter, a letter of it": ("slash", *"acc > 0.9 lr<0.05", "enter"),
    "group by preset": ("at", *"preset", "enter"),
    "fold": ("F",),
}
"""What is measured: the keys, one after the other; the slowest of them is printed."""
ROUNDS = 5


async def press(folder: Path) -> dict[str, list[float]]:
    """Opens the list of runs in the app; by what was done, the median over rounds of its slowest key, in ms."""
    from statistics import median

    from textual.pilot import Pilot

    from tests.ui.conftest import make_app, screen_text
    from workbench.ui.screens.runs import RunsScreen

    async def timed(pilot: Pilot[None], key: str) -> tuple[float, float]:
        by_clock, by_processor = time.perf_counter(), time.process_time()
        await pilot.press(key)
        await pilot.pause()
        return 1000 * (time.process_time() - by_processor), 1000 * (time.perf_counter() - by_clock)

    app, found = make_app(folder), dict[str, list[float]]()
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("r")
        while not (isinstance(app.screen, RunsScreen) and app.screen.table.rows):
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        for name, keys in KEYS.items():
            rounds = [max([await timed(pilot, key) for key in keys]) for _ in range(ROUNDS)]
            found[name] = [round(median(each[part] for each in rounds), 1) for part in (0, 1)]
        assert "runs" in screen_text(app)
    return found


def main() -> None:
    """Makes, measures, prints."""
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    if sys.argv[1:2] == ["--press"]:
        print(json.dumps(asyncio.run(press(Path(sys.argv[2])))))
        return
    runs = int(sys.argv[1]) if sys.argv[1:] else 5000
    with tempfile.TemporaryDirectory() as made:
        folder, own = Path(made) / "runs", {"XDG_CACHE_HOME": f"{made}/cache", "XDG_CONFIG_HOME": f"{made}/config"}
        make(folder, runs)
        parts = (
            ("nothing remembered", "--measure"),
            ("the next start", "--measure"),
            ("ms until a key is answered", "--press"),
        )
        for what, part in parts:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.runs", part, str(folder)],
                env=os.environ | own, capture_output=True, text=True, check=True,
            )  # fmt: skip
            print(f"{what}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
