"""How the app looks: each state of a run and each dialog. Clock, readings and events are made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import make_app, screen_text, settled
from tests.ui.made import append, looks, preset, profiled, write_memory_snapshot, write_run
from tests.ui.made_advice import ABSTAINED, LAUNCH_BOUND, LEARNED, TOO_FAST, fake_comparison, make_findings
from tests.ui.made_measuring import fake_process, range_lines, scan_lines
from workbench.runs.events import Started
from workbench.settings import code
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.overlays import OverlaidRun

SIZES = [(80, 24), (120, 36), (200, 50)]
THEMES = ["dark", "light"]
Compare = Callable[..., bool]


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


STATES = [idle, training, paused, finished, diverged, lost, eight_gpus, invalid]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state(snap_compare: Compare, tmp_path: Path, state: Any, size: tuple[int, int], theme: str) -> None:
    page = "settings" if state in (idle, invalid) else "charts"
    app = state(tmp_path / "runs", theme=f"workbench-{theme}", page=page)
    assert snap_compare(app, terminal_size=size, run_before=settled)


DIALOGS: dict[str, list[str]] = {
    "open": ["ctrl+o"],
    "open-filtered": ["ctrl+o", *"mnist"],
    "save-as": ["S"],
    "changes": ["slash", *"batch size", "enter", "right", "d"],
    "revert": ["slash", *"batch size", "enter", "right", "U"],
    "unsaved": ["slash", *"batch size", "enter", "right", "q"],
    "command": ["Y"],
    "keys": ["question_mark"],
    "choices": ["slash", *"optimizer", "enter", "enter"],
    "field": ["slash", *"learning rate", "enter", "enter", *"-1"],
    "find": ["slash", *"norm"],
}
"""By the keys that bring them up."""


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("dialog", DIALOGS)
def test_a_dialog(snap_compare: Compare, tmp_path: Path, dialog: str, size: tuple[int, int]) -> None:
    presets = tmp_path / "presets"  # a folder of one's own, so that no path of a machine is in the picture
    presets.mkdir()
    for name in ("mnist-mlp", "iris", "fast"):
        preset(name).save(presets / f"{name}.toml")
    app = make_app(tmp_path / "runs", chosen=preset(), path=Path("presets/fast.toml"), page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press(*DIALOGS[dialog])
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_broken_preset(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("[data]\nname = 'digits'\nbatch_sise = 3\n")
    app = make_app(tmp_path / "runs", page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("ctrl+o", *"./broken.toml", "enter")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_code_of_ones_own_is_asked_about(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_models.py").write_text("def wide(inputs, outputs, activation): ...\n")
    monkeypatch.setattr(code, "locate", lambda _: Path("my_models.py"))  # no path of a machine is in the picture
    chosen = preset().override(["model.name=module", "model.function=my_models:wide"])
    app = make_app(tmp_path / "runs", chosen=chosen, page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("space")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize("keys", [["q"], ["l"], ["m"], ["C"], ["2", "V", "full_stop", "full_stop", "L"]], ids="-".join)
def test_a_dialog_of_a_run_in_progress(snap_compare: Compare, tmp_path: Path, keys: list[str]) -> None:
    app = training(tmp_path / "runs", page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=(120, 36), run_before=bring_up)


def test_overlaid_runs_in_groups_under_a_maximised_chart(snap_compare: Compare, tmp_path: Path) -> None:
    """Proves the legend: what differs, the mean of seeds and their range; and the colours of two groups."""
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

    assert snap_compare(app, terminal_size=(120, 36), run_before=bring_up)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_charts_that_are_moved_in(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """A part of the x axis with its place in the whole, the cursor with what it reads, an outlier, where it broke."""
    monkeypatch.chdir(tmp_path)
    app = make_app(Path("runs"), attach=write_run(Path("runs"), steps=1300, diverges=True, ending="failed"))

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app.screen._session.watch.history.curves["loss/train"].buckets[1000].maximum = 1e3  # type: ignore[attr-defined]
        await pilot.press("2", "left", "shift+left", "plus")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


CLOSE_LOOKS = {
    "profile-80x24": ("o", (80, 24), ""),
    "profile-120x36": ("o", (120, 36), ""),
    "profile-ascii": ("o", (80, 24), "ascii"),
    "profile-ansi": ("o", (80, 24), "ansi"),
    "memory-80x24": ("O", (80, 24), ""),
    "memory-120x36": ("O", (120, 36), ""),
}


@pytest.mark.parametrize(("key", "size", "terminal"), CLOSE_LOOKS.values(), ids=CLOSE_LOOKS)
def test_what_was_looked_at_closely(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    size: tuple[int, int],
    terminal: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = write_run(Path("runs"), alive=True, device="cuda:0")
    append(run, profiled(1300), write_memory_snapshot(run, 1300))
    theme = "workbench-ansi" if terminal == "ansi" else "workbench-dark"
    app = make_app(Path("runs"), attach=run, page="charts", ascii_only=terminal == "ascii", theme=theme)

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press(key)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize("keys", [[], ["space", "down", "space", "v"], ["space", "down", "space", "o"], ["delete"]])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_runs(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[str], size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs", "20261124T120000Z-alpha-0001", steps=2000, ending="completed")
    write_run(tmp_path / "runs", "20261124T130000Z-beta-0002", steps=1600, ending="stopped", slope=0.6)
    app = make_app(Path("runs"), page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("r")
        await pilot.pause(0.6)
        if keys:
            await pilot.press(*keys)
            await pilot.pause(0.6)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


LEAST_BYTES = 5_000
"""An empty screen has 2,000: it equals itself at each run, and is what an app leaves that ends with an error."""


@pytest.mark.parametrize("how", ["ascii", "ansi"])
def test_other_terminals(snap_compare: Compare, tmp_path: Path, how: str) -> None:
    theme = "workbench-ansi" if how == "ansi" else "workbench-dark"
    app = training(tmp_path / "runs", page="charts", theme=theme, ascii_only=how == "ascii")
    assert snap_compare(app, terminal_size=(120, 36), run_before=settled)


def test_the_runs_still_going(snap_compare: Compare, tmp_path: Path) -> None:
    write_run(tmp_path / "runs", alive=True)

    async def wait(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.pause(0.6)

    assert snap_compare(make_app(tmp_path / "runs"), terminal_size=(120, 36), run_before=wait)


def test_no_snapshot_is_of_an_app_that_has_ended() -> None:
    pictures = list((Path(__file__).parent / "__snapshots__").rglob("*.svg"))
    assert pictures
    assert [picture.name for picture in pictures if picture.stat().st_size < LEAST_BYTES] == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_advice(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    make_findings(monkeypatch, [TOO_FAST, LAUNCH_BOUND], ABSTAINED)
    app = training(tmp_path / "runs", page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("2", "A")  # after a key, what was said about attaching is gone
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("dialog", ["why", "measuring", "result", "failure"])
def test_a_dialog_of_advice(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str, size: tuple[int, int]
) -> None:
    failure = {"error": "the GPU (NVIDIA H100, 79.6 GiB) ran out of memory at batch size 512", "which": "changed"}
    answers: dict[str, Any] = {"measuring": "never", "failure": failure, "result": LEARNED}
    make_findings(monkeypatch, [TOO_FAST, LAUNCH_BOUND], ABSTAINED)
    fake_comparison(monkeypatch, tmp_path, answers.get(dialog))
    monkeypatch.setattr("workbench.ui.dialogs.comparison.POLL_SECONDS", 1000.0)
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True, paused=True), page="charts")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("i" if dialog == "why" else "a")
        await pilot.pause(0.3)
        while dialog in ("result", "failure") and getattr(app.screen, "_is_measuring", True):
            await pilot.pause(0.05)
        while dialog == "measuring" and "round 3 of 8" not in screen_text(app):
            await pilot.pause(0.05)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


MEASURINGS = {"rate": range_lines(), "rate-sweeping": range_lines(seeds=2), "batch": scan_lines()}
"""What the process prints."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("dialog", MEASURINGS)
def test_a_dialog_that_measures(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str, size: tuple[int, int]
) -> None:
    fake_process(monkeypatch, tmp_path, MEASURINGS[dialog])
    monkeypatch.setattr("workbench.ui.dialogs.measuring.POLL_SECONDS", 1000.0)
    app = make_app(tmp_path / "runs", page="settings")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("slash", *("batch size" if dialog == "batch" else "learning rate"), "enter", "M")
        shown = "sweeping with seed 3 of 5" if dialog == "rate-sweeping" else "enter take"
        while shown not in screen_text(app) or "workbench" not in screen_text(app):  # the dialog, and what is under it
            await pilot.pause(0.05)
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


@pytest.mark.parametrize(("size", "theme"), [((120, 36), "dark"), ((200, 50), "light")], ids=["one", "all"])
def test_the_health_of_the_layers(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], theme: str
) -> None:
    """Shades in colour, on both backgrounds: one metric where there is little room, and all where there is."""
    make_findings(monkeypatch, [])
    run = write_run(tmp_path / "runs", alive=True)
    append(run, *looks(13))
    app = make_app(tmp_path / "runs", attach=run, page="charts", theme=f"workbench-{theme}")

    async def bring_up(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("7")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=bring_up)
