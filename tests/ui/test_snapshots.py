"""How the app looks: few pictures, each of which proves something. Clock, readings and events are made up.

A change of a colour moves pictures; so there are as few as there are things to prove, and everything else about the
screens is asserted as text in the tests beside this one. `PICTURES` says what each of them is for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import make_app, screen_text, settled
from tests.ui.made import append, looks, preset, profiled, write_memory_snapshot, write_run
from tests.ui.made_advice import ABSTAINED, LAUNCH_BOUND, LEARNED, TOO_FAST, fake_comparison, make_findings
from tests.ui.made_measuring import fake_process, range_lines, scan_lines
from workbench.runs.events import Started
from workbench.runs.labels import Labels, write_labels
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.overlays import OverlaidRun

Compare = Callable[..., bool]
Make = Callable[..., WorkbenchApp]
SMALL, NORMAL, LARGE = (80, 24), (120, 36), (200, 50)


def idle(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, **how)


def training(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs, alive=True), **how)


def paused(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs, alive=True, paused=True), **how)


def finished(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs, steps=2000, ending="completed"), **how)


def diverged(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs, steps=700, diverges=True, ending="failed"), **how)


def lost(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs), **how)


def eight_gpus(runs: Path, **how: Any) -> WorkbenchApp:
    return make_app(runs, attach=write_run(runs, alive=True, device="cuda:0"), gpus=8, **how)


def invalid(runs: Path, **how: Any) -> WorkbenchApp:
    app = make_app(runs, **how)
    app.draft.enter("optimizer.learning_rate", "-1")
    return app


def looked_at_closely(runs: Path, **how: Any) -> WorkbenchApp:
    run = write_run(runs, alive=True, device="cuda:0")
    append(run, profiled(1300), write_memory_snapshot(run, 1300))
    return make_app(runs, attach=run, **how)


def healthy(runs: Path, **how: Any) -> WorkbenchApp:
    run = write_run(runs, alive=True)
    append(run, *looks(13))
    return make_app(runs, attach=run, **how)


def six_runs(runs: Path, **how: Any) -> WorkbenchApp:
    """Two learning rates, three seeds each; one is pinned."""
    for number in range(6):
        ending = "stopped" if number == 4 else "completed"
        run = write_run(runs, f"20261124T1{number}0000Z-fast-000{number}", steps=1000 + 200 * number, ending=ending)
        settings = [f"optimizer.learning_rate={(0.001, 0.01)[number % 2]}", f"training.seed={number // 2}"]
        run.preset.write_text(Preset.load(run.preset).override(settings).to_toml())
        summary = json.loads(run.summary.read_text())
        summary["validation"]["accuracy"] = 0.95 + 0.004 * number * (1 if number % 2 else -1)
        run.summary.write_text(json.dumps(summary))
        write_labels(run.labels, Labels(("night",) * (number == 1), pinned=number == 1))
    return make_app(runs, **how)


def two_runs(runs: Path, **how: Any) -> WorkbenchApp:
    write_run(runs, "20261124T120000Z-alpha-0001", steps=2000, ending="completed")
    write_run(runs, "20261124T130000Z-beta-0002", steps=1600, ending="stopped", slope=0.6)
    return make_app(runs, **how)


@dataclass(frozen=True)
class Picture:
    """One picture."""

    proves: str
    make: Make
    size: tuple[int, int] = NORMAL
    keys: Sequence[str] = ()
    how: dict[str, Any] = field(default_factory=lambda: {"page": "charts"})


PICTURES = {
    "training": Picture("the screen that people look at all day, in its own colours", training),
    "training-light": Picture("the same on light", training, how={"page": "charts", "theme": "workbench-light"}),
    "training-ansi": Picture(
        "in the terminal's sixteen colours", training, how={"page": "charts", "theme": "workbench-ansi"}
    ),
    "training-ascii": Picture("in plain ASCII", training, how={"page": "charts", "ascii_only": True}),
    "training-small": Picture("pages take turns, and still hold a chart each", training, SMALL),
    "training-large": Picture("all panels at once, none of them empty", training, LARGE),
    "paused": Picture("a paused run is told from one that trains", paused),
    "completed": Picture("a run that has ended keeps its curves and its result", finished, keys=["4"]),
    "diverged": Picture("a notice in red, and a mark where the loss broke", diverged),
    "lost": Picture("a run whose trainer has died says what to do", lost, SMALL),
    "eight-gpus": Picture("eight cards fit, and the run's own is marked", eight_gpus, LARGE, ["6"]),
    "invalid": Picture("a wrong value stays with its row, and says what is allowed", invalid, how={"page": "settings"}),
    "choices": Picture(
        "a list of choices over the settings",
        idle,
        keys=["slash", *"optimizer", "enter", "enter"],
        how={"page": "settings"},
    ),
    "field": Picture(
        "an error stays beside the field that it is of",
        idle,
        SMALL,
        ["slash", *"learning rate", "enter", "enter", *"-1"],
        how={"page": "settings"},
    ),
    "presets": Picture("presets are found by name, with what would change", idle, keys=["ctrl+o", *"mnist"], how={}),
    "changes": Picture(
        "what differs from the preset", idle, keys=["slash", *"batch size", "enter", "right", "d"], how={}
    ),
    "unsaved": Picture(
        "what is lost by leaving",
        idle,
        SMALL,
        ["slash", *"batch size", "enter", "right", "q"],
        how={"page": "settings"},
    ),
    "quit": Picture("a run need not end with the app", training, SMALL, ["q"]),
    "charts-chosen": Picture("charts are chosen by name", training, keys=["C"]),
    "four-charts-log": Picture(
        "four charts, smoothed more, on a log scale", training, keys=["2", "V", "full_stop", "L"]
    ),
    "keys": Picture("help in two columns, with a field to search it", idle, keys=["question_mark"]),
    "keys-small": Picture("help in one column", idle, SMALL, ["question_mark"]),
    "palette": Picture("actions by name, with their keys", idle, keys=["ctrl+p", *"over"]),
    "profile": Picture("operators as bars", looked_at_closely, keys=["w"], how={"page": "charts"}),
    "memory-snapshot": Picture("what holds the memory", looked_at_closely, SMALL, ["W"]),
    "health": Picture("shades of one metric where there is little room", healthy, keys=["7"]),
    "health-large-light": Picture(
        "shades of all metrics where there is room, on light",
        healthy,
        LARGE,
        ["7"],
        how={"page": "charts", "theme": "workbench-light"},
    ),
    "runs": Picture("marks, columns and states of runs", two_runs, keys=["r", "space", "down", "space"]),
    "runs-small": Picture("the columns that matter where there is little room", two_runs, SMALL, ["r"]),
    "runs-large": Picture("all columns, where there is room", two_runs, LARGE, ["r"]),
    "runs-grouped": Picture(
        "groups, the base, better and worse, a folded group; a wrong filter leaves the rows",
        six_runs,
        (140, 30),
        ["r", "at", *"rate", "enter", "home", "space", "end", "f", "slash", *"acc > 94 lr", "greater_than_sign"],
    ),
    "compare": Picture(
        "what differs between runs, the best of each row marked", two_runs, keys=["r", "space", "down", "space", "v"]
    ),
    "overlay": Picture(
        "overlaid runs keep their letters and colours", two_runs, keys=["r", "space", "down", "space", "o"]
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)  # no path of a machine is in a picture
    (tmp_path / "presets").mkdir()
    for each in ("mnist-mlp", "iris", "fast"):
        preset(each).save(tmp_path / "presets" / f"{each}.toml")
    picture = PICTURES[name]
    if picture.make is healthy:
        make_findings(monkeypatch, [])
    how = dict(picture.how)
    if picture.make is idle:
        how |= {"chosen": preset(), "path": Path("presets/fast.toml")}
    app = picture.make(Path("runs"), **how)

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        first, *rest = picture.keys or [""]
        if first == "r":  # the list of runs is read first
            await pilot.press("r")
            await pilot.pause(0.6)
            await pilot.press(*rest)
        else:
            await pilot.press(*picture.keys)
        await pilot.pause(0.4)

    assert snap_compare(app, terminal_size=picture.size, run_before=bring_up)


def test_a_broken_preset(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a line and the nearest name are on the screen, whole."""
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("[data]\nname = 'digits'\nbatch_sise = 3\n")
    app = make_app(tmp_path / "runs", page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("ctrl+o", *"./broken.toml", "enter")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=SMALL, run_before=bring_up)


def test_code_of_ones_own_is_asked_about(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which file would run is said before it does."""
    monkeypatch.chdir(tmp_path)
    Path("my_models.py").write_text("def wide(inputs, outputs, activation): ...\n")
    monkeypatch.setattr(code, "locate", lambda _: Path("my_models.py"))
    chosen = preset().override(["model.name=module", "model.function=my_models:wide"])
    app = make_app(tmp_path / "runs", chosen=chosen, page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("space")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=NORMAL, run_before=bring_up)


def test_overlaid_runs_in_groups_under_a_maximised_chart(snap_compare: Compare, tmp_path: Path) -> None:
    """The legend: what differs, the mean of seeds and their range; and the colours of two groups."""
    app = training(tmp_path / "runs", page="charts")
    under = []
    for number, (rate, seed) in enumerate([(0.03, 0), (0.03, 1), (0.003, 0), (0.003, 1)]):
        slope = (1.6 if rate == 0.03 else 0.5) + 0.2 * seed
        run = write_run(
            tmp_path / "runs", f"20261124T13000{number}Z-fast-{number}", steps=2000, ending="completed", slope=slope
        )
        changes = [f"optimizer.learning_rate={rate}", f"training.seed={seed}"]
        run.preset.write_text(preset().override(changes).to_toml())
        append(run, Started(process_id=1, learning_rate=rate, step=2000, resumed=True))
        under.append(run)

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app.screen.runs.overlays.put([OverlaidRun.read(run) for run in under])  # type: ignore[attr-defined]
        await pilot.press("at", "2", "m")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=NORMAL, run_before=bring_up)


def test_charts_that_are_moved_in(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the x axis with its place in the whole, the cursor with what it reads, an outlier, where it broke."""
    monkeypatch.chdir(tmp_path)
    app = make_app(Path("runs"), attach=write_run(Path("runs"), steps=1300, diverges=True, ending="failed"))

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app.screen._session.watch.history.curves["loss/train"].buckets[1000].maximum = 1e3  # type: ignore[attr-defined]
        await pilot.press("2", "left", "shift+left", "plus")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=(140, 40), run_before=bring_up)


def test_advice(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to try stands before why."""
    make_findings(monkeypatch, [TOO_FAST, LAUNCH_BOUND], ABSTAINED)
    app = training(tmp_path / "runs", page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("2", "A")  # after a key, what was said about attaching is gone
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=NORMAL, run_before=bring_up)


@pytest.mark.parametrize("dialog", ["why", "measuring", "result"])
def test_a_dialog_of_advice(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str
) -> None:
    """All findings with their figures; a comparison under way with its bar; its result with what can be told."""
    answers: dict[str, Any] = {"measuring": "never", "result": LEARNED}
    make_findings(monkeypatch, [TOO_FAST, LAUNCH_BOUND], ABSTAINED)
    fake_comparison(monkeypatch, tmp_path, answers.get(dialog))
    monkeypatch.setattr("workbench.ui.dialogs.comparison.POLL_SECONDS", 1000.0)
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True, paused=True), page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("i" if dialog == "why" else "a")
        await pilot.pause(0.3)
        while dialog == "result" and getattr(app.screen, "_is_measuring", True):
            await pilot.pause(0.05)
        while dialog == "measuring" and "round 3 of 8" not in screen_text(app):
            await pilot.pause(0.05)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=NORMAL, run_before=bring_up)


@pytest.mark.parametrize("dialog", ["rate", "batch"])
def test_a_dialog_that_measures(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str
) -> None:
    """The curve of a range test with its marks; the throughput by batch size with its knee."""
    fake_process(monkeypatch, tmp_path, {"rate": range_lines(), "batch": scan_lines()}[dialog])
    monkeypatch.setattr("workbench.ui.dialogs.measuring.POLL_SECONDS", 1000.0)
    app = make_app(tmp_path / "runs", page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("slash", *("batch size" if dialog == "batch" else "learning rate"), "enter", "M")
        while "enter take" not in screen_text(app) or "workbench" not in screen_text(app):
            await pilot.pause(0.05)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=NORMAL, run_before=bring_up)


LEAST_BYTES = 5_000
"""An empty screen has 2,000: it equals itself at each run, and is what an app leaves that ends with an error."""
MOST_PICTURES = 75


def test_no_snapshot_is_of_an_app_that_has_ended_and_there_are_few() -> None:
    pictures = list((Path(__file__).parent / "__snapshots__").rglob("*.svg"))
    assert 0 < len(pictures) <= MOST_PICTURES
    assert [picture.name for picture in pictures if picture.stat().st_size < LEAST_BYTES] == []
