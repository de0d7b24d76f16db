"""Which code a command line that trains is handed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli.command_line import CommandLine
from workbench.cli.hand_over import hand_over
from workbench.errors import UsageError
from workbench.headless import folds, train
from workbench.headless.options import Options
from workbench.processes.plan import Plan
from workbench.settings.preset import Preset
from workbench.tuning import asking
from workbench.tuning.directory import list_studies
from workbench.tuning.question import read_question


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ((), "train"),
        (("validation.method=k_fold",), "all folds in s"),
        (("validation.method=leave_one_out",), "all folds in s"),
        (("validation.method=k_fold", "validation.fold=2"), "train"),
    ],
)
def test_a_preset_of_all_folds_is_trained_as_a_study(
    monkeypatch: pytest.MonkeyPatch, assignments: tuple[str, ...], expected: str
) -> None:
    called: list[str] = []

    def train_one(preset: Preset, options: Options) -> int:
        called.append("train")
        return 7

    def train_all(preset: Preset, options: Options) -> int:
        called.append(f"all folds in {options.studies_folder}")
        return 7

    monkeypatch.setattr(train, "train", train_one)
    monkeypatch.setattr(folds, "cross_validate", train_all)
    assert hand_over(CommandLine(preset="iris", overrides=assignments, studies_dir=Path("s"))) == 7
    assert called == [expected]


def test_a_single_run_is_not_trained_together_with_anything() -> None:
    with pytest.raises(UsageError, match="are for the folds of a cross-validation"):
        hand_over(CommandLine(preset="iris", together=True))


def test_the_folder_of_runs_is_not_that_of_folds() -> None:
    asked = CommandLine(preset="iris", overrides=("validation.method=k_fold",), runs_dir=Path("r"))
    with pytest.raises(UsageError, match=r"--runs-dir r: .* use --studies-dir"):
        hand_over(asked)


@pytest.mark.parametrize(("method", "trials"), [("k_fold", 5), ("leave_one_out", 127)])
def test_a_study_of_folds_has_a_trial_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, trials: int
) -> None:
    """As the plan counts the samples: 127 besides the test split, of which the first fold leaves out some."""
    left_out = 26 if method == "k_fold" else 1
    monkeypatch.setattr(asking, "make_plan", lambda preset: plan(127 - left_out, left_out))
    monkeypatch.setattr(folds, "follow_study", lambda study, output, show: 7)
    preset = Preset().override([f"validation.method={method}"])
    assert folds.cross_validate(preset, Options(studies_dir=tmp_path)) == 7
    [study] = list_studies(tmp_path)
    question = read_question(study.question)
    assert question.way == "folds"
    assert question.changes == tuple({"validation.fold": fold} for fold in range(trials))
    assert Preset.load(study.preset) == preset


def test_a_dry_run_of_all_folds_says_how_many_trainings_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "make_plan", lambda preset: plan(126, 1))
    for assignments, shown in (("validation.fold=all",), "127, one without each fold"), (("validation.fold=3",), ""):
        train.dry_run(Preset().override(["validation.method=leave_one_out", *assignments]), Options(runs_dir=tmp_path))
        out = capsys.readouterr().out
        assert shown in out
        assert ("trainings" in out) == bool(shown)


def plan(train_samples: int, validation_samples: int) -> Plan:
    return Plan(
        device="cpu",
        task="classification",
        learns="3 classes",
        outputs=3,
        input_shape=(4,),
        parameters=131,
        train_samples=train_samples,
        validation_samples=validation_samples,
        steps_per_epoch=8,
        steps=80,
        data_loading="on_device",
        memory_bytes={"parameters": 524, "peak": 1000},
        peak_during="an evaluation",
        model="MLP()",
        notes=(),
    )
