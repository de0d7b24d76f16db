"""How soon do searches find good settings? Each tool from its cold start, imports included, on the same wall budget.

OMP_NUM_THREADS=1 nice python -m tests.benchmarks.searches reference --dataset digits --lines digits.jsonl
uv run --group benchmarks python -m tests.benchmarks.searches run --dataset digits --seeds 3 --found found.json
python -m tests.benchmarks.searches report --found found.json
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.benchmarks.machine import describe
from tests.benchmarks.searches.reference import TRAININGS, keep, references, summed_up, train_all
from tests.benchmarks.searches.report import report
from tests.benchmarks.searches.results import read, run, test_chosen
from tests.benchmarks.searches.task import TASKS, Task
from tests.benchmarks.searches.tools import TOOLS


def main() -> None:
    """Does one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    reference = commands.add_parser("reference", help="train 1,024 candidates to their end and keep the best")
    reference.add_argument("--dataset", choices=TASKS, required=True)
    reference.add_argument("--trainings", type=int, default=TRAININGS)
    reference.add_argument("--lines", type=Path, required=True, help="file that gets a line for each training")
    runs = commands.add_parser("run", help="run searches; those that are in the file are not run again")
    runs.add_argument("--dataset", choices=TASKS, action="append", help="several times for several; else all")
    runs.add_argument("--tools", default="workbench,optuna,ray,keras", help=f"of {','.join(TOOLS)}")
    runs.add_argument("--seeds", type=int, default=10)
    runs.add_argument("--seconds", default="60", help="budget of a search, or several: 15,60")
    runs.add_argument("--cores", type=int, default=2, help="of the processor, for all that a search starts")
    runs.add_argument("--found", type=Path, required=True, help="JSON file of the results")
    reports = commands.add_parser("report", help="test what was chosen, and print the tables")
    reports.add_argument("--found", type=Path, required=True)
    reports.add_argument("--untested", action="store_true", help="leave out what five new seeds give")
    options = parser.parse_args()
    if options.command == "reference":
        reference_of(TASKS[options.dataset], options)
    elif options.command == "run":
        use_cores(options.cores)
        for seconds in map(float, options.seconds.split(",")):
            for dataset in options.dataset or TASKS:
                run(TASKS[dataset], options.tools.split(","), range(options.seeds), seconds, options.found)
    else:
        if not options.untested:
            test_chosen(options.found, list(TASKS.values()))
        print(describe("torch", "optuna", "ray", "keras", "keras-tuner", "jax"))
        print("Median (lower to upper quartile) over the seeds of the search.\n")
        print(report(read(options.found), references()))


def use_cores(count: int) -> None:
    """Leaves this process, and those that it starts, some cores of the processor, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def reference_of(task: Task, options: argparse.Namespace) -> None:
    """Trains, and keeps the best."""
    keep(task.dataset, summed_up(task, train_all(task, options.lines, options.trainings)))


if __name__ == "__main__":
    main()
