"""Answers requests on standard input, one after another, as `workbench.processes.measuring` says."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from workbench.errors import EXIT_FAILED, WorkbenchError, type_and_first_line
from workbench.processes.measuring import ANSWER, FAILURE, PROGRESS, Progress, typed_line
from workbench.processes.messages import Failure, decode, parse_object
from workbench.settings.preset import Preset

if TYPE_CHECKING:
    from workbench.data.progress import Progress as ReadProgress

Request = TypeVar("Request")
Send = Callable[[str, Any], None]
"""Sends a message: its type, and a dataclass."""


def serve(kind: type[Request], answer: Callable[[Request, Send], Any]) -> NoReturn:
    """Answers requests until standard input ends, which ends the process at once. Does not return.

    answer: gets a request and sends messages; it returns the answer, and may raise anything. The process is as before
    after each answer, so that the next one does not depend on it.
    """
    requests = input_lines()
    from workbench.training.processes.process_state import ProcessState

    state = ProcessState.now()
    while True:
        line = requests.get()
        try:
            send(ANSWER, answer(decode(kind, parse_object(line)), send))
        except BrokenPipeError:
            os._exit(EXIT_FAILED)
        except Exception as error:
            traceback.print_exc()
            send(FAILURE, failure_of(error))
        state.restore()


def input_lines() -> queue.SimpleQueue[bytes]:
    """The lines of standard input as they come; its end ends the process."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    return lines


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    """Queues the lines of standard input; at its end whoever launched this process has ended."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def send(kind: str, message: Any) -> None:
    """Writes a message on standard output."""
    print(typed_line(kind, message), flush=True)


def report_progress(doing: str, done: int = 0, total: int | None = None) -> None:
    """Sends what is being done."""
    send(PROGRESS, Progress(doing, done, total))


def report_read(progress: ReadProgress) -> None:
    """Sends how far a long read or a download has come."""
    report_progress(progress.what, progress.done, progress.total)


@contextmanager
def adapting(preset: Preset) -> Iterator[Callable[[], None]]:
    """Gives a function that looks at who else uses the cores, to be called about once a second, as a run does.

    Inside the `with` PyTorch's threads then sleep where spinning would only take time from each other.
    """
    import torch

    from workbench.devices.cores import CoreMonitor
    from workbench.training.device import resolve_device
    from workbench.training.threads.spinning import Spinning

    cores, spinning = CoreMonitor(), Spinning(resolve_device(preset.runtime.device), torch.get_num_threads())
    try:
        yield lambda: spinning.adapt(cores.take())
    finally:
        spinning.close()


def failure_of(error: Exception) -> Failure:
    """What is said to whoever asked."""
    from workbench.training.memory.out_of_memory import explain_out_of_memory

    known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, Preset(), None)
    if known is None:
        return Failure(type_and_first_line(error), EXIT_FAILED, "internal")
    return Failure(str(known), known.exit_code, known.kind)
