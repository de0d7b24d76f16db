"""A study's preset is the one that its trials change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tuning.scripted import new_study
from workbench.errors import UsageError
from workbench.tuning.directory import preset_of
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
