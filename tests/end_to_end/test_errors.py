"""Bad input gets a sentence on stderr and an exit code: no traceback, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import LONG, Workbench, events_of, wait_for
from workbench.errors import WorkbenchError
from workbench.runs.directory import create_run
from workbench.settings.library import load
from workbench.training.processes.plan import make_plan

WRONG_COMMANDS = [
    (["--preset", "fats"], "did you mean fast"),
    (["--preset", "no/such/file.toml"], "there is no file"),
    (["--preset", "fast", "--set", "optimizer.learning_rat=1"], "did you mean learning_rate"),
    (["--preset", "fast", "--set", "optimizer.learning_rate=nan"], "needs a finite number"),
    (["--preset", "fast", "--set", "optimizer.learning_rate=inf"], "needs a finite number"),
    (["--preset", "fast", "--set", "data.batch_size=0"], "must be at least 1"),
    (["--preset", "fast", "--set", "nonsense"], "key.path=value"),
    (["--set", "training.epochs=1"], "--preset"),
    (["--resume", "nothing"], "there is no run"),
    (["resume", "nothing"], "there is no run 'nothing' in"),
    (["resume", "nothing"], "and no study of that name in"),
    (["--resume", "x", "--preset", "fast"], "--resume"),
    (["--list", "optimisers"], "did you mean optimizers"),
    (["--explain", "optimizer.adm"], "did you mean adam"),
    (["--no-such-option"], "--no-such-option"),
    (["--preset", "~nobody-of-that-name/x.toml"], "there is no file"),
    (["--preset", "x" * 300], "there is no preset"),
    (["--resume", "x" * 300], "there is no run"),
    (["--preset", "fast", "--set", "training.epochs=" + "1" * 5000], "training.epochs"),
    (["--preset", "fast", "--set", "training.epochs=0x" + "f" * 5000], "training.epochs"),
    (["--preset", "iris", "--save-as", "a/b"], "name"),
    (["--preset", "iris", "--profile", "0"], "from 1 to 1000"),
    (["--preset", "iris", "--profile", "9", "--dry-run"], "--profile needs a training"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_COMMANDS, ids=lambda value: str(value)[:40])
def test_a_wrong_command_is_reported_in_a_sentence_with_exit_code_2(
    workbench: Workbench, arguments: list[str], words: str
) -> None:
    done = workbench.run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (workbench.folder / "runs").exists()


def test_a_malformed_preset_is_reported_with_its_line(workbench: Workbench) -> None:
    (workbench.folder / "broken.toml").write_text('[data]\nname = "digits"\nbatch_size = \n')
    done = workbench.run("--preset", "broken.toml")
    assert done.returncode == 2
    assert "line 3" in done.stderr


MISFITS = [
    (["--set", "loss.name=mse", "--set", "data.name=iris", "--set", "model.name=cnn"], 2, "needs images"),
    (["--set", "data.name=diabetes"], 2, "these do: mse, l1, huber"),
    (["--set", "data.batch_size=5000"], 2, "the training split has only"),
    (["--set", "runtime.device=cuda:99"], 2, "runtime.device"),
    (["--set", "data.name=csv", "--set", "data.file=gaps.csv", "--set", "data.target=y"], 3, "missing"),
    (["--set", "data.name=npz", "--set", "data.file=nowhere.npz"], 3, "nowhere.npz"),
    (["--set", "data.name=image_folder", "--set", "data.folder=nowhere"], 3, "nowhere"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), MISFITS, ids=lambda value: str(value)[:60])
def test_what_does_not_fit_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    """By the plan, which builds everything that a run builds; in this process, which has PyTorch already."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gaps.csv").write_text("x,y\n1,a\n,b\n")
    assignments = [argument for argument in arguments if argument != "--set"]
    with pytest.raises(WorkbenchError) as error:
        make_plan(load("fast").override(assignments).with_absolute_paths())
    assert error.value.exit_code == code
    assert words in str(error.value)


def test_a_dry_run_passes_the_error_and_its_exit_code_on(workbench: Workbench) -> None:
    arguments, code, words = MISFITS[-1]
    done = workbench.run("--preset", "fast", *arguments, "--dry-run")
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_data_that_needs_a_network_says_where_to_put_the_files(workbench: Workbench) -> None:
    # A proxy that refuses every connection stands for a machine without a network.
    refusing = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        workbench.command("--preset", "mnist-mlp", "--set", "data.folder=data"),
        cwd=workbench.folder,
        env=workbench.environment | refusing,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "MNIST/raw" in done.stderr
    assert "Traceback" not in done.stderr
    [run] = workbench.runs
    assert json.loads(run.summary.read_text())["kind"] == "data"
    assert len(run.worker_log.read_text().splitlines()) == 1, "screen/REPORT #30: a traceback for a typing error"


def test_a_loss_that_becomes_nan_stops_the_run_at_its_step(workbench: Workbench) -> None:
    done = workbench.run(
        "--preset", "regression", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1000",
        "--set", "training.checkpoint_seconds=0",
    )  # fmt: skip
    assert done.returncode == 3
    assert "diverged" in done.stderr
    [run] = workbench.runs
    losses = [loss for event in events_of(run, "steps") for loss in event["losses"]]
    first = next(step for step, loss in enumerate(losses, start=1) if loss is None)
    assert f"step {first}" in done.stderr
    assert json.loads(run.summary.read_text())["kind"] == "diverged"
    finished = json.loads(run.events.read_text().splitlines()[-1])
    assert (finished["kind"], finished["what"], finished["at_step"]) == ("diverged", "loss", first)
    assert "Traceback" in run.worker_log.read_text()


def test_untrusted_code_is_not_run_and_trusted_code_is(workbench: Workbench) -> None:
    (workbench.folder / "mine.py").write_text(
        "from pathlib import Path\n"
        "Path('imported').touch()\n"
        "import torch\n"
        "def data():\n"
        "    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))\n"
        "    return {'train': (x, (x.sum(1) > 0).long())}\n"
        "def model(inputs, outputs, activation):\n"
        "    return torch.nn.Sequential(torch.nn.Linear(*inputs, 8), activation(), torch.nn.Linear(8, outputs))\n"
        "def wrong(inputs, outputs, activation):\n"
        "    return torch.nn.Linear(*inputs, outputs + 1)\n"
    )
    asked = workbench.run("--preset", "module-template")
    assert asked.returncode == 2
    assert "--trust-code" in asked.stderr
    assert not (workbench.folder / "imported").exists()
    assert workbench.runs == []
    trusted = workbench.run("--preset", "module-template", "--trust-code", "--quiet")
    assert trusted.returncode == 0, trusted.stderr
    assert (workbench.folder / "imported").exists()
    # The yes was to two functions; another of the same module asks again, and what it returns is checked.
    other = ["--preset", "module-template", "--set", "model.function=mine:wrong"]
    assert workbench.run(*other).returncode == 2
    wrong = workbench.run(*other, "--trust-code")
    assert wrong.returncode == 3
    assert "mine:wrong" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_folder_that_cannot_hold_runs_is_reported(workbench: Workbench) -> None:
    (workbench.folder / "file").write_text("")
    done = workbench.run("--preset", "fast", "--runs-dir", "file/runs")
    assert done.returncode in (2, 3)
    assert "file/runs" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_ends_the_run_with_a_sentence_and_leaves_whole_files(workbench: Workbench) -> None:
    disk = workbench.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        done = workbench.run(
            "--preset", "fast", "--set", "training.epochs=100000", "--set", "training.checkpoint_seconds=0",
            "--runs-dir", str(disk),
        )  # fmt: skip
        assert done.returncode == 3
        assert "could not be written" in done.stderr or "cannot write" in done.stderr
        assert "--resume" in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        [run] = Path(disk).iterdir()
        assert not [path for path in run.rglob("*") if path.name.startswith(".")]  # no temporary files
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_files_of_the_working_folder_do_not_stand_in_for_libraries(workbench: Workbench) -> None:
    """Else whoever steps into a downloaded folder of presets runs what lies there."""
    for name in ("sklearn", "torch", "random"):
        (workbench.folder / f"{name}.py").write_text("from pathlib import Path; Path('executed').touch()")
    script = "from workbench.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "--preset", "iris", "--dry-run"],
        cwd=workbench.folder,
        env=workbench.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (workbench.folder / "executed").exists()


def test_a_damaged_checkpoint_is_reported_and_the_run_is_still_there(workbench: Workbench) -> None:
    run = create_run(workbench.folder / "runs", "iris", load("iris").to_toml())
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "last.pt").write_bytes(b"nonsense")
    done = workbench.run("--resume", run.name)
    assert done.returncode == 3
    assert "last.pt is damaged" in done.stderr
    assert "--preset" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(run.summary.read_text())["kind"] == "checkpoint"


def test_a_stop_while_preparing_is_obeyed_before_training(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.the_run()
    wait_for(run.process.exists)
    reader.send_signal(2)
    stdout, _ = reader.communicate()
    assert reader.returncode == 130
    assert events_of(run, "steps") == []
    assert "--resume" in stdout
