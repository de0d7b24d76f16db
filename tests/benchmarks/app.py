"""What the app costs: first paint, idling, start of a run, bytes and processor while it watches, keys, disturbance.

    uv run python -m tests.benchmarks.app                            # some twelve minutes
    uv run python -m tests.benchmarks.app --only first_paint         # of first_paint, idle, watching, disturbance

A real terminal's view: the app runs in a pty, of 200 × 50 with six charts while it watches, and a trainer runs at full
speed beside it on the same cores. Idle, the processes that stand by and that compute the first picture count too. First
paint is compared with that of an empty Textual app, in turns; the disturbance of the trainer
with that by the command that follows a run without the app. Nothing here is asserted: these are figures to read.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from tests.benchmarks import disturbance
from tests.benchmarks.figures import percent_more, spread
from tests.benchmarks.machine import describe
from tests.benchmarks.start import first_step
from tests.benchmarks.terminal import Terminal
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.lock import process_id
from workbench.ui.live.pace import ALONE_SECONDS

LONG_RUN = ["--set", "training.epochs=100000"]
PRESET = "fast"
WATCH_SECONDS = 20.0
LARGE = (200, 50)
"""Columns and rows of a terminal with room for six charts."""
HARMLESS_KEY = "\x1b"
KEY_PRESSES = 200


def main() -> None:
    """Measures everything, and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40, help="pairs of windows, watched and not, for the disturbance")
    parser.add_argument("--rounds", type=int, default=7, help="first paints")
    parser.add_argument("--only", help="one of first_paint, idle, watching, disturbance")
    parser.add_argument("--low-bandwidth", action="store_true")
    arguments = parser.parse_args()
    print(describe("textual"))
    flags = ["--low-bandwidth"] if arguments.low_bandwidth else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.only in (None, "first_paint"):
            first_paint(folder, flags, arguments.rounds)
        if arguments.only in (None, "idle"):
            idle(folder, flags)
        if arguments.only in (None, "watching"):
            watching(folder, flags)
        if arguments.only in (None, "disturbance"):
            disturbances(folder, flags, arguments.pairs)


def open_app(folder: Path, *arguments: str, size: tuple[int, int] = (160, 40)) -> Terminal:
    """The app in a terminal of that many columns and rows, with folders of its own."""
    own = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-m", "workbench", *arguments]
    return Terminal(command, folder, *size, environment=own | {"WORKBENCH_RUNS": str(folder / "runs")})


def first_paint(folder: Path, flags: list[str], rounds: int) -> None:
    """From the start of the process to the settings on the screen, and what it weighs then; beside an empty app's."""
    empty = [sys.executable, str(Path(__file__).with_name("empty_app.py"))]
    ours: list[Paint] = []
    least: list[Paint] = []
    for turn in range(rounds + 1):
        mine, other = paint(open_app(folder, PRESET, *flags)), paint(Terminal(empty, folder))
        if turn > 0:  # the first writes what Python compiles
            ours.append(mine)
            least.append(other)
    ratios = [mine.seconds / other.seconds for mine, other in zip(ours, least, strict=True)]
    more = [mine.seconds - other.seconds for mine, other in zip(ours, least, strict=True)]
    print(f"first paint with the settings    {spread([mine.seconds for mine in ours])} s")
    print(f"    of an empty Textual app      {spread([other.seconds for other in least])} s")
    print(f"    ratio; difference            {spread(ratios, 2)}; {spread(more)} s ({rounds} pairs)")
    print(f"processor until then             {spread([mine.processor for mine in ours])} s")
    print(f"    of an empty Textual app      {spread([other.processor for other in least])} s")
    print(f"memory at the first paint        {median([mine.resident for mine in ours]) / 2**20:.0f} MiB")
    print(f"    of an empty Textual app      {median([other.resident for other in least]) / 2**20:.0f} MiB")


@dataclass(frozen=True)
class Paint:
    """An app's first paint."""

    seconds: float
    """Since the start of its process."""
    processor: float
    """User and system seconds that it has taken by then."""
    resident: int
    """Bytes of memory."""


def paint(terminal: Terminal) -> Paint:
    """Waits for the first paint, and closes the app."""
    arrived = terminal.wait_for("batch size")
    process = psutil.Process(terminal.process.pid)
    used, resident = processor(process), process.memory_info().rss
    terminal.close()
    return Paint(arrived - terminal.started, used, resident)


def idle(folder: Path, flags: list[str]) -> None:
    """Nothing is trained, and no key is pressed: what the app and its processes take once it has its first picture."""
    terminal = open_app(folder, PRESET, *flags, size=LARGE)
    try:
        terminal.wait_for("classes")
        wait_for_standby(terminal)
        app = psutil.Process(terminal.process.pid)
        others = app.children(recursive=True)
        before, began = [processor(each) for each in (app, *others)], time.perf_counter()
        time.sleep(WATCH_SECONDS)
        after, ended = [processor(each) for each in (app, *others)], time.perf_counter()
        own, *theirs = (100 * (now - then) / (ended - began) for now, then in zip(after, before, strict=True))
        print(
            f"processor while idle             {own:.1f} % of a core, "
            f"{len(others)} processes beside it {sum(theirs):.1f} %"
        )
        print(f"to the terminal                  {terminal.bytes_between(began, ended) / (ended - began):.0f} bytes/s")
        resident = [each.memory_info().rss / 2**20 for each in (app, *others)]
        print(f"memory                           {resident[0]:.0f} MiB, beside it {sum(resident[1:]):.0f} MiB")
    finally:
        terminal.close()


def processor(process: psutil.Process) -> float:
    """User and system seconds that a process has taken; 0 once it has ended."""
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


def watching(folder: Path, flags: list[str]) -> None:
    """A run started from the app and watched: its start, bytes, processor time, keys, memory."""
    terminal = open_app(folder, PRESET, *LONG_RUN, *flags, size=LARGE)
    try:
        terminal.wait_for("batch size")
        wait_for_standby(terminal)
        terminal.send("VV")  # six charts
        pressed = time.time()
        terminal.send(" ")
        run = the_new_run(folder)
        print(f"start to the first logged steps  {first_step(run) - pressed:.2f} s (standby trainer warm)")
        time.sleep(5)
        app = psutil.Process(terminal.process.pid)
        before, began = processor(app), time.perf_counter()
        time.sleep(WATCH_SECONDS)
        used, ended = processor(app) - before, time.perf_counter()
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


def disturbances(folder: Path, flags: list[str], pairs: int) -> None:
    """The trainer's step time with the app watching against none; the same with the command that follows a run.

    The app in both of its states: a key was pressed some seconds ago, so that it draws as often as it ever does; and
    nobody touches it.
    """
    command = [sys.executable, "-m", "workbench", "--preset", PRESET, *LONG_RUN, "--quiet"]
    headless = subprocess.Popen(
        [*command, "--runs-dir", str(folder / "runs")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    run = the_new_run(folder)
    first_step(run)
    try:
        followed = disturbance.measure(run, headless.pid, pairs)
        show("the command, --quiet", followed)
        # The same run continues without it: the trainer lives in a session of its own.
        headless.kill()
        headless.wait()
        terminal = open_app(folder, "--attach", run.name, *flags)
        try:
            terminal.wait_for("steps/s")
            used = disturbance.measure(run, terminal.process.pid, pairs, lambda: terminal.send(HARMLESS_KEY))
            time.sleep(ALONE_SECONDS + 1)
            watched = disturbance.measure(run, terminal.process.pid, pairs)
        finally:
            terminal.close()
    finally:
        end(run)
    for what, found in (("the app, keys pressed", used), ("the app, left alone", watched)):
        show(what, found)
        more = median(found.ratios) / median(followed.ratios)
        print(f"    against the command          {100 * (more - 1):+.1f} %")


def show(watcher: str, found: disturbance.Disturbance) -> None:
    """The figures of one watcher."""
    print(f"step time with {watcher:<22} {spread(found.awake_ms)} ms; without {spread(found.stopped_ms)} ms")
    print(f"    more                         {percent_more(found.ratios)}")
    print(f"    processor while it watches   {100 * median(found.processor):.1f} % of a core")


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


def key_answers(terminal: Terminal) -> list[float]:
    """Seconds from a key to its effect: up and down between two settings, whose help changes on the hint line."""
    for keys in ("1", "/", "learning rate", "\r"):
        terminal.send(keys)
        time.sleep(0.5)
    answers = []
    for number in range(KEY_PRESSES):
        key, effect = (("j", "running means"), ("k", "most important"))[number % 2]
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


if __name__ == "__main__":
    main()
