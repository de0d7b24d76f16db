"""Reliability S1: nothing that the working folder's configuration names is run; its revision is read all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.runs.directory import RunDirectory
from workbench.training.processes.environment import write_environment
from workbench.training.processes.revision import git_revision

COMMIT = "1234567890abcdef1234567890abcdef12345678"
OTHER = "f" * 40

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def git(tmp_path: Path) -> Path:
    """The repository of a checkout in tmp_path, on a branch without a commit."""
    write(tmp_path / ".git/HEAD", "ref: refs/heads/main\n")
    return tmp_path / ".git"


def test_a_branch(tmp_path: Path, git: Path) -> None:
    write(git / "refs/heads/main", f"{COMMIT}\n")
    assert git_revision(tmp_path) == COMMIT[:12]


def test_a_folder_deep_in_a_checkout(tmp_path: Path, git: Path) -> None:
    write(git / "refs/heads/main", f"{COMMIT}\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert git_revision(inner) == COMMIT[:12]


def test_a_detached_head(tmp_path: Path, git: Path) -> None:
    write(git / "HEAD", f"{COMMIT}\n")
    assert git_revision(tmp_path) == COMMIT[:12]


def test_a_packed_branch(tmp_path: Path, git: Path) -> None:
    packed = (
        f"# pack-refs with: peeled fully-peeled sorted\n{OTHER} refs/heads/main2\n{COMMIT} refs/heads/main\n^{OTHER}\n"
    )
    write(git / "packed-refs", packed)
    assert git_revision(tmp_path) == COMMIT[:12]


def test_a_worktree_reads_the_branches_of_its_repository(tmp_path: Path, git: Path) -> None:
    write(git / "worktrees/second/HEAD", "ref: refs/heads/second\n")
    write(git / "worktrees/second/commondir", "../..\n")
    write(git / "refs/heads/second", f"{COMMIT}\n")
    write(tmp_path / "second/.git", f"gitdir: {git}/worktrees/second\n")
    assert git_revision(tmp_path / "second") == COMMIT[:12]


@pytest.mark.parametrize(
    "head",
    [
        "",
        "nonsense",
        "ref: refs/heads/main",
        "ref: refs/../../../secret",
        "ref: /etc/passwd",
        "\x00",
        "ref: refs/heads/\x1b",
    ],
)
def test_what_is_no_revision_is_none(tmp_path: Path, git: Path, head: str) -> None:
    write(git / "HEAD", head)
    assert git_revision(tmp_path) is None


def test_references_in_a_circle_and_pipes_are_not_followed_for_ever(tmp_path: Path, git: Path) -> None:
    write(git / "refs/heads/main", "ref: refs/heads/main\n")
    assert git_revision(tmp_path) is None
    (git / "HEAD").unlink()
    os.mkfifo(git / "HEAD")
    assert git_revision(tmp_path) is None


def checkout(folder: Path) -> str:
    """Makes a real checkout with a commit; returns the commit."""

    def run(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    folder.mkdir()
    run("init", "-q", ".")
    (folder / "file").write_text("1\n")
    run("add", "file")
    run("commit", "-qm", "first")
    return run("rev-parse", "HEAD")


@needs_git
def test_of_a_real_checkout_packed_or_not(tmp_path: Path) -> None:
    commit = checkout(tmp_path / "real")
    assert git_revision(tmp_path / "real") == commit[:12]
    subprocess.run(["git", "pack-refs", "--all"], cwd=tmp_path / "real", check=True)
    assert git_revision(tmp_path / "real") == commit[:12]
    subprocess.run(
        ["git", "worktree", "add", "-q", "../second"], cwd=tmp_path / "real", check=True, capture_output=True
    )
    assert git_revision(tmp_path / "second") == commit[:12]


@needs_git
def test_no_configuration_of_the_working_folder_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1: core.fsmonitor, a filter, hooks and a pager that leave a file behind; git itself is a trap as well."""
    folder, trace = tmp_path / "stranger", tmp_path / "EXECUTED"
    commit = checkout(folder)
    trap = f"touch {trace}"
    settings = (
        "core.fsmonitor",
        "filter.trap.clean",
        "filter.trap.smudge",
        "core.pager",
        "diff.external",
        "alias.status",
    )
    for key in settings:
        subprocess.run(["git", "config", key, f"!{trap}" if key.startswith("alias") else trap], cwd=folder, check=True)
    (folder / ".gitattributes").write_text("* filter=trap\n")
    (folder / "file").write_text("2\n")
    for name in ("git", "ps", "nvidia-smi"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{trap}\n")
        program.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    write_environment(run.environment)
    assert not trace.exists()
    assert f'"git_revision": "{commit[:12]}"' in run.environment.read_text()
