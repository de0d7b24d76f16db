"""Displays a run without the app: a live progress bar, plain lines, JSON, or nothing."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from workbench import output
from workbench.metrics import headline_metrics
from workbench.metrics import metric as declared
from workbench.printable import escaped
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Prepared, RequestHandled, State, TextGenerated, WarningRaised
from workbench.runs.measurements import MemorySnapshot, Profiled
from workbench.runs.view import RunView
from workbench.units import count, decimals, duration, rate, time_left
from workbench.wording import engine_line, loading_words, profile_title

EPOCH_LINE_SECONDS = 1.0
"""Least time between two epoch lines, so that thousands of short epochs do not flood a log."""

NARROW_COLUMNS = 100
"""Below this width the progress line is shortened so that its bar fits."""

LATER = ("profile", "memory_snapshot")
"""Requests that take some steps to carry out; an event of their own reports that they are done."""


class Display:
    """Shows nothing; the base of all displays."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the terminal as it was."""

    def start(self, run: RunDirectory) -> None:
        """Shows the run's directory."""

    def show(self, line: bytes, event: Event, view: RunView) -> None:
        """Shows a new event; `line`: the event as it was written; `view`: the run, this event included."""

    def refresh(self, view: RunView) -> None:
        """Updates the progress bar; called at each poll."""

    def narrate(self, message: str) -> None:
        """Prints a message for the user."""
        print(message, file=sys.stderr, flush=True)


class QuietDisplay(Display):
    """Shows nothing but messages that matter."""


class JsonDisplay(Display):
    """Prints events as they were written, one per line, on stdout; narration on stderr."""

    def start(self, run: RunDirectory) -> None:
        self.narrate(f"run {run.path}")

    def show(self, line: bytes, event: Event, view: RunView) -> None:
        print(escaped(line.decode(errors="replace").strip()), flush=True)


class LineDisplay(Display):
    """Plain lines, for a log."""

    def __init__(self) -> None:
        self._console = output.console(soft_wrap=True)
        self._last_epoch_line = 0.0
        self._last_epoch: int | None = None
        """The epoch of the last line about one."""

    def start(self, run: RunDirectory) -> None:
        self._say(Text.assemble(("run ", "dim"), str(run.path)))

    def show(self, line: bytes, event: Event, view: RunView) -> None:
        match event:
            case Prepared():
                self._say(describe(event))
            case EpochEnd():
                now = time.monotonic()
                last = view.prepared is not None and event.epoch == view.prepared.epochs
                if last or event.best or now - self._last_epoch_line >= EPOCH_LINE_SECONDS:
                    self._last_epoch_line, self._last_epoch = now, event.epoch
                    self._say(epoch_line(event, view))
            case TextGenerated() if event.epoch == self._last_epoch:
                self._say(generated_text(event))
            case WarningRaised(is_note=True):
                self._say(Text(f"note: {event.message}", style="dim"))
            case WarningRaised():
                self._say(Text(f"warning: {event.message}", style="yellow"))
            case RequestHandled() if event.replayed:
                message = f"learning rate {event.value:g} after step {count(event.step)}, from the preset"
                self._say(Text(message, style="dim"))
            case RequestHandled():
                carried_out = "noted" if event.command in LATER else "done"
                answer = carried_out if event.accepted else f"refused: {event.detail}"
                self._say(Text(f"{event.command}: {answer} at step {count(event.step)}", style="dim"))
            case Profiled():
                self._say(Text(f"{profile_title(event)}, in {event.file}", style="dim"))
            case MemorySnapshot():
                self._say(Text(f"memory snapshot at step {count(event.step)}: {event.file}", style="dim"))
            case State() if event.detail:
                self._say(Text(f"{event.state}: {event.detail}", style="dim"))

    def _say(self, text: Text) -> None:
        self._console.print(text)
        # Without a flush, a pipe's buffer would hide that its reader has died.
        sys.stdout.flush()


class LiveDisplay(LineDisplay):
    """The same lines, with a progress bar below them."""

    def __init__(self) -> None:
        super().__init__()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._last_refresh = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def refresh(self, view: RunView) -> None:
        now = time.monotonic()
        if now - self._last_refresh >= 0.1:
            self._last_refresh = now
            self._live.update(progress_line(view, self._console.width), refresh=True)

    def narrate(self, message: str) -> None:
        self._say(Text(message, style="bold"))


def describe(prepared: Prepared) -> Text:
    """Describes the training run: model, device, engine, samples, and how to read the lines that follow."""
    samples = [f"{count(prepared.train_samples)} train"]
    if prepared.validation_samples:
        samples.append(f"{count(prepared.validation_samples)} validation")
    if prepared.test_samples:
        samples.append(f"{count(prepared.test_samples)} test")
    device = "the CPU" if prepared.device == "cpu" else f"{prepared.device} ({prepared.device_name})"
    return Text.assemble(
        (f"{count(prepared.parameters)} parameters", "bold"),
        f" on {device}, {engine_line(prepared)}, samples {loading_words(prepared.data_loading)}\n",
        f"learns {prepared.learns}\n" if prepared.learns else "",
        f"samples: {', '.join(samples)}\n",
        f"{_known(prepared.epochs)} epochs of {_known(prepared.steps_per_epoch)} steps at batch size "
        f"{_known(prepared.batch_size)}; ",
        ("below: training | validation" if prepared.validation_samples else "below: training", "dim"),
    )


def _known(number: int | None) -> str:
    return "-" if number is None else count(number)


def epoch_line(event: EpochEnd, view: RunView) -> Text:
    """One line about an epoch, training | validation; the best epoch so far says so."""
    epochs = (view.prepared.epochs if view.prepared else None) or event.epoch
    text = Text.assemble(("epoch ", "dim"), f"{count(event.epoch):>{len(count(epochs))}}/{count(epochs)}")
    both = [metrics for metrics in (event.train, event.validation) if metrics]
    for metric in headline_metrics(view.prepared.monitor if view.prepared else ""):
        values = [metrics.get(metric.name) for metrics in both if metric.name in metrics]
        if values:
            shown = " | ".join("nan" if value is None else metric.number(value) for value in values)
            text.append(f"  {metric.label} ", style="dim").append(f"{shown}{metric.unit}")
    text.append(f"  {duration(event.train_seconds + event.validation_seconds)}", style="dim")
    if event.best:
        text.append("  best", style="green")
    return text


def generated_text(event: TextGenerated) -> Text:
    """What a language model wrote, behind a bar: the prompt dim, empty lines left out."""
    text = Text.assemble((event.prompt, "dim"), event.text)
    lines = [line for line in text.split("\n") if line.plain.strip()]
    return Text("\n").join(Text.assemble(("  │ ", "dim"), line) for line in lines)


def progress_line(view: RunView, width: int) -> Table | Text:
    """The progress bar: epoch, step, loss, accuracy, samples per second, time left."""
    if view.prepared is None:
        if view.progress is None:
            return Text("preparing ...", style="dim")
        progress = view.progress
        if not progress.done:
            return Text(f"{progress.what} ...", style="dim")
        if not progress.total:
            return Text(f"{progress.what}: {count(progress.done)} {progress.unit}", style="dim")
        done = f"{progress.what}: {100 * progress.done / progress.total:.0f} % of {count(progress.total)}"
        return Text(f"{done} {progress.unit}", style="dim")
    parts = _progress_parts(view, view.prepared, narrow=width < NARROW_COLUMNS)
    text = Text("  ".join(parts), no_wrap=True, overflow="ellipsis")
    table = Table.grid(padding=(0, 1), expand=False)
    bar_width = max(min(width - text.cell_len - 2, 30), 0)
    if bar_width >= 4:
        table.add_row(ProgressBar(total=1.0, completed=view.fraction_done, width=bar_width), text)
    else:
        table.add_row(text)
    return table


def _progress_parts(view: RunView, prepared: Prepared, *, narrow: bool) -> list[str]:
    """The parts of the progress line, short enough for 80 columns."""
    epoch = int(view.epoch) + 1 if prepared.epochs is None else min(int(view.epoch) + 1, prepared.epochs)
    parts = [f"epoch {count(epoch)}/{_known(prepared.epochs)}", f"step {count(view.step)}"]
    if view.loss is not None:
        parts.append(f"loss {decimals(view.loss)}")
    validation = view.epoch_end.validation if view.epoch_end else None
    known = [name for name in ("accuracy", "token_accuracy") if validation and name in validation]
    parts += [f"acc {declared(name).write(validation[name])}" for name in known if validation]
    if view.timing is not None and view.timing.samples_per_second is not None:
        parts.append(f"{rate(view.timing.samples_per_second)}{'/s' if narrow else ' samples/s'}")
    if view.state != "training":
        parts.append(view.state)
    elif view.seconds_left is not None:
        parts.append(time_left(view.seconds_left))
    return parts
