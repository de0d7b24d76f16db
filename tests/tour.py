"""A day's work in the real app, in a real terminal: keys, bytes, and the time to each answer.

    uv run python -m tests.tour                # prints the table
    uv run python -m tests.tour --pictures     # and writes screenshots/*.svg, by the app's own key for it

Everything is done by keys alone. MNIST is read from WORKBENCH_DATA (or downloaded, as always); the rest is bundled.
An answer is the first byte that the terminal receives after the last key; a step is done when the screen says so.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte

from tests.benchmarks.terminal import Terminal

ROOT = Path(__file__).resolve().parents[1]
SCREENSHOTS = ROOT / "screenshots"
MNIST = ROOT.parent / "shared" / "data"
OPTIMIZERS = {"sgd": "0.05", "rmsprop": "0.002", "adam": "0.001"}
"""Three optimizers with their learning rates."""
PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.005
ESCAPE_SECONDS = 0.2
"""After esc: a key that followed at once would be taken for alt and that key."""
FILE_SECONDS = 0.3
"""Until a file that has appeared is written to its end."""
NAME_SECONDS = 1.1
"""Between two pictures: the app names them by the second."""
BYTES = {
    "enter": "\r", "escape": "\x1b", "space": " ", "tab": "\t", "backspace": "\x7f", "delete": "\x1b[3~",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "slash": "/", "left_square_bracket": "[", "question_mark": "?", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "f9": "\x1b[20~",
}  # fmt: skip


@dataclass
class Step:
    """One thing that was done."""

    what: str
    keys: int
    bytes: int
    answer_ms: float
    """From the last key to the first byte after it."""
    seconds: float
    """From the first key until the screen showed what was wanted."""


@dataclass
class Seat:
    """Somebody at a terminal with the app."""

    terminal: Terminal
    pictures: bool = False
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.terminal.columns, self.terminal.rows)
        self._stream = pyte.ByteStream(self._screen)
        self._read = 0

    @property
    def text(self) -> str:
        """What is on the screen, a line a row."""
        received = bytes(self.terminal.received[self._read :])
        self._read += len(received)
        self._stream.feed(received)
        return "\n".join(self._screen.display)

    def do(self, what: str, keys: Sequence[str], until: str) -> None:
        """Presses keys, one after the other, and waits until the screen shows a text (a regular expression).

        Raises TimeoutError, with the screen.
        """
        began, before = time.perf_counter(), len(self.terminal.received)
        pressed, seen = began, before
        for key in keys:
            pressed, seen = time.perf_counter(), len(self.terminal.received)
            self.terminal.send(bytes_of(key))
            self._wait(lambda: len(self.terminal.received) > seen, f"an answer to {key}")  # noqa: B023
            if key == "escape":
                time.sleep(ESCAPE_SECONDS)
        answered = time.perf_counter()
        self.wait(until)
        ended = time.perf_counter()
        sent = len(self.terminal.received) - before
        self.steps.append(Step(what, len(keys), sent, 1e3 * (answered - pressed), ended - began))

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while not holds():
            if time.perf_counter() > deadline:
                raise TimeoutError(f"waited in vain for {what}; the screen:\n{self.text}")
            time.sleep(POLL_SECONDS)

    def wait(self, until: str) -> None:
        """Waits until the screen shows a text (a regular expression). Raises TimeoutError, with the screen."""
        self._wait(lambda: re.search(until, self.text) is not None, until)

    def resize(self, columns: int, rows: int) -> None:
        """Makes the terminal's window larger or smaller."""
        self.terminal.resize(columns, rows)
        self._screen.resize(rows, columns)

    def picture(self, name: str) -> None:
        """Takes a picture by the app's own key, if pictures are wanted."""
        if not self.pictures:
            return
        time.sleep(NAME_SECONDS)
        before = set(self.terminal.folder.glob("*.svg"))
        self.terminal.send(bytes_of("f9"))
        self._wait(lambda: bool(set(self.terminal.folder.glob("*.svg")) - before), f"the picture {name}")
        [written] = set(self.terminal.folder.glob("*.svg")) - before
        time.sleep(FILE_SECONDS)
        shutil.move(written, SCREENSHOTS / f"{name}.svg")
        print(f"screenshots/{name}.svg", file=sys.stderr)


def bytes_of(key: str) -> str:
    """What a terminal sends for a key of Textual's name."""
    if key.startswith("ctrl+"):
        return chr(ord(key.removeprefix("ctrl+")) - 96)
    return BYTES.get(key, key)


def main() -> None:
    """Takes the tour, and prints what each step took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true", help="write screenshots/*.svg")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = {each: str(folder / each.lower()) for each in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
        own |= {"WORKBENCH_RUNS": "runs", "WORKBENCH_STUDIES": "studies"}
        if MNIST.is_dir() and "WORKBENCH_DATA" not in os.environ:
            own["WORKBENCH_DATA"] = str(MNIST)
        command = [sys.executable, "-m", "workbench", "mnist-mlp"]
        seat = Seat(Terminal(command, folder, 140, 40, own), pictures=arguments.pictures)
        try:
            day(seat)
        finally:
            seat.terminal.close()
    print(table(seat.steps))


def day(seat: Seat) -> None:
    """What is done in a day."""
    seat.do("open the app", [], "batch size")
    seat.do("see model, memory and data of the settings", [], r"(?s)parameters.*about.*each")
    seat.picture("first")
    first_run(seat)
    three_presets(seat)
    comparison(seat)
    search(seat)
    if seat.pictures:
        text_and_sound(seat)
    leaving(seat)


def first_run(seat: Seat) -> None:
    """Trains MNIST, changes its rate while it runs, and judges what it has learned."""
    seat.do("train", ["space"], r"training.*epoch 1/")
    seat.wait(r"epoch [45]/")
    seat.do("halve the learning rate while it runs", ["left_square_bracket"], r"lr 0\.005")
    seat.wait(r"epoch [67]/")
    seat.picture("training")
    seat.do("zoom into the charts", ["2", "+", "+"], r"step")
    seat.do("see the whole range again", ["0"], r"accuracy")
    seat.do("see the layers' gradients", ["7"], r"gradient norm")
    seat.do("see the machine", ["6"], r"machine")
    seat.do("see step time and memory", ["3"], r"step time")
    seat.resize(120, 36)
    seat.wait(r"p50")
    seat.picture("step-time-and-memory")
    seat.resize(80, 24)
    seat.do("see the charts on a small screen", ["2"], r"loss")
    seat.picture("small")
    seat.resize(140, 40)
    seat.do("wait for the end", [], r"completed")
    seat.do("judge the model: confusion by class", ["J"], r"predicted")
    seat.picture("judge")
    seat.do("its curves", ["2"], r"ROC")
    seat.do("leave", ["escape"], r"settings")


def three_presets(seat: Seat) -> None:
    """Opens another preset, and trains it with three optimizers."""
    seat.do("look through the presets", ["ctrl+o", *"mnist"], r"mnist-cnn|mnist-mlp")
    seat.picture("presets")
    seat.do("leave", ["escape"], r"settings")
    seat.do("open another preset", ["ctrl+o", *"fast", "enter"], r"digits")
    seat.do("look at its data", ["D"], r"predicts")
    seat.do("leave", ["escape"], r"settings")
    for optimizer, rate in OPTIMIZERS.items():
        choose = ["slash", *"optimizer", "enter", "enter", *optimizer, "enter"]
        seat.do(f"choose {optimizer}", choose, rf"Optimizer +{optimizer}")
        seat.do(f"learning rate {rate}", ["slash", *"learning rate", "enter", "enter", *rate, "enter"], rate)
        seat.do("train", ["space"], r"(starting|preparing|training|validating|testing) ")
        seat.wait(r"completed")


def comparison(seat: Seat) -> None:
    """Compares the three in the list of runs, and overlays them."""
    seat.do("list the runs", ["r"], r"─ runs  \d")
    seat.do("keep those of one preset", ["slash", *"fast", "enter"], r"(?s)fast(?!.*mnist-mlp)")
    seat.do("mark three", ["space", "down", "space", "down", "space"], r"3 marked")
    seat.picture("runs")
    seat.do("compare them", ["v"], r"─ compar")
    seat.picture("comparison")
    seat.do("leave", ["escape"], r"fast")
    seat.do("overlay them", ["o"], r"─ loss")
    seat.do("one chart with its legend", ["2", "m"], r"lr|optimizer|adam")
    seat.picture("overlay")
    seat.do("all panels again", ["m"], r"settings")


def search(seat: Seat) -> None:
    """Searches a range of learning rates, and takes the best one."""
    seat.do(
        "search a range of learning rates",
        ["slash", *"learning rate", "enter", "enter", *"1e-4..1 x64", "enter"],
        r"1e-4\.\.",
    )
    seat.do("start the search", ["T", "space"], r"trial")
    seat.do("wait for the end", [], r"completed")
    seat.picture("tuning")
    seat.do("take the best settings", ["B"], r"─ settings")


def text_and_sound(seat: Seat) -> None:
    """A spoken digit, and what a language model writes after some epochs."""
    seat.do("open a preset of sounds", ["ctrl+o", *"spoken-digits", "enter"], r"Data +\S*audio|spoken")
    seat.do("look at a sound", ["D"], r"predicts")
    seat.do("the next ones", ["right", "right", "right"], r"4 of")
    seat.picture("data")
    seat.do("leave", ["escape"], r"settings")
    seat.do("open a language model", ["ctrl+o", *"char-transformer", "enter"], r"transformer")
    seat.do("train", ["space"], r"(starting|preparing|training) ")
    seat.wait(r"epoch 4/")
    seat.do("see what it writes", ["4"], r"metrics")
    seat.picture("writing")
    seat.do("stop", ["x"], r"stopped")


def leaving(seat: Seat) -> None:
    """Exports the watched run, asks for help, and quits."""
    seat.do("export its weights", ["E", *"safetensors", "enter"], r"wrote ")
    seat.do("leave", ["escape"], r"settings")
    seat.do("help", ["question_mark"], r"The run")
    seat.do("leave", ["escape"], r"settings")
    seat.do("quit", ["q"], "")
    if code := seat.terminal.process.wait(PATIENCE_SECONDS):
        raise RuntimeError(f"the app ended with {code}")


def table(steps: Sequence[Step]) -> str:
    """The steps as markdown, and their sums."""
    lines = ["| what | keys | bytes | answer ms | done s |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {step.what} | {step.keys} | {step.bytes:,} | {step.answer_ms:.0f} | {step.seconds:.2f} |" for step in steps
    ]
    answers = sorted(step.answer_ms for step in steps if step.keys)
    keys, sent = sum(step.keys for step in steps), sum(step.bytes for step in steps)
    lines.append(f"| all | {keys} | {sent:,} | p50 {statistics.median(answers):.0f}, most {answers[-1]:.0f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
