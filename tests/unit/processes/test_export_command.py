"""The process that exports for the app: what it reports, and what is said where it ends badly."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from workbench.errors import TrainerLostError, WorkbenchError
from workbench.headless.measuring import Narration
from workbench.headless.options import Options
from workbench.processes import export_command
from workbench.processes.export_command import NARRATION_VARIABLE, ExportRequest, Written, command_line, run_export
from workbench.processes.measuring import Progress

REQUEST = ExportRequest((Path("/runs/-a"),), "onnx", Path("/out/a.onnx"))


def run(monkeypatch: pytest.MonkeyPatch, *command: str) -> tuple[Written, list[str]]:
    monkeypatch.setattr(export_command, "command_line", lambda _: command)
    heard: list[str] = []
    return asyncio.run(run_export(REQUEST, heard.append)), heard


def python(*lines: str) -> tuple[str, str, str]:
    return sys.executable, "-c", "\n".join(["import json, os, sys, time", *lines])


def test_the_command_takes_runs_whose_names_look_like_options() -> None:
    assert command_line(REQUEST)[3:] == (
        "workbench", "export", "--to", "onnx", "--out", "/out/a.onnx", "--json", "--", "/runs/-a"
    )  # fmt: skip
    assert "--overwrite" in command_line(ExportRequest(REQUEST.runs, "onnx", REQUEST.out, overwrite=True))


def test_what_it_is_doing_and_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    result = json.dumps({"type": "result", "path": "/out/a.onnx", "bytes": 3, "lines": ["opset 20"]})
    steps = ["print('\\x1b[1mtracing\\x1b[0m', file=sys.stderr, flush=True)", "time.sleep(0.5)"]
    written, heard = run(monkeypatch, *python("print('a library says hello')", *steps, f"print({result!r})"))
    assert written == Written(Path("/out/a.onnx"), ("opset 20",))
    assert heard[-1] == "tracing"


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("print('tracing\\nerror: no room\\n  on the disk', file=sys.stderr); sys.exit(3)", "no room\n  on the disk"),
        ("os.kill(os.getpid(), 9)", "the export was killed by signal 9 without saying why"),
        ("print('hm', file=sys.stderr); sys.exit(7)", "the export ended with exit code 7 without saying why\nhm"),
        ("print('no JSON')", "the export ended with exit code 0 without saying why"),
        ("print('[1, 2]')", "the export ended with exit code 0 without saying why"),
    ],
)
def test_a_bad_end_is_said(monkeypatch: pytest.MonkeyPatch, ending: str, said: str) -> None:
    with pytest.raises(WorkbenchError) as error:
        run(monkeypatch, *python(ending))
    assert str(error.value) == said


def test_a_program_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainerLostError, match="cannot start"):
        run(monkeypatch, "/nowhere/python")


def test_it_continues_when_nobody_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "written"
    monkeypatch.setattr(export_command, "command_line", lambda _: python("time.sleep(0.5)", f"open({str(out)!r}, 'w')"))

    async def leave() -> None:
        task = asyncio.create_task(run_export(REQUEST, print))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not out.exists()
        for _ in range(100):
            if out.exists():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it was ended")

    asyncio.run(leave())


def test_the_command_says_to_the_app_what_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_for_app, said in ((False, ""), (True, "importing PyTorch\ntracing\n")):
        if is_for_app:
            monkeypatch.setenv(NARRATION_VARIABLE, "1")
        narration = Narration(Options(json_output=True))
        for doing in ("importing PyTorch", "tracing", "tracing"):
            narration.show(Progress(doing))
        assert capsys.readouterr() == ("", said)
