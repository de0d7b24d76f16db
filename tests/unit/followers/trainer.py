"""A trainer that trains nothing: it holds a run's lock and writes events. As a process: `python -m ... RUN SECONDS`."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Finished, Prepared, Started, State, Steps
from workbench.runs.lock import claim
from workbench.runs.writer import EventWriter


def begun(*, resumed: bool = False, step: int = 0) -> list[Event]:
    return [
        State(state="preparing", step=0),
        Started(process_id=1, resumed=resumed, step=step),
        Prepared(device="cpu", device_name="", batch_size=1, steps_per_epoch=10, epochs=5),
        State(state="training", step=step),
    ]


def write(run: RunDirectory, *events: Event) -> None:
    with contextlib.closing(EventWriter(run.events)) as writer:
        for event in events:
            writer.write(event)


def main(path: str, seconds: float) -> None:
    run = RunDirectory(Path(path))
    with claim(run):
        write(run, *begun())
        until, step = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            step += 1
            write(run, Steps(first_step=step, epoch=0.1, losses=[1.0], learning_rate=0.1, seconds=0.1 * step))
            time.sleep(0.1)
        write(run, Finished(status="completed", step=step))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
