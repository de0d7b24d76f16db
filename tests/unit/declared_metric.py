"""Declares a metric that workbench does not have, trains by it, and looks for it everywhere.

`python -m tests.unit.declared_metric FOLDER` runs in a process of its own: the declaration comes before all other
imports, as if it stood in the table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from workbench.metrics import METRICS, Metric

METRICS.append(Metric("even_accuracy", "even", "classification", is_fraction=True, digits=1))

from workbench.training.metrics import mean_over_samples  # noqa: E402


@mean_over_samples
def even_accuracy(scores: Tensor, targets: Tensor) -> Tensor:
    """Of what class numbers are even or odd, whether that is right."""
    return scores.argmax(1) % 2 == targets % 2


def main(folder: Path) -> None:
    """Raises AssertionError where the metric is missing."""
    from rich.style import Style
    from rich.text import Text

    from workbench.headless.report import metrics_line
    from workbench.runs.directory import create_run
    from workbench.runs.events import EpochEnd, TestResult
    from workbench.runs.history import read_history
    from workbench.runs.row import RunRow
    from workbench.runs.writer import EventWriter
    from workbench.settings.preset import Preset
    from workbench.settings.training import Training
    from workbench.training.inbox import Inbox
    from workbench.training.job import build_job
    from workbench.training.trainer import Trainer
    from workbench.ui.dialogs.compare import CompareDialog
    from workbench.ui.panels.metric_chart import MetricChart
    from workbench.ui.panels.metrics import MetricsPanel
    from workbench.ui.panels.runs_results import label_of, written

    assert "even_accuracy" in Training.model_json_schema()["properties"]["monitor"]["enum"]
    small = ["data.name=digits", "model.hidden=[8]", "training.epochs=1", "runtime.device=cpu"]
    preset = Preset().override([*small, "training.monitor=even_accuracy"])
    run = create_run(folder, preset.name, preset.to_toml())
    job = build_job(preset, lambda progress: None)
    writer = EventWriter(run.events)
    trainer = Trainer(job, run, writer, Inbox(run))
    trainer.train()
    history = read_history(run)
    end, tested = history.best, history.view.tested
    assert isinstance(end, EpochEnd)
    assert isinstance(tested, TestResult)
    assert end.validation is not None
    value = tested.metrics["even_accuracy"]
    assert job.test is not None
    with torch.no_grad():
        batches = list(job.test.batches(torch.arange(len(job.test)), trainer.clock))
        right = [job.model.eval()(batch.inputs).argmax(1) % 2 == batch.targets % 2 for batch in batches]
    assert abs(value - float(torch.cat(right).double().mean())) < 1e-12

    shown = f"{100 * value:.1f} %"
    assert f"even {shown}" in metrics_line(tested.metrics)
    assert history.curves["even_accuracy/validation"].last == end.validation["even_accuracy"]
    panel = MetricsPanel()
    panel.style_of = lambda name: Style()  # type: ignore[method-assign]
    assert f"even {shown}" in [text.plain for text in panel._headline(tested.metrics)]
    chart = MetricChart()
    chart._history = history
    assert "even" in [metric.label for metric in chart._metrics()]
    row = RunRow(run, "completed", "", None, monitor="even_accuracy", best=value, test=tested.metrics)
    assert (label_of(row.monitor), written(row.monitor, row.best)) == ("even", shown)
    assert ("test even", [Text(shown)]) in list(CompareDialog([row])._results())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
