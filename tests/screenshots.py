"""The pictures of the README, from real runs of the real app, driven by its keys.

    uv run python -m tests.screenshots [SCENE ...]

writes screenshots/*.svg: of all scenes, or of some. MNIST is read from WORKBENCH_DATA (or downloaded, as always),
spoken digits are made by espeak-ng, everything else is bundled.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static

from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.directory import default_studies_folder, list_studies
from workbench.tuning.view import read_study_view
from workbench.ui.app import WorkbenchApp
from workbench.ui.form.draft import Draft
from workbench.ui.live.remembered import Remembered
from workbench.ui.options import AppOptions

FOLDER = Path(__file__).resolve().parents[1] / "screenshots"
MNIST = Path(__file__).resolve().parents[2] / "shared" / "data"
PATIENCE_SECONDS = 300.0
VARIANTS = {"adam": "0.001", "sgd": "0.05", "rmsprop": "0.002"}
"""Three optimizers with their learning rates, for the comparison of runs."""


def main() -> None:
    """Trains, and takes the pictures."""
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}  # the theme's own colours, whoever takes them
    os.environ.setdefault("WORKBENCH_DATA", str(MNIST) if MNIST.is_dir() else "")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ[name] = f"{folder}/{name.lower()}"
        os.chdir(folder)  # pictures show paths from here
        runs = Path("runs")
        for scene in (while_training, after_training, tuning, data, writing, presets):
            if not sys.argv[1:] or scene.__name__ in sys.argv[1:]:
                if scene is presets:
                    os.chdir(FOLDER.parent)
                asyncio.run(scene(runs))


def app(runs: Path, preset: str, **habits: object) -> WorkbenchApp:
    """The app as a user gets it, but for the trainer that stands by."""
    path = library.find(preset)
    options = AppOptions(runs_folder=runs, standby=False)
    remembered = Remembered(theme="workbench-dark", **habits)  # type: ignore[arg-type]
    return WorkbenchApp(Draft(Preset.load(path), path), options, remembered=remembered)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Lets the app work until the condition holds."""
    waited = 0.0
    while not condition():
        if waited > PATIENCE_SECONDS:
            raise TimeoutError("waited in vain")
        await pilot.pause(0.2)
        waited += 0.2


def take(running: WorkbenchApp, name: str) -> None:
    """Writes what is on the screen."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(running.export_screenshot(title="workbench"))
    print(f"screenshots/{name}.svg")


async def while_training(runs: Path) -> None:
    """The main screen while MNIST is trained; its step time and memory; the same on a small screen."""
    running = app(runs, "mnist-mlp", page="timing", log=True)
    async with running.run_test(size=(140, 40)) as pilot:
        await pilot.press("1", "space")
        await until(pilot, lambda: epoch(running) >= 3.5)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: epoch(running) >= 4.6)
        take(running, "training")
        await pilot.press("3")
        await pilot.resize_terminal(120, 36)
        await pilot.pause(1)
        take(running, "step-time-and-memory")
        await pilot.resize_terminal(80, 24)
        await pilot.press("2")
        await pilot.pause(1)
        take(running, "small")
        await pilot.press("x")
        await until(pilot, lambda: not running.session.is_busy)


def epoch(running: WorkbenchApp) -> float:
    """How far the run is, in epochs."""
    return 0.0 if running.session.watch is None else running.session.watch.history.view.epoch


def train_variants(runs: Path) -> None:
    """The bundled digits with three optimizers."""
    for name, rate in VARIANTS.items():
        changes = ["--set", f"optimizer.name={name}", "--set", f"optimizer.learning_rate={rate}"]
        command = [sys.executable, "-m", "workbench", "--preset", "fast", *changes, "--quiet", "--runs-dir", str(runs)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


async def after_training(runs: Path) -> None:
    """The table of runs, their comparison, and one with the others laid under it."""
    train_variants(runs)
    running = app(runs, "fast", page="charts")
    async with running.run_test(size=(140, 40)) as pilot:
        await pilot.press("r")
        await pilot.pause(2)
        await pilot.press("space", "down", "space", "down", "space")
        await pilot.pause(1)
        take(running, "runs")
        await pilot.press("v")
        await pilot.pause(1)
        take(running, "comparison")
        await pilot.press("escape", "o")
        await until(pilot, lambda: bool(running.screen_stack[0].runs.overlays))  # type: ignore[attr-defined]
        await pilot.press("2")
        await pilot.pause(1)
        take(running, "overlay")


async def tuning(runs: Path) -> None:
    """64 learning rates racing; trials behind the median of the others are discarded on the way."""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "workbench", "tune", "search", "-p", "fast"),
            *("--set", "model.hidden=[64, 32]", "--set", "optimizer.name=sgd"),
            *("--search", "optimizer.learning_rate=1e-4..1", "--search", "optimizer.momentum=0..0.95"),
            *("--search", "optimizer.weight_decay=1e-6..1e-2"),
            *("--trials", "64", "--discard", "median", "--quiet"),
        ],
        stdout=subprocess.DEVNULL,
    ) as search:
        running = app(runs, "fast")
        async with running.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: ended() >= 8)
            await pilot.press("T")
            await until(pilot, lambda: search.poll() is not None or ended() >= 60)
            await pilot.pause(1)
            take(running, "tuning")
        search.wait()


def ended() -> int:
    """How many trials of the only study have ended."""
    studies = list_studies(default_studies_folder())
    view = read_study_view(studies[0]) if studies else None
    return 0 if view is None else sum(trial.has_ended for trial in view.trials.values())


async def data(runs: Path) -> None:
    """A spoken digit."""
    running = app(runs, "spoken-digits")
    async with running.run_test(size=(120, 36)) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: "predicts" in str(running.screen.query_one("#facts", Static).render()))
        await pilot.press("right", "right", "right")
        await pilot.pause(1)
        take(running, "data")


async def writing(runs: Path) -> None:
    """A language model after some epochs, and what it writes."""
    running = app(runs, "char-transformer", page="metrics")
    async with running.run_test(size=(140, 40)) as pilot:
        await pilot.press("1", "space")
        await until(pilot, lambda: epoch(running) >= 3.1)
        await pilot.press("4")
        await pilot.pause(1)
        take(running, "writing")
        await pilot.press("x")
        await until(pilot, lambda: not running.session.is_busy)


async def presets(runs: Path) -> None:
    """The list of presets."""
    running = app(runs, "fast", page="settings")
    async with running.run_test(size=(120, 36)) as pilot:
        await pilot.pause(1)
        await pilot.press("ctrl+o", *"mnist")
        await pilot.pause(1)
        take(running, "presets")


if __name__ == "__main__":
    main()
