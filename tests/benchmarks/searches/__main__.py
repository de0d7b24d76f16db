"""How soon do searches find good settings? Each tool from its cold start, imports included, on the same wall budget.

    OMP_NUM_THREADS=1 nice python -m tests.benchmarks.searches reference --dataset digits
    uv run --group benchmarks python -m tests.benchmarks.searches run --dataset digits --seeds 3 --found found.json
    python -m tests.benchmarks.searches report --found found.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.benchmarks.searches.reference import TRAININGS, keep, summed_up, train_all
from tests.benchmarks.searches.task import TASKS


def main() -> None:
    """Does one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    reference = commands.add_parser("reference", help="train 1,024 candidates to their end and keep the best")
    reference.add_argument("--dataset", choices=TASKS, required=True)
    reference.add_argument("--trainings", type=int, default=TRAININGS)
    reference.add_argument("--lines", type=Path, required=True, help="file that gets a line for each training")
    options = parser.parse_args()
    task = TASKS[options.dataset]
    keep(task.dataset, summed_up(task, train_all(task, options.lines, options.trainings)))


if __name__ == "__main__":
    main()
