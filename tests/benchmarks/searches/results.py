"""What searches have found, in a file that grows with each, so that an interrupted benchmark continues."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from tests.benchmarks.searches.task import Task, arrays
from tests.benchmarks.searches.tools import search
from tests.benchmarks.searches.training import train

FRESH = 5
"""Seeds with which the settings that a search has chosen are trained again."""
FIRST_FRESH = 100_000
"""No search and no reference has it, nor those after it."""


def read(found: Path) -> list[dict[str, Any]]:
    """All results, one for each search."""
    results: list[dict[str, Any]] = json.loads(found.read_text()) if found.exists() else []
    return results


def run(task: Task, tools: Sequence[str], seeds: Sequence[int], seconds: float, found: Path) -> None:
    """Runs what is not there yet; tools take turns, so that a machine whose speed drifts slows all of them."""
    for seed in seeds:
        for tool in tools:
            key: dict[str, Any] = {"dataset": task.dataset, "tool": tool, "seed": seed, "budget": seconds}
            results = read(found)
            if any(key.items() <= result.items() for result in results):
                continue
            print(f"{task.dataset}, {seconds:g} s, seed {seed}: {tool}", flush=True)
            result: dict[str, Any] = key | asdict(search(tool, task, seed, seconds))
            found.write_text(json.dumps([*results, result], indent=1) + "\n")
            if result["problem"]:
                print(f"   {result['problem']}")
            lowest = f"{result['curve'][-1][1]:.4f}" if result["curve"] else "nothing"
            print(f"   lowest validation loss {lowest}, {result['trials']} settings, {result['values']} epochs")


def test_chosen(found: Path, tasks: Sequence[Task]) -> None:
    """Adds the mean test loss of the chosen settings over five new seeds, trained by the same loop for all tools."""
    torch.set_num_threads(1)
    for task in tasks:
        data = None
        for place, result in enumerate(read(found)):
            if result["dataset"] != task.dataset or result["settings"] is None or "test" in result:
                continue
            print(
                f"{task.dataset}, {result['tool']}, seed {result['seed']}: trained again", file=sys.stderr, flush=True
            )
            data = data or arrays(task)
            courses = [train(task, data, result["settings"], FIRST_FRESH + seed) for seed in range(FRESH)]
            tested = {"test": fmean(each.test for each in courses), "lowest": fmean(each.lowest for each in courses)}
            results = read(found)
            results[place] |= tested
            found.write_text(json.dumps(results, indent=1) + "\n")
