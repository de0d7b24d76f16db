"""Overlaid runs: their marks and labels, when they leave, and groups of them."""

from __future__ import annotations

from pathlib import Path

from rich.style import Style

from tests.ui.made import append, preset, write_run
from workbench.plotting.quantities import LOSS
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Started, Steps
from workbench.runs.study import StudyMembership
from workbench.ui.live.overlays import OverlaidRun, Overlays
from workbench.ui.live.watch import Watch
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.chart_legend import labels_of
from workbench.ui.panels.panel import LineWidget


def run_of(folder: Path, number: int, *changes: str, rate: float | None = None) -> RunDirectory:
    """A run that trained a few steps with these settings. rate: the learning rate that its trainer reports."""
    run = write_run(folder, f"20261124T12{number:02}00Z-fast-{number:04}", steps=100, ending="completed")
    chosen = preset().override(list(changes))
    run.preset.write_text(chosen.to_toml())
    now = chosen.optimizer.learning_rate if rate is None else rate
    append(run, Started(process_id=1, learning_rate=now, step=100, resumed=True))
    return run


def watching(run: RunDirectory) -> Watch:
    watch = Watch(run)
    watch.read_all()
    return watch


def overlaid(*runs: RunDirectory) -> Overlays:
    overlays = Overlays(RunMarks())
    overlays.put([OverlaidRun.read(run) for run in runs])
    return overlays


def labels(overlays: Overlays, watched: Watch | None = None) -> list[tuple[str, str]]:
    return [(each.mark.letter, each.label) for each in overlays.shown(watched)]


def test_the_legend_says_in_which_settings_runs_differ_from_each_other_and_from_the_watched_one(tmp_path: Path) -> None:
    """screen/REPORT #19: the legend was A B C D alone."""
    watched = watching(run_of(tmp_path, 0))
    overlays = overlaid(
        run_of(tmp_path, 1, "optimizer.learning_rate=0.1"),
        run_of(tmp_path, 2, "optimizer.learning_rate=0.001", "model.hidden=[64, 32]"),
    )
    assert labels(overlays, watched) == [
        ("A", "hidden 512, 256, lr 0.1"),
        ("B", "hidden 64, 32, lr 0.001"),
    ]
    assert overlays.own_label(watched) == "hidden 512, 256, lr 0.01"
    assert labels(overlays) == labels(overlays, watched), "without a run they differ in the same"
    assert overlays.own_label(None) == ""


def test_runs_that_differ_in_nothing_are_told_apart_by_when_they_began(tmp_path: Path) -> None:
    overlays = overlaid(run_of(tmp_path, 1), run_of(tmp_path, 2), run_of(tmp_path, 3, "training.seed=7"))
    assert labels(overlays) == [("A", "fast 11-24 12:01, seed 0"), ("B", "fast 11-24 12:02, seed 0"), ("C", "seed 7")]


def test_a_learning_rate_that_was_changed_on_the_way_is_given_with_both_values(tmp_path: Path) -> None:
    overlays = overlaid(
        run_of(tmp_path, 1, rate=0.02),
        run_of(tmp_path, 2),
        run_of(tmp_path, 3, "changes=[{step = 5, learning_rate = 0.5}]", rate=0.5),
    )
    assert [label for _, label in labels(overlays)] == ["lr 0.01 → 0.02", "lr 0.01", "lr 0.01 → 0.5"]


def test_a_run_is_never_laid_over_itself(tmp_path: Path) -> None:
    first, second = run_of(tmp_path, 1), run_of(tmp_path, 2, "training.seed=1")
    overlays = overlaid(first, second)
    assert labels(overlays, watching(first)) == [("B", "seed 1")]
    assert labels(overlays, watching(second)) == [("A", "seed 0")], "and comes back beside another one"
    assert overlays.names == (first.name, second.name)


def test_runs_of_other_data_leave_when_the_watched_run_changes(tmp_path: Path) -> None:
    """screen/REPORT #19: the runs of a CSV stayed under those of mnist."""
    digits, iris = run_of(tmp_path, 1), run_of(tmp_path, 2, "data.name=iris")
    batch = run_of(tmp_path, 3, "data.batch_size=8")
    overlays = overlaid(digits, iris, batch)
    assert overlays.fit_to(None) == ""
    assert overlays.fit_to(watching(run_of(tmp_path, 4))) == (
        "no longer overlaid: B, trained on other data than this run"
    )
    assert overlays.names == (digits.name, batch.name)
    assert overlays.fit_to(watching(run_of(tmp_path, 5, "data.name=wine"))).startswith("no longer overlaid: A, C")
    assert not overlays.names


def test_runs_of_another_task_leave_once_the_watched_run_is_prepared(tmp_path: Path) -> None:
    other = run_of(tmp_path, 1)
    other.events.write_text(other.events.read_text().replace('"classification"', '"regression"'))
    overlays = overlaid(other)
    watched = run_of(tmp_path, 2)
    whole = watched.events.read_text()
    watched.events.write_text("")
    watch = Watch(watched)
    assert overlays.fit_to(watch) == ""
    watched.events.write_text(whole)
    watch.read_all()
    assert overlays.fit_to(watch) == "no longer overlaid: A, trained for another task than this run"
    assert overlays.fit_to(watch) == "", "said once"


def test_seeds_are_grouped_as_their_mean_and_so_are_presets_studies_and_settings(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path, 1 + number, f"optimizer.learning_rate={rate}", f"training.seed={seed}")
        for number, (rate, seed) in enumerate([(0.1, 0), (0.1, 1), (0.1, 2), (0.5, 0)])
    ]
    StudyMembership("study-1").save(runs[0].study)
    StudyMembership("study-1").save(runs[3].study)
    overlays = overlaid(*runs)
    assert overlays.next_grouping(None) == "overlaid runs grouped over seeds: 2 groups, drawn as mean and range"
    assert labels(overlays) == [("A", "lr 0.1, mean of 3 seeds"), ("D", "lr 0.5, seed 0")]
    assert [len(each.histories) for each in overlays.shown(None)] == [3, 1]
    assert overlays.next_grouping(None).startswith("overlaid runs grouped by preset: 1 group,")
    assert labels(overlays) == [("A", "mean of 4 runs")]
    assert overlays.next_grouping(None).startswith("overlaid runs grouped by study: 3 groups,")
    assert [label for _, label in labels(overlays)] == ["seed 0, mean of 2 runs", "lr 0.1, seed 1", "lr 0.1, seed 2"]
    assert overlays.next_grouping(None) == "each overlaid run is drawn by itself", "by lr is the same as over seeds"
    assert len(overlays.shown(None)) == 4


def test_seeds_of_one_setting_alone_are_a_mean_of_seeds(tmp_path: Path) -> None:
    overlays = overlaid(*(run_of(tmp_path, 1 + seed, f"training.seed={seed}") for seed in range(5)))
    overlays.next_grouping(None)
    assert labels(overlays) == [("A", "mean of 5 seeds")]


def test_runs_without_anything_in_common_are_not_grouped(tmp_path: Path) -> None:
    overlays = overlaid(run_of(tmp_path, 1))
    assert overlays.next_grouping(None).startswith("to group overlaid runs, overlay two or more")
    assert len(overlays.shown(None)) == 1


def test_an_overlaid_run_in_progress_is_read_on(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=100, alive=True)
    overlays = overlaid(run)
    assert not overlays.poll()
    append(run, Steps(first_step=101, epoch=0.6, losses=[1.0] * 20, learning_rate=0.1, seconds=9.0))
    assert overlays.poll()
    [overlay] = overlays.shown(None)
    assert overlay.histories[0].view.step == 120


def test_a_renamed_run_stays_under_its_mark(tmp_path: Path) -> None:
    marks = RunMarks()
    overlays = Overlays(marks)
    run, other = run_of(tmp_path, 1), run_of(tmp_path, 2, "training.seed=1")
    overlays.put([OverlaidRun.read(run), OverlaidRun.read(other)])
    overlays.shown(None)
    now = RunDirectory(run.path.rename(tmp_path / "best"))
    marks.rename(run.name, now.name)
    overlays.rename(run.name, now)
    assert overlays.names == ("best", other.name)
    assert [letter for letter, _ in labels(overlays)] == ["A", "B"]


def test_where_room_is_short_the_first_setting_says_enough_or_nothing(tmp_path: Path) -> None:
    def texts(*runs: RunDirectory) -> list[str]:
        panel = LineWidget()
        panel.style_of = lambda name: Style()  # type: ignore[method-assign]
        return [text.plain for text in labels_of(panel, LOSS, overlaid(*runs).shown(None), "lr 0.01")]

    first = run_of(tmp_path, 1, "optimizer.learning_rate=0.1")
    second = run_of(tmp_path, 2, "optimizer.learning_rate=0.2", "training.seed=3")
    third = run_of(tmp_path, 3, "optimizer.learning_rate=0.2")
    assert texts(first, second) == [
        "validation  A lr 0.1, seed 0  B lr 0.2, seed 3  this run lr 0.01",
        "validation  A lr 0.1, seed 0  B lr 0.2, seed 3",
        "validation  A lr 0.1  B lr 0.2",
    ]
    assert texts(first, second, third)[2:] == [], "B and C have the same rate"
