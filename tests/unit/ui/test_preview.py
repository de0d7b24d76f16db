"""The preview of the settings being edited: one process that stays, asked once for each change that holds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.pictures.made import FLOWERS
from tests.unit.ui.test_planner import PLANNED
from workbench.processes import measuring
from workbench.processes.measuring import ANSWER, FAILURE, typed_line
from workbench.processes.messages import Failure
from workbench.processes.preview import DATA, MODEL, PLAN, Layer, Model, Previewed
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.ui.live import preview as module
from workbench.ui.live.data_key import key_of
from workbench.ui.live.planner import Expectation, content_of
from workbench.ui.live.preview import Picture, Preview
from workbench.ui.live.seen import Seen

PATIENCE_SECONDS = 20.0
MADE = Model([Layer("layers.0", "Linear", [2], 42)], 42, [4])
ANSWERED = [
    typed_line(DATA, FLOWERS),
    typed_line(MODEL, MADE),
    typed_line(PLAN, PLANNED),
    typed_line(ANSWER, Previewed(uses_gpu=False, step_ms=1.5)),
]
PRESET = Preset().override(["model.hidden=[8]"])
OTHER = PRESET.override(["model.hidden=[9]"])


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Makes a process that notes its id and each request, and answers with lines after some seconds."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    def answer(lines: list[str], *, seconds: float = 0.0, dies: bool = False) -> Path:
        asked = tmp_path / "asked"
        program = (
            "import json, os, sys, time\n"
            f"asked = open({str(asked)!r}, 'a')\n"
            "for line in sys.stdin:\n"
            "    asked.write(json.dumps({'id': os.getpid(), **json.loads(line)}) + '\\n')\n"
            "    asked.flush()\n"
            f"    time.sleep({seconds})\n"
            f"    print({chr(10).join(lines)!r}, flush=True)\n" + ("    break\n" if dies else "")
        )
        monkeypatch.setattr(measuring, "command_line", lambda *_: (sys.executable, "-S", "-c", program))
        return asked

    return answer


def asked_of(asked: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else []


class Expected(dict[str, Expectation]):
    """What was expected, by content."""


def run(steps: Callable[[Preview, Expected], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        expected = Expected()
        preview = Preview(expected.__setitem__)
        try:
            await steps(preview, expected)
        finally:
            preview.close()
            await preview.ended()

    asyncio.run(all_of_it())


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


async def look_until_answered(preview: Preview, preset: Preset) -> None:
    def look() -> bool:
        preview.look(preset, may_run=True)
        return preview.has_answered

    await until(look)


def test_an_answer_is_shown_and_what_it_expects_is_passed_on(answering: Callable[..., Path]) -> None:
    asked = answering(ANSWERED)

    async def steps(preview: Preview, expected: Expected) -> None:
        shown: list[bool] = []
        preview.show = lambda: shown.append(preview.picture.model is not None)
        await look_until_answered(preview, PRESET)
        assert preview.picture.data == FLOWERS
        assert preview.picture.model == MADE
        assert not preview.picture.is_old
        assert shown[-1]
        assert expected == {content_of(PRESET): replace(Expectation.from_answer(PLANNED), step_ms=1.5)}
        assert not preview.leaves_the_rest

    run(steps)
    [request] = asked_of(asked)
    assert Preset.from_toml(request["preset"], "").differences(PRESET) == {}


def test_the_process_stays_and_does_not_describe_data_that_was_seen(answering: Callable[..., Path]) -> None:
    asked = answering(ANSWERED)

    async def steps(preview: Preview, expected: Expected) -> None:
        await look_until_answered(preview, PRESET)
        preview.look(OTHER, may_run=True)
        assert preview.picture.model == MADE
        assert preview.picture.is_old, "the network before, until the new one comes"
        assert preview.picture.data == FLOWERS
        await look_until_answered(preview, OTHER)
        assert not preview.picture.is_old

    run(steps)
    first, second = asked_of(asked)
    assert first["id"] == second["id"]
    assert (first["shows_data"], second["shows_data"]) == (True, False)


def test_of_quick_changes_only_the_last_is_asked_for(
    answering: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(ANSWERED)
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.2)

    async def steps(preview: Preview, expected: Expected) -> None:
        for width in range(1, 6):
            preview.look(PRESET.override([f"model.hidden=[{width}]"]), may_run=True)
            await asyncio.sleep(0.02)
        await until(lambda: preview.has_answered)

    run(steps)
    [request] = asked_of(asked)
    assert "hidden = [5]" in request["preset"].replace("\n    5,\n", "5")


def test_beside_a_run_there_is_no_process_and_what_is_known_stays(answering: Callable[..., Path]) -> None:
    asked = answering(ANSWERED)

    async def steps(preview: Preview, expected: Expected) -> None:
        await look_until_answered(preview, PRESET)
        [request] = asked_of(asked)
        preview.look(PRESET, may_run=False)
        await until(lambda: not psutil.pid_exists(request["id"]))
        assert preview.picture.model == MADE
        preview.look(OTHER, may_run=False)
        await asyncio.sleep(0.1)
        assert len(asked_of(asked)) == 1

    run(steps)


def test_a_fault_of_the_settings_is_shown_and_the_data_too(answering: Callable[..., Path]) -> None:
    wrong = Failure("data.batch_size = 9, but there are 8", 2, "preset")
    answering([typed_line(DATA, FLOWERS), typed_line(FAILURE, wrong)])

    async def steps(preview: Preview, expected: Expected) -> None:
        await look_until_answered(preview, PRESET)
        assert preview.picture.data == FLOWERS
        assert preview.picture.model is None
        assert preview.picture.reason == wrong.error
        assert expected[content_of(PRESET)].is_wrong

    run(steps)


def test_what_uses_a_gpu_is_left_to_another_process(answering: Callable[..., Path]) -> None:
    answering([typed_line(MODEL, MADE), typed_line(ANSWER, Previewed(uses_gpu=True))])

    async def steps(preview: Preview, expected: Expected) -> None:
        await look_until_answered(preview, PRESET)
        assert preview.picture.model == MADE
        assert preview.leaves_the_rest
        assert expected == {}

    run(steps)


def test_a_process_that_dies_is_not_started_again_for_the_same_settings(answering: Callable[..., Path]) -> None:
    asked = answering([], dies=True)

    async def steps(preview: Preview, expected: Expected) -> None:
        preview.look(PRESET, may_run=True)
        await until(lambda: preview.leaves_the_rest)
        assert "without an answer" in preview.picture.reason
        for _ in range(5):
            preview.look(PRESET, may_run=True)
            await asyncio.sleep(0.02)
        assert len(asked_of(asked)) == 1
        preview.look(OTHER, may_run=True)
        await until(lambda: len(asked_of(asked)) == 2)

    run(steps)


def test_an_answer_that_nobody_waits_for_any_more_is_given_up(
    answering: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    asked = answering([], seconds=60)

    async def steps(preview: Preview, expected: Expected) -> None:
        preview.look(PRESET, may_run=True)
        await until(lambda: len(asked_of(asked)) == 1)

        def moved_on() -> bool:
            preview.look(OTHER, may_run=True)
            return len(asked_of(asked)) == 2

        await until(moved_on)

    run(steps)
    first, second = asked_of(asked)
    assert first["id"] != second["id"]
    assert not psutil.pid_exists(first["id"])


def test_data_that_takes_too_long_is_said_to(answering: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.3)
    answering([], seconds=60)

    async def steps(preview: Preview, expected: Expected) -> None:
        preview.look(PRESET, may_run=True)
        await until(lambda: preview.picture.reason)
        assert preview.picture.reason == module.TOO_LONG

    run(steps)


def test_code_that_is_not_trusted_is_not_run(answering: Callable[..., Path], tmp_path: Path) -> None:
    asked = answering(ANSWERED)
    (tmp_path / "nets.py").write_text("def make(inputs, outputs, activation): ...\n")
    own = Preset().override(["model.name=module", "model.function=nets:make"])

    async def steps(preview: Preview, expected: Expected) -> None:
        await look_until_answered(preview, own)
        assert preview.picture.reason == "nets:make is not trusted yet; starting a run asks"
        assert asked_of(asked) == []
        code.trust("nets:make")
        preview.look(own, may_run=True, again=True)
        await until(lambda: len(asked_of(asked)) == 1)
        await until(lambda: preview.has_answered)
        (tmp_path / "nets.py").write_text("def make(inputs, outputs, activation, width=1): ...\n")
        code.trust("nets:make")

        def asked_again() -> bool:
            preview.look(own, may_run=True)
            return len(asked_of(asked)) == 2

        preview.look(own, may_run=True, again=True)
        await until(asked_again)

    run(steps)
    first, second = asked_of(asked)
    assert first["id"] != second["id"], "a process cannot run another version of a module"


def test_what_was_seen_last_is_shown_at_once_and_its_data_read_again(
    answering: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    asked = answering(ANSWERED)

    async def first(preview: Preview, expected: Expected) -> None:
        assert preview.seen is None
        await look_until_answered(preview, PRESET)
        assert preview.seen is not None
        preview.seen.save()

    async def second(preview: Preview, expected: Expected) -> None:
        seen = Seen.load()
        assert seen is not None
        preview.recall(seen)
        preview.look(PRESET, may_run=False)
        assert preview.picture.data == FLOWERS
        assert preview.picture.model == MADE
        assert not preview.picture.is_old
        await look_until_answered(preview, PRESET)
        preview.look(OTHER, may_run=True)
        await look_until_answered(preview, OTHER)

    run(first)
    run(second)
    assert [request["shows_data"] for request in asked_of(asked)] == [True, True, False]


def test_what_was_seen_at_an_earlier_start_goes_where_it_does_not_hold_any_more(answering: Callable[..., Path]) -> None:
    answering([typed_line(FAILURE, Failure("data.csv is not there", 2, "data"))])

    async def steps(preview: Preview, expected: Expected) -> None:
        preview.recall(Seen(content_of(PRESET), key_of(PRESET.with_absolute_paths()), FLOWERS, MADE))
        await look_until_answered(preview, PRESET)
        assert preview.picture == Picture(reason="data.csv is not there")

    run(steps)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"content": "", "key": ""}'])
def test_a_file_of_something_else_is_not_shown(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Seen.load() is None
    Seen.path().parent.mkdir(parents=True)
    Seen.path().write_text(text)
    assert Seen.load() is None
