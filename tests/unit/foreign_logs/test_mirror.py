from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
from torch.utils.tensorboard import SummaryWriter

from tests.unit.foreign_logs.written import exit_record, history, log_file, run_record
from tests.unit.own_loop.reading import events, summary_of
from workbench.errors import StorageError
from workbench.foreign_logs.find import find_log
from workbench.foreign_logs.mirror import Mirror
from workbench.runs.catalogue import read_row
from workbench.runs.control import ask
from workbench.runs.events import EpochEnd, Event, Logged, RequestHandled, Started, Steps, TestResult
from workbench.runs.history import read_history
from workbench.runs.lock import is_running
from workbench.runs.measurements import Memory, Timing
from workbench.runs.own_loop import read_own_loop


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def mirror_of(path: Path) -> Mirror:
    log = find_log(path)
    assert log is not None
    return Mirror(log)


def catch_up(mirror: Mirror) -> None:
    while mirror.update():
        pass


def losses(mirror: Mirror) -> dict[int, float]:
    return {
        event.first_step + place: loss
        for event in events(mirror.run.path, Steps)
        for place, loss in enumerate(event.losses)
    }


def test_a_tensorboard_log_is_followed(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    writer = SummaryWriter(logs)
    for step in range(120):
        writer.add_scalar("train/loss", 1 / (step + 1), step, walltime=1000.0 + step)
        writer.add_scalar("train/lr", 0.1 if step < 60 else 0.01, step, walltime=1000.0 + step)
    writer.add_scalar("val/accuracy", 0.5, 119, walltime=1200.0)
    writer.flush()
    mirror = mirror_of(logs)
    catch_up(mirror)
    assert is_running(mirror.run)
    assert losses(mirror) == {step: pytest.approx(1 / (step + 1), rel=1e-6) for step in range(120)}
    history_ = read_history(mirror.run)
    assert (history_.view.state, history_.view.step) == ("following", 119)
    assert history_.view.learning_rate == pytest.approx(0.01)
    assert history_.view.seconds == 119.0
    # Which epoch this validation is of, the log does not say: so nothing does.
    assert events(mirror.run.path, EpochEnd) == []
    [validated] = events(mirror.run.path, Logged)
    assert (validated.split, validated.step, validated.metrics) == ("validation", 119, {"accuracy": 0.5})
    assert "accuracy/validation" in history_.curves
    for kind in (Timing, Memory, TestResult):
        assert events(mirror.run.path, kind) == list[Event]()

    writer.add_scalar("train/loss", 7.0, 120)
    writer.close()
    ask(mirror.run, "stop")
    catch_up(mirror)
    assert losses(mirror)[120] == 7.0
    [answer] = events(mirror.run.path, RequestHandled)
    assert (answer.accepted, answer.detail) == (False, "another program trains this run, and it takes no requests")


def test_a_run_that_was_started_again_forgets_what_it_trains_again(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    writer = SummaryWriter(logs)
    for step in [*range(1, 11), *range(6, 9)]:
        writer.add_scalar("loss", float(step), step)
    writer.close()
    mirror = mirror_of(logs)
    catch_up(mirror)
    assert [event.step for event in events(mirror.run.path, Started)] == [0, 5]
    assert read_history(mirror.run).view.step == 8


def test_a_second_loss_is_a_metric_of_its_own(tmp_path: Path) -> None:
    rows = [history(step, {"loss": 1.0, "train/loss": 2.0, "lr": float("nan")}) for step in range(5)]
    (tmp_path / "run-x.wandb").write_bytes(log_file(rows))
    mirror = mirror_of(tmp_path)
    catch_up(mirror)
    assert losses(mirror) == dict.fromkeys(range(5), 1.0)
    assert [event.step for event in events(mirror.run.path, Started)] == [0]
    assert all(event.metrics == {"train/loss": 2.0} for event in events(mirror.run.path, Logged))
    assert read_history(mirror.run).view.learning_rate is None


def test_epochs_of_lightning_are_epochs(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "version_0"
    folder.mkdir(parents=True)
    rows = ["epoch,step,train_loss,val_loss,val_acc"]
    for epoch in range(3):
        rows.append(f"{epoch},{4 * epoch + 3},{1 / (epoch + 1)},,")
        rows.append(f"{epoch},{4 * epoch + 3},,{abs(epoch - 1) + 0.5},0.{epoch}")
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    (folder / "hparams.yaml").write_text("lr: 0.1\n")
    mirror = mirror_of(tmp_path / "mine")
    catch_up(mirror)
    found = events(mirror.run.path, EpochEnd)
    assert [(epoch.epoch, epoch.step, epoch.best) for epoch in found] == [(1, 3, True), (2, 7, True), (3, 11, False)]
    assert found[1].validation == {"loss": 0.5, "acc": pytest.approx(0.1)}
    own = read_own_loop(mirror.run.preset)
    assert own is not None
    assert (own.name, own.loop, dict(own.settings)) == ("mine-version_0", "lightning_csv", {"lr": 0.1})
    row = read_row(mirror.run)
    assert (row.status, row.epoch, row.monitor, row.best) == ("running", 3, "loss", 0.5)


@pytest.mark.parametrize(("code", "status"), [(0, "completed"), (1, "failed")])
def test_the_end_of_a_wandb_run_is_its_end(tmp_path: Path, code: int, status: str) -> None:
    records = [run_record("sunny", {"lr": 0.1}), *(history(step, {"loss": 1.0, "test/mine": 3}) for step in range(5))]
    (tmp_path / "run-x.wandb").write_bytes(log_file([*records, exit_record(code)]))
    mirror = mirror_of(tmp_path)
    catch_up(mirror)
    assert not is_running(mirror.run)
    summary = summary_of(mirror.run.path)
    assert (summary.status, summary.exit_code, summary.step, summary.test) == (status, code, 4, {"mine": 3.0})
    assert 'name = "sunny"' in mirror.run.preset.read_text()


def test_the_mirror_of_before_is_removed_but_not_one_that_is_followed(tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").write_bytes(log_file([history(0, {"loss": 1.0}), exit_record(0)]))
    ended = mirror_of(tmp_path)
    catch_up(ended)
    followed = mirror_of(tmp_path)
    assert not ended.run.path.exists()
    another = mirror_of(tmp_path)
    assert followed.run.path.exists()
    assert another.run.path != followed.run.path


def test_a_log_that_holds_nonsense_is_read_as_far_as_it_makes_sense(tmp_path: Path) -> None:
    values = {"loss": float("nan"), "x": 1e400, "big": 10**30, "": 2, "nested": [1], "val/confusion": 3}
    (tmp_path / "run-x.wandb").write_bytes(log_file([history(-1, {"loss": 1.0}), history(2, values)]))
    mirror = mirror_of(tmp_path)
    catch_up(mirror)
    assert read_history(mirror.run).view.step == 2
    lines = mirror.run.events.read_text().splitlines()
    assert all(json.loads(line) for line in lines)


def test_a_log_that_is_deleted_ends_its_mirror_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine" / "metrics.csv"
    file.parent.mkdir()
    file.write_text("epoch,step,loss\n0,3,0.5\n")
    mirror = mirror_of(file)
    catch_up(mirror)
    file.unlink()
    catch_up(mirror)
    assert is_running(mirror.run)  # a moment: Lightning deletes the file of the run before
    monkeypatch.setattr("workbench.foreign_logs.mirror.GONE_SECONDS", 0.0)
    catch_up(mirror)
    assert not is_running(mirror.run)
    summary = summary_of(mirror.run.path)
    assert (summary.status, summary.step) == ("stopped", 3)
    assert summary.reason == f"{file.parent} was deleted or moved: nothing more can be read of it"


@pytest.mark.parametrize("log", ["tensorboard", "wandb", "lightning_csv"])
def test_whether_a_log_is_there(tmp_path: Path, log: str) -> None:
    names = {"tensorboard": "events.out.tfevents.1.x", "wandb": "run-x.wandb", "lightning_csv": "metrics.csv"}
    (tmp_path / names[log]).write_bytes(b"")
    found = find_log(tmp_path)
    assert found is not None
    assert (found.loop, found.is_there) == (log, True)
    (tmp_path / names[log]).unlink()
    assert not found.is_there


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StorageError("cannot write x: No space left on device"), "cannot write x: No space left on device"),
        (ValueError("odd\nand more"), "the log is not read any further: ValueError: odd"),
    ],
)
def test_a_mirror_that_cannot_go_on_does_not_seem_to_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    (tmp_path / "run-x.wandb").write_bytes(log_file([history(0, {"loss": 1.0})]))
    mirror = mirror_of(tmp_path)
    monkeypatch.setattr(mirror, "_take", Mock(side_effect=error))
    mirror._follow()
    assert not is_running(mirror.run)
    summary = summary_of(mirror.run.path)
    assert (summary.status, summary.reason) == ("failed", reason)


def test_a_mirror_whose_folder_is_gone_stops(tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").write_bytes(log_file([history(0, {"loss": 1.0})]))
    mirror = mirror_of(tmp_path)
    shutil.rmtree(mirror.run.path)
    mirror._follow()
    assert not mirror.run.path.exists()
