"""Which options contradict each other: decided in one place, for `workbench` itself and for its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.cli.command_line import CommandLine
from workbench.errors import UsageError
from workbench.runs.control import MOST_PROFILE_STEPS


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"dry_run": True}, "which preset"),
        ({"json_output": True}, "which preset"),
        ({"quiet": True}, "which preset"),
        ({"save_as": "mine"}, "which preset"),
        ({"profile": 5}, "which preset"),
        ({"opened": "fast", "dry_run": True}, "which preset"),
        ({"preset": "fast", "profile": 0}, f"from 1 to {MOST_PROFILE_STEPS}"),
        ({"preset": "fast", "profile": MOST_PROFILE_STEPS + 1}, f"from 1 to {MOST_PROFILE_STEPS}"),
        ({"resume": "R", "profile": -1}, f"from 1 to {MOST_PROFILE_STEPS}"),
        ({"preset": "fast", "profile": 5, "dry_run": True}, "needs a training run"),
        ({"preset": "fast", "profile": 5, "save_as": "mine"}, "needs a training run"),
        ({"tensorboard": Path("tb")}, "which preset"),
        ({"preset": "fast", "tensorboard": Path("tb"), "dry_run": True}, "--tensorboard needs a training run"),
        ({"preset": "fast", "tensorboard": Path("tb"), "save_as": "mine"}, "--tensorboard needs a training run"),
        ({"resume": "R", "preset": "fast"}, "--resume continues a run as it was"),
        ({"resume": "R", "overrides": ("training.epochs=3",)}, "--resume continues a run as it was"),
        ({"resume": "R", "dry_run": True}, "--resume continues a run as it was"),
        ({"resume": "R", "save_as": "mine"}, "--resume continues a run as it was"),
        ({"resume": "R", "opened": "fast"}, "--resume continues a run without the app"),
        ({"resume": "R", "attach": ""}, "--resume continues a run without the app"),
        ({"preset": "fast", "opened": "fast"}, "--preset trains without the app"),
        ({"preset": "fast", "attach": ""}, "--preset trains without the app"),
        ({"opened": "runs"}, "runs is a command, and a command comes first: workbench runs"),
        ({"opened": "train", "ascii_only": True}, r"opened by its path: workbench \./train\.toml"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        CommandLine(**options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"opened": "fast", "overrides": ("training.epochs=3",), "ascii_only": True, "low_bandwidth": True},
        {"attach": ""},
        {"attach": "R", "opened": "fast"},
    ],
)
def test_what_opens_the_app(options: dict[str, Any]) -> None:
    asked = CommandLine(**options)
    assert asked.opens_app
    assert not asked.is_question


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "fast", "json_output": True, "quiet": True, "trust_code": True, "profile": MOST_PROFILE_STEPS},
        {"preset": "fast", "dry_run": True, "save_as": "mine"},
        {"preset": "train"},
        {
            "resume": "R",
            "json_output": True,
            "quiet": True,
            "trust_code": True,
            "profile": 1,
            "tensorboard": Path("tb"),
        },
    ],
)
def test_what_trains(options: dict[str, Any]) -> None:
    asked = CommandLine(**options)
    assert not asked.opens_app
    assert not asked.is_question


@pytest.mark.parametrize("question", [{"list_what": "optimizers"}, {"explain": "training"}, {"schema": True}])
def test_a_question_is_answered_whatever_else_is_said(question: dict[str, Any]) -> None:
    asked = CommandLine(**question, resume="R", preset="fast", quiet=True, profile=0)
    assert asked.is_question
    assert not asked.opens_app
