"""Turns the events of a run into those of TensorBoard, one by one."""

from __future__ import annotations

import math
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.atomic_files import write_atomically
from workbench.files import open_regular
from workbench.runs.directory import RunDirectory
from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Logged,
    Prepared,
    Started,
    Steps,
    TestResult,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.measurements import Footprint, Health, Memory, Profiled, Timing
from workbench.tensorboard.confusion_image import MOST_CLASSES, confusion_png
from workbench.tensorboard.hparams import (
    Setting,
    columns_summary,
    end_summary,
    metric_tags,
    reported_tags,
    session_summary,
    settings_of,
)
from workbench.tensorboard.packages import without_pytorch
from workbench.tensorboard.record_file import RecordFile

with without_pytorch():
    from tensorboardX.proto.event_pb2 import Event as Record
    from tensorboardX.proto.event_pb2 import SessionLog
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboardX.proto.tensor_pb2 import TensorProto

IMAGE_SECONDS = 10.0
"""The least time between two pictures of the confusion matrix: epochs may last milliseconds."""
MOST_METRICS = 100
"""By which runs of a user's own loop are compared."""


@dataclass
class Memo:
    """What the writer must remember if it is to continue in another process: plain values."""

    time: float = 0.0
    """Of the last event, in seconds since 1970."""
    seconds: float = 0.0
    """Training time up to the last step."""
    step: int = 0
    has_settings: bool = False
    has_columns: bool = False
    reported: list[str] = field(default_factory=list)
    """While there are no columns: the tags that epochs and tests have reported."""
    classes: list[str] = field(default_factory=list)
    pictured: float = 0.0
    """The time of the last picture."""
    best: list[Any] = field(default_factory=list)
    """Step, time and confusion matrix of the best epoch, while there is no picture of it."""


class RunWriter:
    """Writes one run."""

    def __init__(
        self, run: RunDirectory, folder: Path, file: RecordFile, memo: Memo, of_others: Mapping[str, Setting]
    ) -> None:
        """folder: in which the file is; traces are put there too. of_others: as for `columns_summary`."""
        self._of_others = of_others
        self._run = run
        self._folder = folder
        self._file = file
        self.memo = memo

    def take(self, event: Event) -> None:
        """Writes what an event says. Raises StorageError."""
        match event:
            case Started():
                self._started(event)
            case Prepared():
                self._prepared(event)
            case Steps():
                self._steps(event)
            case Logged():
                self._metrics(event.metrics, event.split, event.step, event.time, counts=event.split != "train")
            case EpochEnd():
                self._epoch(event)
            case TestResult():
                self._metrics(event.metrics, "test", event.step, event.time)
                self._picture(event.metrics.get("confusion"), "test", event.step, event.time)
            case Timing() | Memory() | Footprint() | Health():
                self._scalars(_measured(event), event.step, event.time)
            case TextGenerated():
                self._text("text/generated", f"{event.prompt}{event.text}", event.step, event.time)
            case WarningRaised():
                self._text("text/warnings", event.message, event.step, event.time)
            case Profiled():
                self._trace(event)
            case Finished():
                self._best_picture()
                self._columns(reported_tags(self.memo.reported), event.time)
                if event.status != "stopped":  # it may be resumed, and TensorBoard keeps the first end that it reads
                    self._write(end_summary(is_good=event.status == "completed"), event.step, event.time)
        self.memo.time = max(self.memo.time, event.time)

    def _started(self, event: Started) -> None:
        if self.memo.step > event.step:
            # The trainer was killed after its last checkpoint: TensorBoard forgets what is behind it.
            log = SessionLog(status=SessionLog.START)
            self._file.write(Record(wall_time=event.time, step=event.step + 1, session_log=log))
            self.memo.best = []
        self.memo.step, self.memo.seconds = event.step, 0.0

    def _prepared(self, event: Prepared) -> None:
        self.memo.classes = list(event.classes[:MOST_CLASSES])
        if not self.memo.has_settings:
            self.memo.has_settings = True
            self._write(session_summary(settings_of(self._run)), 0, event.time)
        self._columns(metric_tags(event), event.time)

    def _columns(self, tags: list[str], when: float) -> None:
        """Writes once which metrics are compared, as soon as there are any."""
        if tags and not self.memo.has_columns:
            self.memo.has_columns, self.memo.reported = True, []
            self._write(columns_summary(settings_of(self._run), tags, self._of_others), 0, when)

    def _steps(self, event: Steps) -> None:
        memo, last = self.memo, event.last
        number = max(last - memo.step, len(event.losses), 1)
        # Steps come in batches; training time says how long each took, without the validation in between.
        each = max(event.seconds - memo.seconds, 0.0) / number
        if event.time - number * each < memo.time:
            each = max(event.time - memo.time, 0.0) / number
        for step, loss in enumerate(event.losses, event.first_step):
            record = Record(wall_time=event.time - (last - step) * each, step=step)
            record.summary.value.add(tag="loss/step", simple_value=loss)
            self._file.write(record)
        memo.step, memo.seconds = last, event.seconds
        self._scalars({"learning_rate": event.learning_rate}, last, event.time)

    def _epoch(self, event: EpochEnd) -> None:
        self._metrics(event.train, "train", event.step, event.time)
        self._metrics(event.validation or {}, "validation", event.step, event.time)
        self._scalars({"epoch": event.epoch, "seconds/train": event.train_seconds,
                       "seconds/validation": event.validation_seconds}, event.step, event.time)  # fmt: skip
        confusion = (event.validation or {}).get("confusion")
        if event.best and isinstance(confusion, list) and len(confusion) <= MOST_CLASSES:
            self.memo.best = [event.step, event.time, confusion]
            if event.time - self.memo.pictured >= IMAGE_SECONDS:
                self._best_picture()

    def _best_picture(self) -> None:
        if self.memo.best:
            step, when, confusion = self.memo.best
            self._picture(confusion, "validation", step, when)
            self.memo.pictured, self.memo.best = when, []

    def _metrics(self, metrics: Mapping[str, Any], split: str, step: int, when: float, *, counts: bool = True) -> None:
        """counts: whether runs may be compared by these."""
        values = {f"{name}/{split}": value for name, value in metrics.items()}
        self._scalars(values, step, when)
        if counts and not self.memo.has_columns:
            new = [tag for tag, value in values.items() if _as_number(tag, value) is not None]
            self.memo.reported = list(dict.fromkeys([*self.memo.reported, *new]))[:MOST_METRICS]

    def _scalars(self, values: Mapping[str, Any], step: int, when: float) -> None:
        """Writes the numbers among the values, all in one record."""
        record = Record(wall_time=when, step=step)
        for tag, value in values.items():
            if (number := _as_number(tag, value)) is not None:
                record.summary.value.add(tag=tag, simple_value=number)
        if record.summary.value:
            self._file.write(record)

    def _picture(self, confusion: Any, split: str, step: int, when: float) -> None:
        picture = confusion_png(confusion, self.memo.classes) if isinstance(confusion, list) else None
        if picture is not None:
            png, width, height = picture
            image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
            self._write(Summary(value=[Summary.Value(tag=f"confusion/{split}", image=image)]), step, when)

    def _text(self, tag: str, text: str, step: int, when: float) -> None:
        # TensorBoard reads Markdown; an indented text is shown as it is.
        shown = "\n".join(f"    {line}" for line in text.split("\n"))
        tensor = TensorProto(dtype="DT_STRING", string_val=[shown.encode(errors="replace")])
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        self._write(Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)]), step, when)

    def _trace(self, event: Profiled) -> None:
        """Puts the trace where the profiler's plugin (torch-tb-profiler) looks: `*.pt.trace.json.gz` in any folder."""
        when = time.strftime("%Y_%m_%d_%H_%M_%S", time.gmtime(event.time))
        path = self._folder / "plugins" / "profile" / when / f"{socket.gethostname()}.pt.trace.json.gz"
        trace = (self._run.path / event.file).resolve()
        if not trace.is_relative_to(self._run.path.resolve()):
            return  # events may be a stranger's: nothing else is copied to where others may look
        if not path.resolve().is_relative_to(self._folder.resolve()):
            return  # so may the folder
        with suppress(OSError), open_regular(trace) as source:
            write_atomically(path, lambda file: shutil.copyfileobj(source, file))

    def _write(self, summary: Summary, step: int, when: float) -> None:
        self._file.write(Record(wall_time=when, step=step, summary=summary))


def _as_number(tag: str, value: Any) -> float | None:
    """The value of a scalar; None where it is none."""
    if value is None and tag.startswith("loss/"):  # a loss that is not finite
        return math.nan
    return value if isinstance(value, (int, float)) else None


def _measured(event: Timing | Memory | Footprint | Health) -> dict[str, Any]:
    """What was measured, by tag."""
    match event:
        case Timing():
            found = _tagged("phase_ms", event.phase_ms) | _tagged("step_ms", event.step_ms)
            for name in ("steps_per_second", "samples_per_second", "gpu_busy_share", "cpu_wait_share", "other_cores"):
                found[f"pace/{name}"] = getattr(event, name)
            return found
        case Memory():
            names = ("host_rss", "host_available", "torch_allocated", "torch_reserved", "torch_peak")
            found = {f"memory/{name}_bytes": getattr(event, f"{name}_bytes") for name in names}
            for index, gpu in enumerate(event.gpus):
                number = gpu.get("index", index)
                found |= _tagged(f"gpu_{number}", {name: value for name, value in gpu.items() if name != "index"})
            return found
        case Footprint():
            return {**_tagged("footprint_bytes", event.kinds), "footprint_bytes/peak": event.peak_bytes}
        case Health():
            found = {"health/gradient_norm": event.gradient_norm, "health/weight_norm": event.weight_norm}
            for tensor in event.tensors:
                found[f"gradient_norm/{tensor['name']}"] = tensor.get("gradient_norm")
            for layer in event.layers:
                for name in ("dead_share", "saturated_share"):
                    found[f"{name}/{layer['name']}"] = layer.get(name)
            return found


def _tagged(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}/{name}": value for name, value in values.items()}
