"""What TAB offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import completion
from workbench.cli.completion import complete_assignments, complete_first_word, complete_presets
from workbench.runs.directory import create_run
from workbench.settings.preset import FAMILIES, Preset
from workbench.tuning.directory import create_study
from workbench.tuning.question import Question


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WORKBENCH_RUNS", raising=False)


def asked_by_bash(words: str, **environment: str) -> list[str]:
    """What the real command offers for a line whose last word is being typed; nothing may be said on stderr."""
    typed = words.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "workbench"],
        env=os.environ
        | {"COMP_WORDS": f"workbench {words}", "COMP_CWORD": str(len(typed)), "_WORKBENCH_COMPLETE": "complete_bash"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_presets_and_commands_are_offered_as_the_first_word() -> None:
    Path("presets").mkdir()
    for name in ("train", "trial"):
        Path(f"presets/{name}.toml").touch()
    assert complete_first_word("tr") == ["train", "trial"], "what is both is offered once"
    assert complete_presets("tr") == ["train", "trial"]
    assert complete_presets("mnist-m") == ["mnist-mlp", "mnist-mlp-tuned"]


def test_every_setting_is_offered_with_its_meaning() -> None:
    offered = dict(complete_assignments(""))
    top = ("name", "description", "changes")
    assert {f"{path}=" for path in Preset().flat() if path not in top} <= set(offered)
    assert offered["optimizer.learning_rate="] == "step size; the most important setting"
    assert {"optimizer.betas=", "optimizer.momentum=", "data.file="} <= set(offered), "of every choice of a family"
    assert [key for key, _ in complete_assignments("training.e")] == [
        "training.epochs=",
        "training.early_stopping_patience=",
        "training.early_stopping_min_delta=",
    ]


def test_the_choices_of_a_family_are_offered_as_values() -> None:
    assert [text for text, _ in complete_assignments("loss.name=")] == [
        f"loss.name={label}" for label in FAMILIES["loss"].labels
    ]
    assert complete_assignments("validation.method=ho") == [
        ("validation.method=holdout", FAMILIES["validation"].choices[0].summary())
    ]
    assert complete_assignments("training.epochs=") == []


def test_the_real_command_completes_presets_options_settings_and_runs(tmp_path: Path) -> None:
    runs = [create_run(tmp_path / "runs", name, Preset().to_toml()) for name in ("fast", "iris")]
    elsewhere = create_run(tmp_path / "other", "wine", Preset().to_toml())
    assert asked_by_bash("tr") == ["train"]
    assert asked_by_bash("train ir") == ["iris"]
    assert asked_by_bash("--preset ir") == ["iris"]
    assert asked_by_bash("train iris --dr") == ["--dry-run"]
    assert "--install-completion" in asked_by_bash("--in")
    assert asked_by_bash("train iris --set runtime.num_t") == ["runtime.num_threads="]
    assert sorted(asked_by_bash("resume ")) == sorted(run.name for run in runs)
    assert sorted(asked_by_bash("--attach ")) == sorted(run.name for run in runs)
    assert asked_by_bash("--runs-dir other --resume ") == [elsewhere.name]
    assert asked_by_bash("resume ", WORKBENCH_RUNS="other") == [elsewhere.name]
    assert asked_by_bash("resume x") == []


def test_compare_completes_runs_and_studies_that_are_not_on_the_line_yet(tmp_path: Path) -> None:
    assert asked_by_bash("comp") == ["compare"]
    runs = [create_run(tmp_path / "runs", name, Preset().to_toml()).name for name in ("fast", "iris")]
    study = create_study(tmp_path / "studies", Preset(name="wine"), Question(way="repeat", seeds=(0, 1))).name
    assert sorted(asked_by_bash("compare ")) == sorted(asked_by_bash("resume ")) == sorted([*runs, study])
    assert sorted(asked_by_bash(f"compare {runs[0]} ")) == sorted([runs[1], study])
    assert asked_by_bash("compare --runs-dir nowhere ") == [study]
    assert asked_by_bash("compare x") == []


def test_runs_completes_its_subcommands_its_options_and_runs(tmp_path: Path) -> None:
    runs = [create_run(tmp_path / "runs", name, Preset().to_toml()).name for name in ("fast", "iris")]
    assert asked_by_bash("ru") == ["runs"]
    assert asked_by_bash("runs ") == ["tag", "note", "rename", "delete"]
    assert asked_by_bash("runs re") == ["rename"]
    assert asked_by_bash("runs --sta") == ["--status"]
    assert asked_by_bash("runs --status failed --so") == ["--sort"]
    assert asked_by_bash("runs --preset ir") == ["iris"]
    assert sorted(asked_by_bash("runs delete ")) == sorted(runs)
    assert asked_by_bash("runs note --runs-dir nowhere ") == []
    assert asked_by_bash("runs delete --y") == ["--yes"]


@pytest.mark.parametrize("words", ["fa", "--set optim", "resume ", "compare ", "runs --preset f", "runs tag "])
def test_completion_imports_nothing_heavy(words: str) -> None:
    script = (
        "import sys; from workbench.__main__ import main\n"
        "sys.argv = ['workbench']\n"
        "try: main()\n"
        "finally: print(*({'torch', 'numpy', 'textual', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {"COMP_WORDS": f"workbench {words}", "COMP_CWORD": "1", "_WORKBENCH_COMPLETE": "complete_bash"}
    environment["COMP_CWORD"] = str(len(words.split(" ")))
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.split() == []


def test_a_folder_that_cannot_be_read_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_permission() -> list[str]:
        raise PermissionError

    monkeypatch.setattr("workbench.settings.library.names", no_permission)
    assert complete_presets("") == []
    assert completion.complete_first_word("ru") == ["runs"]
