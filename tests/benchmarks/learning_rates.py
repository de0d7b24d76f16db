"""Does the learning rate that the range test names train as well as the one in the preset?

    python -m tests.benchmarks.learning_rates [--seeds 5] [--mnist]

Each data set is trained with the rate of its preset and with the steepest point, over seeds that the range test has not
seen. Printed are means over these seeds: the lowest validation loss, and the test metric of the best epoch.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from workbench.processes.range_test import SEEDS, Request
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd
from workbench.runs.tail import EventTail
from workbench.runs.writer import EventWriter
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import assemble
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.trainer import Trainer
from workbench.training.tuning.range_test import sweep_seeds
from workbench.training.tuning.suggestion import suggest

BUNDLED = {
    "digits": ("fast", []),
    "iris": ("iris", []),
    "breast_cancer": ("fast", ["data.name=breast_cancer", "data.batch_size=16"]),
    "wine": ("fast", ["data.name=wine", "data.batch_size=16"]),
}
MNIST = {"mnist": ("mnist-mlp", ["training.epochs=2"])}


def main() -> None:
    """Prints a row for each data set and rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mnist", action="store_true", help="MNIST too, two epochs each; it is downloaded")
    asked = parser.parse_args()
    for name, (preset_name, assignments) in (BUNDLED | (MNIST if asked.mnist else {})).items():
        preset = library.load(preset_name).override([*assignments, "runtime.device=cpu"])
        data = prepare(preset, lambda progress: None)
        rates = Request.of(preset).rates()
        answer = suggest(rates, list(sweep_seeds(data, preset, rates, SEEDS, lambda *_: None)))
        found = answer.suggested
        print(f"{name}: steepest {found.steepest}, valley {found.valley}, before divergence {found.before_divergence}")
        for what, rate in (("preset", preset.optimizer.learning_rate), ("best", found.best), ("valley", found.valley)):
            if rate is not None:
                trained = [train(data, preset, rate, 1000 + seed) for seed in range(asked.seeds)]
                loss, test = (fmean(pair[place] for pair in trained) for place in (0, 1))
                print(f"   {what:<7} {rate:<9g} validation loss {loss:.4f}  test {test:.4f}", flush=True)


def train(data: PreparedData, preset: Preset, rate: float, seed: int) -> tuple[float, float]:
    """The lowest validation loss, and the test metric that the preset monitors."""
    preset = preset.override([f"optimizer.learning_rate={rate!r}", f"training.seed={seed}"])
    with tempfile.TemporaryDirectory() as folder:
        run = create_run(Path(folder), preset.name, preset.to_toml())
        trainer = Trainer(assemble(data, preset), run, EventWriter(run.events), Inbox(run))
        trainer.train()
        ends = [event for _, event in EventTail(run.events).read() if isinstance(event, EpochEnd)]
        tested: dict[str, Any] = trainer.test_metrics or {}
        return min(end.validation["loss"] for end in ends if end.validation), tested[trainer.job.monitor.name]


if __name__ == "__main__":
    main()
