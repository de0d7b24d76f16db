"""From words to a CommandLine: `workbench` itself, and its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench import __main__, launch
from workbench.cli import hand_over, resume, train
from workbench.cli.command_line import CommandLine
from workbench.cli.exit_codes import EXIT_CODES
from workbench.cli.names import COMMANDS
from workbench.cli.root import app, arguments_with_attach, help_of
from workbench.runs.directory import create_run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[CommandLine]:
    """What was handed over."""
    handed: list[CommandLine] = []

    def note(command_line: CommandLine) -> int:
        handed.append(command_line)
        return 7

    for module in (hand_over, train, resume):
        monkeypatch.setattr(module, "hand_over", note)
    return handed


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as exit:
        app(args=list(words), prog_name="workbench")
    assert isinstance(exit.value.code, int)
    return exit.value.code


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fast --set a.b=1 --set c.d=2", CommandLine(opened="fast", overrides=("a.b=1", "c.d=2"))),
        ("--ascii fast --low-bandwidth", CommandLine(opened="fast", ascii_only=True, low_bandwidth=True)),
        ("--attach", CommandLine(attach="")),
        ("--attach --ascii", CommandLine(attach="", ascii_only=True)),
        ("--attach R --runs-dir d", CommandLine(attach="R", runs_dir=Path("d"))),
        ("--preset train", CommandLine(preset="train")),
        ("--preset fast runs.toml --schema", CommandLine(preset="fast", opened="runs.toml", schema=True)),
        ("-p fast --dry-run --json", CommandLine(preset="fast", dry_run=True, json_output=True)),
        ("--resume R -q --profile 5", CommandLine(resume="R", quiet=True, profile=5)),
        ("-p fast --tensorboard logs", CommandLine(preset="fast", tensorboard=Path("logs"))),
        ("--preset fast --save-as mine --trust-code", CommandLine(preset="fast", save_as="mine", trust_code=True)),
        ("-p fast --studies-dir s", CommandLine(preset="fast", studies_dir=Path("s"))),
        ("train fast --studies-dir s", CommandLine(preset="fast", studies_dir=Path("s"))),
        ("-p fast --together", CommandLine(preset="fast", together=True)),
        ("train fast --one-by-one", CommandLine(preset="fast", together=False)),
        ("--list losses", CommandLine(list_what="losses")),
        ("--explain training", CommandLine(explain="training")),
        ("./train.toml", CommandLine(opened="./train.toml")),
        ("workbench --ascii", CommandLine(opened="workbench", ascii_only=True)),
        (
            "train fast --set a.b=1 --dry-run --json -q --runs-dir d --trust-code",
            CommandLine(
                preset="fast",
                overrides=("a.b=1",),
                dry_run=True,
                json_output=True,
                quiet=True,
                runs_dir=Path("d"),
                trust_code=True,
            ),
        ),
        ("train --profile 3 fast", CommandLine(preset="fast", profile=3)),
        ("train train --save-as mine", CommandLine(preset="train", save_as="mine")),
        (
            "resume R --json -q --runs-dir d --trust-code --profile 2",
            CommandLine(
                resume="R", json_output=True, quiet=True, runs_dir=Path("d"), trust_code=True, profile=2
            ),
        ),
    ],
)  # fmt: skip
def test_a_line_means(asked: list[CommandLine], line: str, expected: CommandLine) -> None:
    assert ended(*line.split()) == 7, "the exit code is that of what was asked for"
    assert asked == [expected]


def test_a_contradiction_ends_with_2_and_names_the_way_out(
    asked: list[CommandLine], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("train", "fast", "--profile", "0") == 2
    assert ended("--ascii", "runs") == 2
    said = capsys.readouterr().err
    assert "--profile takes a number of steps" in said
    assert "workbench ./runs.toml" in said
    assert asked == []


@pytest.mark.parametrize("line", ["train", "resume", "train fast --resume R", "runs fast", "--nothing", "fast iris"])
def test_what_cannot_be_parsed_ends_with_2(asked: list[CommandLine], line: str) -> None:
    assert ended(*line.split()) == 2
    assert asked == []


@pytest.mark.parametrize("line", ["--help", *(f"{name} --help" for name in COMMANDS)])
def test_every_help_names_its_program_and_the_exit_codes_once(capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert ended(*line.split()) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(f"Usage: {' '.join(['workbench', *line.split()[:-1]])} [OPTIONS]")
    assert shown.count(EXIT_CODES) == 1


def test_the_help_lists_the_commands_and_completion(capsys: pytest.CaptureFixture[str]) -> None:
    ended("--help")
    shown = " ".join(capsys.readouterr().out.split())
    for name in COMMANDS:
        first_words = " ".join((help_of(name) or "").split()[:4])
        assert f"{name} {first_words}" in " ".join(shown.replace("│", " ").split())
    assert "[OPTIONS] [PRESET] | COMMAND [ARGS]..." in shown
    assert "--install-completion" in shown
    assert "--show-completion" in shown


def test_an_attach_without_a_run_gets_an_empty_one() -> None:
    assert arguments_with_attach(["--attach", "--ascii", "--attach"]) == ["--attach=", "--ascii", "--attach="]
    assert arguments_with_attach(["--attach", "R"]) == ["--attach", "R"]


@pytest.mark.parametrize(
    ("words", "opened"),
    [([], [None]), (["fast"], ["fast"]), (["train.toml"], ["train.toml"]), (["runs"], []), (["--version"], [])],
)
def test_opening_the_app_needs_no_parser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], opened: list[Any]
) -> None:
    plainly: list[str | None] = []

    def open_plainly(name: str | None, commands: tuple[str, ...]) -> int:
        assert commands == COMMANDS
        plainly.append(name)
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "open_plainly", open_plainly)
    with pytest.raises(SystemExit):
        __main__._run(words)
    assert plainly == opened


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("trian fast", "there is no command 'trian'; did you mean train?"),
        ("resmue x --quiet", "there is no command 'resmue'; did you mean resume?"),
        ("runz --json", "there is no command 'runz'; did you mean runs?"),
        ("trian --ascii", "there is no preset or command 'trian'; did you mean train?"),
        ("mnist-mpl --ascii", "there is no preset or command 'mnist-mpl'; did you mean mnist-mlp?"),
        ("train fsat", "there is no preset 'fsat'; did you mean fast?"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended(*line.split()) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_misspelt_command_alone_needs_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        __main__._run(["trian"])
    assert exit.value.code == 2
    assert capsys.readouterr().err == "error: there is no preset or command 'trian'; did you mean train?\n"


@pytest.mark.parametrize("typed", ["fsat-0a1b", "mnits-mlp", "20261127T120000Z-fast-0a1c"])
def test_a_misspelt_run_is_answered_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    names = ["20261127T110000Z-mnist-mlp-ffff", "20261127T120000Z-fast-0a1b", "20261127T130000Z-mnist-mlp-0000"]
    for name in names:
        run = create_run(tmp_path, "x", "")
        run.path.rename(tmp_path / name)
    studies = str(tmp_path / "studies")
    assert ended("resume", typed, "--runs-dir", str(tmp_path), "--studies-dir", studies) == 2
    expected = names[2] if typed == "mnits-mlp" else names[1]
    said = f"there is no run {typed!r} in {tmp_path}, and no study of that name in {tmp_path / 'studies'}"
    assert f"{said}; did you mean {expected}?" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "has_plan"), [("train", True), ("resume", False)])
def test_only_what_can_plan_speaks_of_a_plan(capsys: pytest.CaptureFixture[str], command: str, has_plan: bool) -> None:
    ended(command, "--help")
    assert ("the plan" in " ".join(capsys.readouterr().out.replace("│", " ").split())) == has_plan
