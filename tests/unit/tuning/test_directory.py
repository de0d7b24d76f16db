"""A study's preset is the one that its trials change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tuning.scripted import new_study
from workbench.errors import StorageError, UsageError
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.tuning import disk
from workbench.tuning.directory import create_study, find_run_or_study, preset_of
from workbench.tuning.question import Question, Way, read_question


@pytest.mark.parametrize(
    ("way", "command"),
    [
        ("search", "workbench tune search -p"),
        ("repeat", "workbench tune repeat -p"),
        ("folds", "workbench --preset"),
        ("queue", "workbench tune queue"),
    ],
)
def test_a_preset_that_was_edited_is_refused_with_a_command_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    study = new_study(tmp_path / "my studies", Question(way=way))
    question = read_question(study.question)
    assert preset_of(study, question).training.epochs == 4
    study.preset.write_text(study.preset.read_text().replace("epochs = 4", "epochs = 5"))
    with pytest.raises(UsageError) as refused:
        preset_of(study, question)
    assert str(refused.value).endswith(f"start a study of it with: {command} 'my studies/{study.name}/preset.toml'")


def test_runs_and_studies_are_found_by_path_name_or_a_part_of_it(tmp_path: Path) -> None:
    runs, studies = tmp_path / "runs", tmp_path / "studies"
    run = create_run(runs, "iris", Preset(name="iris").to_toml())
    study = new_study(studies, Question(way="repeat"))
    for word in (study.name, study.name[-6:], str(study.path)):
        assert find_run_or_study(word, runs, studies) == study
    for word in (run.name, "iris", str(run.path)):
        assert find_run_or_study(word, runs, studies) == run
    with pytest.raises(UsageError, match=r"could be .*-iris-.*, .*-t-.*: write more of the name"):
        find_run_or_study(study.name[:4], runs, studies)
    with pytest.raises(UsageError, match=rf"no run 'irsi' in .*, and no study of that name in .*mean {run.name}\?"):
        find_run_or_study("irsi", runs, studies)
    with pytest.raises(UsageError, match="there is no run ''"):
        find_run_or_study("", runs, studies)


def test_no_study_is_made_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LEAST_FREE_BYTES", 2**60)
    with pytest.raises(StorageError, match=r"only .* are free on the disk of .*: free some space, then start it again"):
        create_study(tmp_path / "new" / "studies", Preset(), Question(way="search"))
    assert list(tmp_path.iterdir()) == []
