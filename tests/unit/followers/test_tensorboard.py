"""One follower writes all trials of a study that are runs, as they come and go."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tensorboard.test_run_writer import FakeClock, append, begun, scalars, steps
from workbench.errors import StorageError
from workbench.followers.files import FollowerFiles
from workbench.followers.log import Log
from workbench.followers.start import wants_tensorboard
from workbench.followers.tensorboard import RunReader, StudyReader
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Event
from workbench.settings.preset import Preset
from workbench.tensorboard.log_folder import State
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import TrialFinished, TrialPaused, TrialStarted

NOON = 1_795_521_600.0


@pytest.fixture
def study(tmp_path: Path) -> StudyDirectory:
    study = StudyDirectory(tmp_path / "a-study")
    study.trials.mkdir(parents=True)
    study.preset.write_text(Preset().to_toml())
    (study.path / "followers").mkdir()
    return study


def trial(study: StudyDirectory) -> RunDirectory:
    return create_run(study.trials, "made", Preset(name="made").to_toml(), study=study.name)


def started(number: int, run: RunDirectory) -> Event:
    return TrialStarted(trial=number, run=run.name)


def reader(study: StudyDirectory, parent: Path | None) -> StudyReader:
    return StudyReader(study, parent, FakeClock(), Log(os.open(study.path / "log", os.O_WRONLY | os.O_CREAT)))


def steps_of(folder: Path) -> list[int]:
    return [step for step, _, _ in scalars(folder, "loss/step")]


def test_each_trial_has_a_folder_and_continues_where_it_was_paused(study: StudyDirectory, tmp_path: Path) -> None:
    first, second = trial(study), trial(study)
    written = reader(study, tmp_path / "tb")
    written.take([started(0, first), started(1, second), TrialStarted(trial=2, run="")], 0)
    append(first, *begun(), steps(1, [1.0] * 5, 1.0, NOON + 5))
    append(second, *begun(), steps(1, [1.0] * 3, 1.0, NOON + 5))
    written.take([TrialPaused(trial=0, epoch=1), TrialFinished(trial=1, status="completed")], 0)
    append(first, *begun(NOON + 9, step=5, resumed=True), steps(6, [1.0] * 5, 1.0, NOON + 15))
    written.take([started(0, first)], 0)
    written.end()
    folder = tmp_path / "tb" / study.name
    assert steps_of(folder / first.name) == list(range(1, 11))
    assert steps_of(folder / second.name) == [1, 2, 3]
    assert (study.path / "log").read_text().count("problem: trials that are trained together are no runs") == 1


def test_a_resumed_study_writes_to_the_same_folder(study: StudyDirectory, tmp_path: Path) -> None:
    first = trial(study)
    assert not wants_tensorboard(study)
    before = reader(study, tmp_path / "tb")
    append(first, *begun(), steps(1, [1.0] * 5, 1.0, NOON + 5))
    before.take([started(0, first)], 0)
    before.end()
    assert wants_tensorboard(study)
    append(first, *begun(NOON + 9, step=5, resumed=True), steps(6, [1.0] * 5, 1.0, NOON + 15))
    second = trial(study)
    append(second, *begun(), steps(1, [1.0] * 3, 1.0, NOON + 5))
    after = reader(study, None)
    after.take([started(0, first), started(1, second)], 0)
    after.end()
    folder = tmp_path / "tb" / study.name
    assert steps_of(folder / first.name) == list(range(1, 11))
    assert steps_of(folder / second.name) == [1, 2, 3]


def test_without_a_folder_each_trial_is_written_into_its_run(study: StudyDirectory) -> None:
    first = trial(study)
    append(first, *begun(), steps(1, [1.0] * 5, 1.0, NOON + 5))
    written = reader(study, None)
    written.take([started(0, first)], 0)
    written.end()
    assert steps_of(first.path / "tensorboard") == [1, 2, 3, 4, 5]


def test_a_trial_that_is_deleted_disturbs_no_other(study: StudyDirectory, tmp_path: Path) -> None:
    first, second = trial(study), trial(study)
    written = reader(study, tmp_path / "tb")
    append(first, *begun())
    append(second, *begun(), steps(1, [1.0] * 3, 1.0, NOON + 5))
    gone = TrialStarted(trial=2, run="deleted-before-it-was-looked-at")
    written.take([started(0, first), gone, started(1, second)], 0)
    shutil.rmtree(first.path)
    written.rest(is_alive=True)
    append(second, steps(4, [1.0] * 3, 2.0, NOON + 6))
    written.end()
    assert steps_of(tmp_path / "tb" / study.name / second.name) == [1, 2, 3, 4, 5, 6]
    assert not FollowerFiles(first, "tensorboard").folder.exists()
    assert (study.path / "log").read_text() == ""


def life(run: RunDirectory, wanted: Path | None = None) -> str:
    """A life of the follower of a run, which reads what is there; returns its problem."""
    followed = RunReader(run, wanted, FakeClock())
    while lines := followed.tail.read():
        followed.take([event for _, event in lines], followed.tail.offset)
    followed.end()
    followed.close()
    return followed.problem


def state_of(run: RunDirectory) -> State:
    state = State.read(FollowerFiles(run, "tensorboard").state)
    assert state is not None
    return state


def made(folder: Path) -> RunDirectory:
    run = create_run(folder, "made", Preset(name="made").to_toml())
    append(run, *begun(), steps(1, [1.0] * 5, 1.0, NOON + 5))
    return run


def resumed(run: RunDirectory) -> None:
    append(run, *begun(NOON + 9, step=5, resumed=True), steps(6, [1.0] * 5, 1.0, NOON + 15))


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
def test_what_is_written_into_a_run_moves_with_it(is_of_earlier_version: bool, tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    assert life(run) == ""
    assert state_of(run).folder == "tensorboard"
    if is_of_earlier_version:  # which kept the whole path, and names without a random end
        state = state_of(run)
        file = run.path / "tensorboard" / state.file
        plain = state.file.rpartition(".")[0]
        replace(state, folder=str(run.path / "tensorboard"), file=plain).save(FollowerFiles(run, "tensorboard").state)
        file.rename(file.with_name(plain))
    (tmp_path / "runs").rename(tmp_path / "moved")
    moved = RunDirectory(tmp_path / "moved" / run.name)
    resumed(moved)
    assert life(moved) == ""
    assert not (tmp_path / "runs").exists()
    assert steps_of(moved.path / "tensorboard") == list(range(1, 11))
    assert len(list((moved.path / "tensorboard").iterdir())) == 1


def test_a_folder_elsewhere_is_continued_where_the_run_began_its_file(tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    folder = tmp_path / "tb" / run.name
    life(run, folder)
    resumed(run)
    assert life(run) == ""
    assert steps_of(folder) == list(range(1, 11))
    assert not (run.path / "tensorboard").exists()


def test_a_folder_named_in_the_run_is_kept_relative(tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    life(run, run.path / "tensorboard" / run.name)
    assert state_of(run).folder == f"tensorboard/{run.name}"


@pytest.mark.parametrize("file", ["", "events.out.tfevents.1.host"])
def test_a_strangers_run_names_no_folder(file: str, tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    victim = tmp_path / "victim" / run.name
    victim.mkdir(parents=True)
    (victim / "events.out.tfevents.1.host").write_bytes(bytes(1000))
    (run.path / "followers").mkdir()
    for folder in (str(victim), f"../../victim/{run.name}"):
        State(folder, file, 0, 7).save(FollowerFiles(run, "tensorboard").state)
        problem = life(run)
        assert problem.startswith(f"nothing shows that {folder} is its own, so that the whole run is written to ")
        assert [(path.name, path.stat().st_size) for path in victim.iterdir()] == [("events.out.tfevents.1.host", 1000)]
        assert steps_of(run.path / "tensorboard") == [1, 2, 3, 4, 5]
        assert state_of(run).folder == "tensorboard"
        shutil.rmtree(run.path / "tensorboard")


def test_a_copy_of_a_run_leaves_the_file_of_the_first_alone(tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    life(run, tmp_path / "tb" / run.name)
    copy = RunDirectory(tmp_path / "runs" / "copy")
    shutil.copytree(run.path, copy.path)
    resumed(copy)
    assert "nothing shows that" in life(copy)
    assert steps_of(tmp_path / "tb" / run.name) == [1, 2, 3, 4, 5]
    assert steps_of(copy.path / "tensorboard") == list(range(1, 11))


@pytest.mark.parametrize("target", ["../../elsewhere", "tensorboard"])
def test_a_folder_in_the_run_that_is_a_link_is_not_written_to(target: str, tmp_path: Path) -> None:
    run = made(tmp_path / "runs")
    (tmp_path / "elsewhere").mkdir()
    (run.path / "tensorboard").symlink_to(target)
    with pytest.raises(StorageError, match="leads elsewhere, where nothing is written"):
        life(run)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_strangers_study_names_no_folder(study: StudyDirectory, tmp_path: Path) -> None:
    first = trial(study)
    append(first, *begun(), steps(1, [1.0] * 5, 1.0, NOON + 5))
    State(str(tmp_path / "victim")).save(FollowerFiles(study, "tensorboard").state)
    written = reader(study, None)
    written.take([started(0, first)], 0)
    written.end()
    assert not (tmp_path / "victim").exists()
    assert steps_of(first.path / "tensorboard") == [1, 2, 3, 4, 5]
    assert "problem: nothing shows that" in (study.path / "log").read_text()


def test_the_setting_asks_for_it(tmp_path: Path) -> None:
    asked = create_run(tmp_path, "made", Preset().override(["runtime.tensorboard=true"]).to_toml())
    assert wants_tensorboard(asked)
    assert not wants_tensorboard(create_run(tmp_path, "made", Preset().to_toml()))
    asked.preset.write_text("runtime = 5")
    assert not wants_tensorboard(asked)
