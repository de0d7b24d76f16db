"""What the settings would take: planned by one process at a time, when nothing has been edited for a while."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from workbench.processes.plan import Plan
from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.ui.live import planner as module
from workbench.ui.live.planner import Expectation, Planner

PLANNED = Plan(
    device="cpu (CPU)", task="classification", learns="y: 2 classes (a, b)", outputs=2, input_shape=(4,), parameters=42,
    train_samples=100, steps_per_epoch=10, steps=100, data_loading="on_device",
    memory_bytes={"parameters": 168, "rest": 32, "peak": 200}, peak_during="a training step", model="Linear", notes=(),
)  # fmt: skip
PLAN = asdict(PLANNED)
"""What the process answers."""


def answering(answer: str, *, seconds: float = 0.0) -> tuple[str, ...]:
    """A process that reads a preset, works for some seconds and answers; it notes each of its starts in a file."""
    code = (
        "import sys, time; open('starts', 'a').write('x'); open('preset.toml', 'w').write(sys.stdin.read()); "
        f"time.sleep({seconds}); print('a line of a library'); print({answer!r})"
    )
    return (sys.executable, "-S", "-c", code)


@pytest.fixture(autouse=True)
def _at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EDIT_SECONDS", 0.0)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def planners() -> Iterator[list[Planner]]:
    """Planners that are closed at the end."""
    made: list[Planner] = []
    yield made
    for planner in made:
        planner.close()


def planner_of(planners: list[Planner], *command: str) -> Planner:
    planners.append(Planner(command))
    return planners[-1]


def settle(planner: Planner, preset: Preset) -> Expectation:
    """Looks, as the app does, until there is an expectation."""
    for _ in range(500):
        planner.look(preset)
        if planner.expectation is not None:
            return planner.expectation
        time.sleep(0.02)
    raise AssertionError("no plan came")


def process_of(planner: Planner) -> subprocess.Popen[bytes]:
    assert planner._process is not None
    return planner._process


def starts() -> int:
    return len(Path("starts").read_text()) if Path("starts").exists() else 0


def test_a_plan_says_what_would_be_learned() -> None:
    assert Expectation.from_answer(PLANNED).learns == "y: 2 classes (a, b)"


def test_where_the_peak_is_not_known_the_last_note_says_why() -> None:
    unknown = replace(PLANNED, memory_bytes={"parameters": 168}, notes=("of the data", "the peak cannot be told"))
    assert Expectation.from_answer(unknown) == Expectation(
        42, {"parameters": 168}, None, "the peak cannot be told", learns=PLANNED.learns, steps_per_epoch=10
    )


def test_a_plan_is_made_of_the_presets_content_and_kept(planners: list[Planner]) -> None:
    planner = planner_of(planners, *answering(json.dumps(PLAN)))
    found = settle(planner, Preset(name="mine"))
    assert found == Expectation(
        parameters=42, kinds={"parameters": 168, "rest": 32}, peak_bytes=200, learns=PLANNED.learns, steps_per_epoch=10
    )
    assert Preset.from_toml(Path("preset.toml").read_text(), "").optimizer == Preset().optimizer
    other = Preset().override(["optimizer.name=sgd"])
    settle(planner, other)
    assert settle(planner, Preset(name="another")) is found
    assert starts() == 2, "the same settings are planned once"


def test_a_look_says_whether_there_is_something_new_to_show(planners: list[Planner]) -> None:
    planner, preset = planner_of(planners, *answering(json.dumps(PLAN))), Preset()
    assert not planner.look(preset)
    news = []
    while planner.expectation is None:
        news.append(planner.look(preset))
        time.sleep(0.02)
    assert news[-1]
    assert not any(news[:-1])
    assert not planner.look(preset)
    assert planner.look(preset.override(["optimizer.name=sgd"])), "what was shown does not hold any more"


def test_an_edit_ends_the_plan_that_is_being_made(planners: list[Planner]) -> None:
    planner = planner_of(planners, *answering("{}", seconds=60))
    first = Preset()
    planner.look(first)
    planner.look(first)
    running = process_of(planner)
    planner.look(first.override(["data.batch_size=8"]))
    assert running.returncode is not None, "ended, and waited for"
    assert planner.expectation is None


def test_where_nothing_may_run_the_plan_is_ended(planners: list[Planner]) -> None:
    planner, preset = planner_of(planners, *answering("{}", seconds=60)), Preset()
    planner.look(preset)
    planner.look(preset)
    running = process_of(planner)
    planner.look(None)
    assert running.returncode is not None
    assert planner._process is None


def test_beside_a_run_only_known_plans_are_shown_and_never_those_of_other_settings(planners: list[Planner]) -> None:
    """screen #2: the plan of another preset is not shown under the one that is opened while a run is in progress."""
    planner, known = planner_of(planners, *answering(json.dumps(PLAN))), Preset()
    settle(planner, known)
    other = known.override(["data.batch_size=8"])
    assert planner.look(other, may_run=False)
    assert planner.expectation is None
    assert not planner.look(other, may_run=False)
    assert planner._process is None
    assert planner.look(known, may_run=False)
    assert planner.expectation is not None


def test_nothing_is_planned_while_settings_are_being_edited(
    planners: list[Planner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EDIT_SECONDS", 3600.0)
    planner, preset = planner_of(planners, *answering(json.dumps(PLAN))), Preset()
    for _ in range(3):
        planner.look(preset)
    assert planner._process is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (json.dumps({"error": "mnist is not there yet", "exit_code": 3}), "mnist is not there yet"),
        ("Segmentation fault", "planning failed"),
        (json.dumps({"parameters": 3}), "planning failed"),
    ],
)
def test_the_reason_for_no_plan_is_given_and_it_is_tried_again_when_the_settings_come_back(
    planners: list[Planner], answer: str, words: str
) -> None:
    planner, preset = planner_of(planners, *answering(answer)), Preset()
    found = settle(planner, preset)
    assert words in found.reason
    assert (found.parameters, found.peak_bytes) == (None, None)
    planner.look(None)
    settle(planner, preset)
    assert starts() == 2


def test_a_process_that_cannot_be_started_is_reported(planners: list[Planner]) -> None:
    assert "nowhere" in settle(planner_of(planners, "/nowhere/python"), Preset()).reason


def test_code_that_is_not_trusted_is_not_run(planners: list[Planner], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def net(inputs, outputs, activation): ...\n")
    preset = Preset().override(["model.name=module", "model.function=mine:net"])
    planner = planner_of(planners, *answering(json.dumps(PLAN)))
    assert "mine:net is not trusted yet" in settle(planner, preset).reason
    assert starts() == 0


def test_no_more_plans_are_kept_than_stated(planners: list[Planner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    planner = planner_of(planners, *answering(json.dumps(PLAN)))
    for size in (8, 16, 32):
        settle(planner, Preset().override([f"data.batch_size={size}"]))
    assert len(planner._known) == 2


def test_the_real_process_plans_in_the_background(planners: list[Planner]) -> None:
    planner = planner_of(planners, *module.COMMAND)
    preset = Preset().override(["data.name=iris", "model.hidden=[8]"])
    planner.look(preset)
    planner.look(preset)
    process_of(planner).wait(timeout=120)
    found = settle(planner, preset)
    assert found.parameters == 4 * 8 + 8 + 8 * 3 + 3
    assert found.peak_bytes is not None
    assert found.peak_bytes > found.kinds["parameters"] == 4 * found.parameters


def test_the_app_does_not_wait_until_a_long_preset_has_been_read(planners: list[Planner]) -> None:
    """A pipe holds 64 KiB; a run whose learning rate was changed all the time has a longer preset."""
    changes = tuple(Change(step=step, learning_rate=0.1 + step % 2) for step in range(5_000))
    never_reads = (sys.executable, "-S", "-c", f"print({json.dumps(PLAN)!r})")
    planner = planner_of(planners, *never_reads)
    assert settle(planner, Preset().model_copy(update={"changes": changes})).parameters == 42
