"""Runs stages on the GPU machine, each within its own time limit, and prints a short table last.

    python -m tests.gpu.on_card.stages [smoke] [probes] [peaks] [tests] [again] [bench]

Without arguments: all but `peaks`. Needs Python's own library only: whatever is broken in the project, the other stages
have their turn.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.gpu.on_card.commands import Ended, run
from tests.gpu.on_card.kit import PYTHON, Kit
from tests.gpu.on_card.smoke import smoke

FOR_TABLE = 12.0
"""Seconds that are kept for the table."""
TABLE_CHARACTERS = 10_500
"""Of the table on the terminal; all of it is in table.txt."""
TIMED_PROBES = ("kernels", "replayed_kernels", "phase_events", "backlog", "gaps", "driver")
"""These measure times, and run alone, one after the other; the others run several at once."""


@dataclass(frozen=True)
class Stage:
    """What a stage does, and its time."""

    work: Callable[[Kit, float], None]
    most_seconds: float
    least_seconds: float
    """Kept for it while an earlier stage runs."""


def probes(kit: Kit, seconds: float) -> None:
    """Measures what decides something, a line each."""
    kit.add("== probes (FAULT: what was suspected is so)")
    end = time.time() + seconds
    listed = run([PYTHON, "-m", "tests.gpu.on_card.probes"], kit.work / "probes-list.log", 60).output.split()
    chosen = os.environ.get("PROBES", "").split() or listed

    def probe(names: list[str], most_seconds: float) -> list[str]:
        left = min(end - time.time(), most_seconds)
        if left < 5:
            return [f"{' '.join(names)}: left out, time is up"]
        ended = run([PYTHON, "-m", "tests.gpu.on_card.probes", *names], kit.work / f"probe-{names[0]}.log", left)
        with (kit.out / "probes.log").open("a") as file:
            file.write(ended.output)
        lines = probe_lines(ended.output)
        silent = [name for name in names if not any(line.startswith(f"{name}: ") for line in lines)]
        if ended.exit_code != 0 or silent:
            lines.append(f"{', '.join(silent) or names[-1]}: {ended.in_words}: {' '.join(ended.output.split())[-200:]}")
        return lines

    timed = [name for name in TIMED_PROBES if name in chosen]
    if timed:
        for line in probe(timed, 0.6 * seconds):
            kit.add(line)
    with ThreadPoolExecutor(4) as pool:
        for lines in pool.map(lambda name: probe([name], 45), [name for name in chosen if name not in timed]):
            for line in lines:
                kit.add(line)


def probe_lines(output: str) -> list[str]:
    """The lines that probes report, without their mark, cut for a table."""
    return [line.removeprefix("PROBE ")[:700] for line in output.splitlines() if line.startswith("PROBE ")]


def peaks(kit: Kit, seconds: float) -> None:
    """What lives at the peak of memory, case by case."""
    ended = run([PYTHON, "-m", "tests.gpu.on_card.memory_peaks"], kit.out / "peaks.log", seconds)
    kit.add(f"== what lives at the peak of memory ({ended.in_words}); all of it in peaks.log")
    for line in ended.output.splitlines():
        if line.startswith(("===", "expected", "measured")):
            kit.add(line[:300])


def tests(kit: Kit, seconds: float) -> None:
    """The tests on a GPU, several at once."""
    workers = os.environ.get("WORKERS", "8")
    ended = pytest(kit, "tests.log", seconds, "-n", workers, "--dist", "worksteal")
    outcomes = outcomes_of_tests(ended.output)
    counts = Counter(outcomes.values())
    kit.add(f"== {' '.join(chosen_tests())}, {workers} at once: {dict(counts)} ({ended.in_words})")
    if not outcomes:
        kit.add(ended.output.strip()[-800:])
    reasons = dict(re.findall(r"^(?:FAILED|ERROR) (tests/\S+::.+?) - (.+)$", ended.output, re.MULTILINE))
    for name, outcome in outcomes.items():
        if outcome in ("FAILED", "ERROR"):
            kit.add(f"{outcome} {name.removeprefix('tests/gpu/')}: {reasons.get(name, '')[:160]}")


def again(kit: Kit, seconds: float) -> None:
    """What failed, one test after the other: what fails only beside others is timed by the clock."""
    failed = kit.work / "pytest-cache/v/cache/lastfailed"
    if not failed.exists() or failed.read_text().strip() == "{}":
        kit.add("== again: nothing had failed")
        return
    ended = pytest(kit, "tests-again.log", seconds, "-n", "0", "--last-failed", "--tb=long")
    kit.add(f"== again, one after the other ({ended.in_words}):")
    for name, outcome in outcomes_of_tests(ended.output).items():
        if outcome != "SKIPPED":
            kit.add(f"{outcome} {name.removeprefix('tests/gpu/')}")


def chosen_tests() -> list[str]:
    """Pytest's arguments."""
    return os.environ.get("TESTS", "tests/gpu").split()


def pytest(kit: Kit, log: str, seconds: float, *options: str) -> Ended:
    """Runs pytest on the chosen tests."""
    command = [PYTHON, "-m", "pytest", "-v", "--color=no", "--tb=short", "--durations=12", "-p", "no:benchmark"]
    command += ["-o", f"cache_dir={kit.work}/pytest-cache", "-o", "timeout=60", *chosen_tests(), *options]
    return run(command, kit.out / log, seconds, COLUMNS="200")


def outcomes_of_tests(output: str) -> dict[str, str]:
    """The outcome of each test in the output of `pytest -v`, with and without xdist."""
    found: dict[str, str] = {}
    outcome = "PASSED|FAILED|ERROR|SKIPPED"
    for line in output.splitlines():
        if match := re.match(rf"\[gw\d+\]\s+\[\s*\d+%\]\s+({outcome}) (tests/.+?)\s*$", line):
            found[match[2]] = match[1]
        elif match := re.match(rf"(tests/\S+::.+?) ({outcome})\b", line):
            found[match[1]] = match[2]
    return found


def bench(kit: Kit, seconds: float) -> None:
    """The benchmark of a machine with a GPU."""
    command = [PYTHON, "-m", "tests.benchmarks.gpu", "--found", str(kit.out / "bench.json"), "--device", kit.device]
    command += ["--seconds", str(max(seconds - 20, 10)), *([] if kit.on_gpu else ["--quick"])]
    command += os.environ.get("BENCH", "").split()
    ended = run(command, kit.out / "bench.log", seconds)
    kit.add(f"== benchmark ({ended.in_words})")
    for line in ended.output.splitlines()[2:]:
        if line.strip() and not line.startswith("{"):
            kit.add(line[:230])


STAGES = {
    "smoke": Stage(smoke, most_seconds=120, least_seconds=100),
    "probes": Stage(probes, most_seconds=85, least_seconds=65),
    "peaks": Stage(peaks, most_seconds=65, least_seconds=65),
    "tests": Stage(tests, most_seconds=140, least_seconds=100),
    "again": Stage(again, most_seconds=60, least_seconds=25),
    "bench": Stage(bench, most_seconds=400, least_seconds=110),
}
USUAL = [name for name in STAGES if name != "peaks"]


def run_stages(kit: Kit, names: list[str]) -> None:
    """Runs stages in order; each gets what is left but for the least time of those that follow."""
    for number, name in enumerate(names):
        stage, left = STAGES[name], kit.limit_seconds - FOR_TABLE - kit.passed
        for_later = sum(STAGES[later].least_seconds for later in names[number + 1 :])
        seconds = min(stage.most_seconds, max(left - for_later, 25.0), left)
        if seconds < 8:
            kit.add(f"== {name}: left out, time is up")
            continue
        print(f"\n===== {name}, at most {seconds:.0f} s; {kit.passed:.0f} s have passed", flush=True)
        try:
            stage.work(kit, seconds)
        except Exception as error:
            kit.add(f"== {name}: the kit itself failed: {type(error).__name__}: {error}")


def main() -> int:
    """Runs the stages that are named; returns the exit code."""
    names = sys.argv[1:] or USUAL
    if unknown := [name for name in names if name not in STAGES]:
        print(f"unknown stages {', '.join(unknown)}; there are {', '.join(STAGES)}", file=sys.stderr)
        return 2
    kit = Kit()
    for folder in (kit.out, kit.work):
        folder.mkdir(parents=True, exist_ok=True)
    run_stages(kit, names)
    text = "\n".join(kit.table) + "\n"
    Path(kit.out / "table.txt").write_text(text)
    print(f"\n########## TABLE ({kit.passed:.0f} s in all)\n{text[-TABLE_CHARACTERS:]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
