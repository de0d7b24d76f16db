"""What the app costs: first paint, memory, start of a run, bytes and processor while it watches, keys, disturbance.

    uv run python -m tests.benchmarks.app

A real terminal's view: the app runs in a pty of 160 × 40 with four charts, and a trainer runs at full speed beside it
on the same cores. Nothing here is asserted: these are figures to read.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.terminal import Terminal
from workbench.devices.host import cpu_model
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.events import Steps, Timing
from workbench.runs.status import process_id
from workbench.runs.tail import EventTail

LONG_RUN = ["--set", "training.epochs=100000"]
PRESET = "fast"
WATCH_SECONDS = 20.0
KEY_PRESSES = 200


def main() -> None:
    """Measures everything, and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4, help="pairs of runs, watched and not, for the disturbance")
    parser.add_argument("--low-bandwidth", action="store_true")
    arguments = parser.parse_args()
    # The trainers of tests use one thread; here they use what a user's would.
    os.environ.pop("OMP_NUM_THREADS", None)
    print(f"{cpu_model()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    flags = ["--low-bandwidth"] if arguments.low_bandwidth else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_paint(folder, flags)
        watching(folder, flags)
        disturbance(folder, flags, arguments.pairs)


def open_app(folder: Path, *arguments: str) -> Terminal:
    """The app in a terminal, with folders of its own."""
    own = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-m", "workbench", *arguments]
    return Terminal(command, folder, environment=own | {"WORKBENCH_RUNS": str(folder / "runs")})


def first_paint(folder: Path, flags: list[str], rounds: int = 7) -> None:
    """From the start of the process to the settings on the screen; and what it weighs then."""
    seconds, resident = [], []
    for _ in range(rounds):
        terminal = open_app(folder, PRESET, *flags)
        seconds.append(terminal.wait_for("batch size") - terminal.started)
        resident.append(psutil.Process(terminal.process.pid).memory_info().rss)
        terminal.close()
    print(f"first paint with the settings    {spread(seconds)} s")
    print(f"memory at the first paint        {statistics.median(resident) / 2**20:.0f} MiB")


def watching(folder: Path, flags: list[str]) -> None:
    """A run started from the app and watched: its start, bytes, processor time, keys, memory."""
    terminal = open_app(folder, PRESET, *LONG_RUN, *flags)
    try:
        terminal.wait_for("batch size")
        wait_for_standby(terminal)
        terminal.send("v")
        pressed = time.time()
        terminal.send(" ")
        run = the_new_run(folder)
        print(f"start to the first logged steps  {first_step(run) - pressed:.2f} s (standby trainer warm)")
        time.sleep(5)
        app = psutil.Process(terminal.process.pid)
        processor, began = sum(app.cpu_times()[:2]), time.perf_counter()
        time.sleep(WATCH_SECONDS)
        used, ended = sum(app.cpu_times()[:2]) - processor, time.perf_counter()
        print(f"processor while watching         {100 * used / (ended - began):.1f} % of a core")
        sent = terminal.bytes_between(began, ended) / (ended - began)
        print(f"to the terminal                  {sent / 1e3:.1f} kB/s")
        answers = [1e3 * seconds for seconds in key_answers(terminal)]
        middle, slow = quantile(answers, 0.5), quantile(answers, 0.99)
        print(f"a key is answered in             p50 {middle:.0f} ms, p99 {slow:.0f} ms")
        print(f"memory while watching            {app.memory_info().rss / 2**20:.0f} MiB")
        print(f"torch in the app's process       {'yes' if has_torch(app.pid) else 'no'}")
        end(run)
    finally:
        terminal.close()


def disturbance(folder: Path, flags: list[str], pairs: int) -> None:
    """Step time with the app watching against headless, in turns."""
    watched, alone, ratios = [], [], []
    for _ in range(pairs):
        command = [sys.executable, "-m", "workbench", "--preset", PRESET, *LONG_RUN, "--quiet"]
        headless = subprocess.Popen(
            [*command, "--runs-dir", str(folder / "runs")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        run = the_new_run(folder)
        alone.append(steady_step_ms(run))
        # The same run, now watched: the trainer, its memory and its caches are those of a moment ago.
        terminal = open_app(folder, "--attach", run.name, *flags)
        terminal.wait_for("steps/s")
        watched.append(steady_step_ms(run))
        terminal.close()
        ratios.append(watched[-1] / alone[-1])
        end(run)
        headless.wait()
    print(f"step time alone                  {spread(alone)} ms")
    print(f"step time with the app watching  {spread(watched)} ms")
    print(f"with the app against without     {100 * (statistics.median(ratios) - 1):+.1f} % (median of {pairs} pairs)")


def wait_for_standby(terminal: Terminal) -> None:
    """Until the trainer that stands by has imported PyTorch: its process then sleeps."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        children = psutil.Process(terminal.process.pid).children()
        if children and all(child.cpu_percent(1.0) < 2 for child in children):
            return
        time.sleep(0.2)
    raise TimeoutError("no standby trainer")


def the_new_run(folder: Path) -> RunDirectory:
    """The run that is going."""
    while True:
        for run in reversed(list_runs(folder / "runs")):
            if process_id(run) is not None:
                return run
        time.sleep(0.005)


def first_step(run: RunDirectory) -> float:
    """When the first losses were written, in seconds since 1970."""
    tail = EventTail(run.events)
    while True:
        for _, event in tail.read():
            if isinstance(event, Steps):
                return event.time
        time.sleep(0.005)


def steady_step_ms(run: RunDirectory, warm: int = 3, events: int = 12) -> float:
    """Milliseconds a step over about `events` seconds, once `warm` of them have passed."""
    tail = EventTail(run.events)
    tail.skip_to_end()
    timings: list[Timing] = []
    while len(timings) < warm + events:
        timings += [event for _, event in tail.read() if isinstance(event, Timing)]
        time.sleep(0.05)
    kept = timings[warm:]
    return 1e3 * sum(item.steps / item.steps_per_second for item in kept) / sum(item.steps for item in kept)


def key_answers(terminal: Terminal) -> list[float]:
    """Seconds from a key to its effect: up and down between two settings, whose help changes on the hint line."""
    for keys in ("1", "/", "learning rate", "\r"):
        terminal.send(keys)
        time.sleep(0.5)
    answers = []
    for number in range(KEY_PRESSES):
        key, effect = (("j", "running means"), ("k", "far one step"))[number % 2]
        since, pressed = len(terminal.received), time.perf_counter()
        terminal.send(key)
        answers.append(terminal.wait_for(effect, since, 5) - pressed)
        time.sleep(0.05)
    return answers


def has_torch(pid: int) -> bool:
    """Whether a process has PyTorch's library in its memory."""
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def end(run: RunDirectory) -> None:
    """Kills a run's trainer and removes what it wrote."""
    if (trainer := process_id(run)) is not None:
        psutil.Process(trainer).kill()
    shutil.rmtree(run.path, ignore_errors=True)


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def spread(values: list[float]) -> str:
    """Median (smallest to largest)."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
