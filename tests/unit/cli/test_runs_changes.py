"""`workbench runs tag`, `note`, `rename` and `delete`, and the options of the list."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made import write_run
from workbench.cli.root import app
from workbench.printable import without_sequences
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, read_labels, write_labels
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, create_study
from workbench.tuning.question import Question

FAST, OTHER, IRIS = "20261124T110000Z-fast-0001", "20261124T120000Z-fast-0002", "20261124T130000Z-iris-0003"


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("WORKBENCH_RUNS", "WORKBENCH_STUDIES"):
        monkeypatch.delenv(name, raising=False)
    for name in (FAST, OTHER, IRIS):
        write_run(tmp_path / "runs", name, steps=400, ending="completed" if name != OTHER else "stopped")
    return tmp_path / "runs"


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as exit:
        app(args=["runs", *words], prog_name="workbench")
    assert isinstance(exit.value.code, int)
    return exit.value.code, *capsys.readouterr()


def labels(runs: Path, name: str) -> Labels:
    return read_labels(runs / name / "labels.json")


def test_tags_are_added_removed_and_listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "tag", "iris", "+good", "+hot") == (0, f"{IRIS}: good hot\n", "")
    assert ended(capsys, "tag", "fast*", "iris", "+seen", "-hot") == (
        0, f"{FAST}: seen\n{OTHER}: seen\n{IRIS}: good seen\n", "",
    )  # fmt: skip
    assert ended(capsys, "tag", "--all", "-seen", "fast") == (0, f"{FAST}: no tags\n{OTHER}: no tags\n", "")
    assert ended(capsys, "tag", "--", "iris", "-seen", "+json") == (0, f"{IRIS}: good json\n", "")
    assert ended(capsys, "tag", "iris") == (0, f"{IRIS}: good json\n", "")
    assert labels(runs, IRIS) == Labels(("good", "json"))
    code, out, _ = ended(capsys, "tag", "iris", "-json", "--json")
    assert (code, json.loads(out)["tags"], json.loads(out)["name"]) == (0, ["good"], IRIS)


def test_words_that_look_like_options_are_tags_to_remove(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_labels(runs / IRIS / "labels.json", Labels(("hot", "y", "a", "jh")))
    assert ended(capsys, "tag", "iris", "-hot", "-y", "-a", "-jh", "+new") == (0, f"{IRIS}: new\n", "")


def test_the_list_shows_and_finds_labels(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(runs / IRIS / "labels.json", Labels(("good", "v1"), "learns at once"))
    write_labels(runs / FAST / "labels.json", Labels(("good",)))
    listed = [json.loads(line) for line in ended(capsys, "--json")[1].splitlines()]
    assert [(run["tags"], run["note"]) for run in listed] == [
        (["good", "v1"], "learns at once"), ([], None), (["good"], None),
    ]  # fmt: skip
    assert [line.split("\t")[1] for line in ended(capsys, "--tag", "good")[1].splitlines()] == ["iris", "fast"]
    assert len(ended(capsys, "--tag", "good", "--tag", "v1")[1].splitlines()) == 1
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    table = [words for line in ended(capsys)[1].splitlines() if (words := without_sequences(line).split())]
    assert table[0][-1] == "tags"
    assert [line[-2:] for line in table if "iris" in line] == [["good", "v1"]]


def test_the_list_is_filtered_sorted_and_cut(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = (runs / FAST / "preset.toml").read_text()
    (runs / FAST / "preset.toml").write_text(preset.replace("learning_rate = 0.01", "learning_rate = 0.2"))

    def names(*words: str) -> list[str]:
        code, out, err = ended(capsys, "--json", *words)
        assert (code, err) == (0, "")
        return [json.loads(line)["name"] for line in out.splitlines()]

    assert names() == [IRIS, OTHER, FAST]
    assert names("--status", "stopped") == [OTHER]
    assert names("--status", "stopped", "--status", "completed", "--preset", "fast") == [OTHER, FAST]
    assert names("--where", "optimizer.learning_rate>0.1") == [FAST]
    assert names("--where", "accuracy>=0.97") == []
    assert names("--where", "accuracy>=0.95", "--where", "optimizer.name=adam", "--sort", "name") == [FAST, OTHER, IRIS]
    assert names("--sort", "optimizer.learning_rate", "--reverse", "--limit", "1") == [FAST]
    code, out, err = ended(capsys, "--tag", "none")
    assert (code, out, err) == (0, "", f"no run in {runs} is like that (3 in all)\n")


def test_the_trials_of_a_study_are_listed_from_its_own_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = create_study(tmp_path / "studies", Preset(name="wine"), Question(way="repeat", seeds=(0, 1)))
    trial = write_run(study.trials, "20261124T140000Z-wine-0004", ending="completed")
    code, out, _ = ended(capsys, "--study", "wine", "--json")
    assert (code, [json.loads(line)["directory"] for line in out.splitlines()]) == (0, [str(trial.path)])
    assert ended(capsys, "--study", "wine", "--status", "failed")[::2] == (
        0, "no run of the study wine is like that (1 in all)\n",
    )  # fmt: skip
    assert ended(capsys, "--study", "nowhere")[::2] == (
        2,
        f"error: there is no study 'nowhere' in {tmp_path / 'studies'}, and no run of it in {tmp_path / 'runs'}\n",
    )


def test_a_note_is_set_shown_and_removed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended(capsys, "tag", "iris", "+good")
    assert ended(capsys, "note", "iris", "learns at once; [keep]") == (0, f"{IRIS}: learns at once; [keep]\n", "")
    assert labels(runs, IRIS) == Labels(("good",), "learns at once; [keep]")
    assert ended(capsys, "note", "iris") == (0, f"{IRIS}: learns at once; [keep]\n", "")
    assert ended(capsys, "note", "iris", "") == (0, f"{IRIS}: no note\n", "")
    assert labels(runs, IRIS) == Labels(("good",))
    assert json.loads(ended(capsys, "note", "iris", "x", "--json")[1])["note"] == "x"


def test_a_run_in_progress_can_be_labelled(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = write_run(runs, "20261124T150000Z-live-0005", alive=True)
    assert ended(capsys, "tag", "live", "+good")[0] == 0
    assert ended(capsys, "note", "live", "now")[0] == 0
    assert read_labels(live.labels) == Labels(("good",), "now")


def test_a_run_is_renamed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "rename", "iris", "baseline") == (0, f"{IRIS} is now called baseline: runs/baseline\n", "")
    assert json.loads(ended(capsys, "rename", "baseline", "base-2", "--json")[1])["directory"] == str(runs / "base-2")
    listed = [json.loads(line) for line in ended(capsys, "--json")[1].splitlines()]
    assert {run["name"] for run in listed} == {"base-2", FAST, OTHER}
    assert {run["name"]: run["started"] for run in listed}["base-2"] == "2026-11-24T12:00:00+00:00", "its first event"


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_a_run_is_deleted_after_a_yes(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, out, err = ended(capsys, "delete", "iris")
    assert (code, out) == (0, f"deleted runs/{IRIS}\n")
    assert err == f"  runs/{IRIS}\nDelete this run with curves, checkpoints and log? [y/N] "
    assert not (runs / IRIS).exists()


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("n\n", 0, "nothing was deleted"),
        ("\n", 0, "nothing was deleted"),
        ("yellow\n", 0, "nothing was deleted"),
        ("", 2, "no answer, so nothing was deleted; --yes deletes without asking"),
    ],
)
def test_without_a_yes_nothing_is_deleted(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, code: int, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    found, out, err = ended(capsys, "delete", "fast*")
    assert (found, out) == (code, "")
    assert "Delete these 2 runs" in err
    assert said in err
    assert {path.name for path in runs.iterdir()} == {FAST, OTHER, IRIS}


def test_several_runs_are_deleted_without_a_question(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(capsys, "delete", "--yes", "--all", "fast", "--json")
    assert (code, [json.loads(line)["name"] for line in out.splitlines()], err) == (0, [FAST, OTHER], "")
    assert {path.name for path in runs.iterdir()} == {IRIS}


def test_one_run_that_cannot_be_deleted_keeps_all(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = write_run(runs, "20261124T150000Z-live-0005", alive=True)
    assert ended(capsys, "delete", "--yes", "*") == (2, "", f"error: {live.name} is in progress: stop it first\n")
    assert len(list(runs.iterdir())) == 4


def test_only_runs_of_the_folder_are_deleted_or_renamed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of the user's that has a preset.toml looks like a run."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "preset.toml").write_text("")
    (runs / "link").symlink_to(project)
    for words in (("delete", "--yes", "project"), ("rename", "project", "x"), ("delete", "-y", str(project))):
        code, out, err = ended(capsys, *words)
        assert (code, out) == (2, "")
        assert f"{project} is not in the runs folder {runs}: add --runs-dir" in err
    assert "is a link to" in ended(capsys, "delete", "--yes", "link")[2]
    assert (project / "preset.toml").exists()


def test_a_trial_is_neither_deleted_nor_renamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = create_study(tmp_path / "studies", Preset(name="wine"), Question(way="repeat", seeds=(0, 1)))
    trial = write_run(study.trials, "20261124T140000Z-wine-0004", ending="completed")
    for words in (("delete", "--yes"), ("rename", "x")):
        code, out, err = ended(capsys, words[0], str(trial.path), "--runs-dir", str(study.trials), *words[1:])
        assert (code, out) == (2, "")
        assert f"is a trial of the study {study.name}" in err
    assert ended(capsys, "tag", str(trial.path), "+good")[0] == 0, "labels are free"
    assert trial.preset.exists()


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown run": (("tag", "nothing", "+a"), "there is no run 'nothing' in"),
    "misspelt run": (("note", "irs-0003", "x"), f"did you mean {IRIS}?"),
    "tag without a sign": (("tag", "iris", "good"), "there is no run 'good'"),
    "tag without a sign, hint": (("tag", "iris", "good"), ". A tag is added as +TAG and removed as -TAG"),
    "tag with a blank": (("tag", "iris", "+two words"), "the tag 'two words' has a blank in it: write two-words"),
    "empty tag": (("tag", "iris", "+"), "a tag has at least one letter"),
    "escape sequence": (("tag", "iris", "+a\x1b[31m"), "has a character in it that cannot be shown"),
    "no run": (("tag", "+good"), "name a run"),
    "several": (("tag", "fast", "+a"), f"several runs match 'fast': {FAST}, {OTHER}. Name one, or take all of them"),
    "long note": (("note", "iris", "x" * 2**20), "the note is too long: 1,048,576 letters of at most 1,000"),
    "note of two lines": (("note", "iris", "a\nb"), "a note is one line"),
    "bad name": (("rename", "iris", "../iris"), "a run cannot be called '../iris'"),
    "taken name": (("rename", "iris", FAST), f"there is already a {FAST}"),
    "bad pattern": (("delete", "--yes", "x*"), "has a name like 'x*'"),
    "filter before a subcommand": (("--status", "failed", "delete", "*"), "unexpected extra argument"),
    "unknown status": (("--status", "fialed"), "there is no such status; did you mean failed?"),
    "no limit": (("--limit", "0"), "--limit"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "said"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_and_changes_nothing(
    runs: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    before = sorted(runs.rglob("*"))
    code, out, err = ended(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "\x1b[31m" not in err
    assert sorted(runs.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_said(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the refusal is made."""

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    for words in (("tag", "iris", "+a"), ("note", "iris", "x")):
        code, out, err = ended(capsys, *words)
        assert (code, out) == (3, "")
        assert f"cannot write {runs / IRIS / 'labels.json'}: Permission denied" in err


def test_a_damaged_file_of_labels_is_kept(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / IRIS / "labels.json").write_text("my own words")
    code, _, err = ended(capsys, "tag", "iris", "+a")
    assert (code, (runs / IRIS / "labels.json").read_text()) == (3, "my own words")
    assert "it holds something else" in err


def test_each_subcommand_has_its_help_and_the_list_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(capsys, "--help")
    shown = " ".join(out.replace("│", " ").split())
    assert shown.startswith("Usage: workbench runs [OPTIONS] | COMMAND [ARGS]...")
    for name, first in (
        ("tag", "Add tags"),
        ("note", "Set the note"),
        ("rename", "Rename a"),
        ("delete", "Delete runs"),
    ):
        assert f"{name} {first}" in shown
        code, out, _ = ended(capsys, name, "--help")
        assert code == 0
        assert f"Usage: workbench runs {name} [OPTIONS]" in out


def test_a_study_and_a_run_have_the_same_word_for_their_directory(tmp_path: Path) -> None:
    """What `_check_place` relies on: trials are two levels below their study."""
    study = StudyDirectory(tmp_path / "s")
    assert study.run("r") == RunDirectory(tmp_path / "s" / "trials" / "r")
