"""Settings that are valid, but wrong for the data: said at their row, and no run is left behind."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import NOON, preset, write_run
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Finished, State
from workbench.runs.status import Summary
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.planner import Expectation, content_of
from workbench.ui.panels.lines import HintLine
from workbench.ui.panels.settings import SettingsPanel

WRONG = "data.target: my.csv has no column 'bougt', perhaps 'bought'; it has 'age', 'bought'"


class Trainer:
    """A trainer's process that ended as soon as it was started."""

    returncode = 2

    def poll(self) -> int:
        return self.returncode


def failing(app: WorkbenchApp, kind: str, step: int = 0) -> None:
    """Whatever is started in this app fails while it prepares."""

    def trainer(run: RunDirectory, command: str) -> Trainer:
        summary = Summary("failed", WRONG, 2, step, 0, None, "", None, None, None, kind=kind)
        summary.save(run)
        from tests.ui.made import append

        append(
            run,
            State(state="preparing", step=0, time=NOON * 2),
            Finished(status="failed", step=step, reason=WRONG, exit_code=2, time=NOON * 2),
        )
        return Trainer()

    app.session._trainer = trainer  # type: ignore[method-assign, assignment]


def csv_app(runs: Path, **how: object) -> WorkbenchApp:
    chosen = preset().override(["data.name=csv", "data.file=my.csv", "data.target=bougt"])
    return make_app(runs, chosen=chosen, **how)  # type: ignore[arg-type]


async def started(pilot: Pilot[None], app: WorkbenchApp) -> None:
    await pilot.press("space")
    await app.workers.wait_for_complete([item for item in app.workers if item.group == "start"])
    app.screen.poll()  # type: ignore[attr-defined]
    await pilot.pause()


def cursor(app: WorkbenchApp) -> str:
    row = app.screen.query_one(SettingsPanel).row
    assert row is not None
    return row.path


def test_a_typing_error_leaves_no_run_and_is_shown_at_its_row(tmp_path: Path) -> None:
    """screen/REPORT #30: three failed runs in the list, and the error away from the row."""
    runs = tmp_path / "runs"
    app = csv_app(runs)
    failing(app, "data")

    async def steps(pilot: Pilot[None]) -> None:
        await started(pilot, app)
        assert list(runs.iterdir()) == []
        assert app.session.watch is None
        assert cursor(app) == "data.target"
        assert "cannot start: data.target: my.csv has no column 'bougt'" in app.screen.query_one(HintLine).text
        assert "idle" in screen_text(app)
        await pilot.press("up", "down")
        await pilot.pause()
        assert "has no column 'bougt'" in app.screen.query_one(HintLine).text
        app.draft.enter("data.target", "bought")
        app.screen.show_settings()  # type: ignore[attr-defined]
        await pilot.press("up", "down")
        await pilot.pause()
        assert "has no column" not in screen_text(app)

    drive(app, steps)


def test_on_a_small_screen_it_goes_back_to_the_settings(tmp_path: Path) -> None:
    app = csv_app(tmp_path / "runs")
    failing(app, "data")

    async def steps(pilot: Pilot[None]) -> None:
        await started(pilot, app)
        assert app.screen.query_one(SettingsPanel).has_focus
        assert "✗" in next(line for line in screen_text(app).splitlines()[2:] if "target" in line)

    drive(app, steps, (80, 24))


def test_what_was_watched_before_is_watched_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = write_run(runs, steps=2000, ending="completed")
    app = csv_app(runs, attach=run)
    failing(app, "data")

    async def steps(pilot: Pilot[None]) -> None:
        await started(pilot, app)
        assert app.session.watch is not None
        assert app.session.watch.run.name == run.name
        assert [path.name for path in runs.iterdir()] == [run.name]
        assert "completed" in screen_text(app)

    drive(app, steps)


def test_a_run_that_failed_otherwise_or_trained_stays(tmp_path: Path) -> None:
    for kind, step in (("user_code", 0), ("internal", 0), ("data", 5)):
        runs = tmp_path / f"runs-{kind}"
        app = csv_app(runs)
        failing(app, kind, step)

        async def steps(pilot: Pilot[None], app: WorkbenchApp = app) -> None:
            await started(pilot, app)
            assert app.session.watch is not None
            assert app.session.watch.state == "failed"

        drive(app, steps)
        assert len(list(runs.iterdir())) == 1


def test_a_plan_that_found_it_refuses_the_start_once(tmp_path: Path) -> None:
    """screen/REPORT #30: the settings are checked before a start; the user may mend the file meanwhile."""
    app = csv_app(tmp_path / "runs")
    failing(app, "data")
    planner = app.session.planner
    planner._known[content_of(app.draft.preset)] = Expectation(reason=WRONG, is_wrong=True)

    async def steps(pilot: Pilot[None]) -> None:
        await started(pilot, app)
        assert not (tmp_path / "runs").exists()
        assert cursor(app) == "data.target"
        assert "cannot start" in screen_text(app)
        assert planner.take_fault(app.draft.preset) == ""

    drive(app, steps)


def test_what_the_plan_finds_stands_at_the_row_before_any_start(tmp_path: Path) -> None:
    app = csv_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        panel = app.screen.query_one(SettingsPanel)
        panel.focus_row("data.target")
        panel.expect(Expectation(reason=WRONG, is_wrong=True))
        await pilot.pause()
        assert "has no column 'bougt'" in app.screen.query_one(HintLine).text
        panel.expect(Expectation(reason="mnist is not there yet: the first run downloads it there"))
        await pilot.pause()
        assert "✗" not in app.screen.query_one(HintLine).text

    drive(app, steps)
