from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.loggers import CSVLogger
from torch.utils.tensorboard import SummaryWriter

from tests.unit.foreign_logs.written import exit_record, history, log_file, run_record
from workbench.foreign_logs.find import find_log
from workbench.foreign_logs.lightning_csv import LightningCsvLog, _row
from workbench.foreign_logs.log import Scalar
from workbench.foreign_logs.names import Meaning, meaning_of
from workbench.foreign_logs.simple_yaml import read_yaml
from workbench.foreign_logs.tensorboard import TensorBoardLog, masked_checksum
from workbench.foreign_logs.wandb import WandbLog


def values(scalars: list[Scalar]) -> list[tuple[str, int, float]]:
    return [(scalar.name, scalar.step, scalar.value) for scalar in scalars]


def test_tensorboards_event_files_are_read_while_they_grow(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    assert log.read() == []
    writer = SummaryWriter(tmp_path)
    writer.add_scalar("train/loss", 2.5, 0, walltime=1000.5)
    writer.add_histogram("weights", np.array([1.0, 2.0]), 0)
    writer.add_text("note", "x", 0)
    writer.add_scalar("double", 1e-12, 1, new_style=True)
    writer.flush()
    found = log.read()
    assert [(scalar.name, scalar.step) for scalar in found] == [("train/loss", 0), ("double", 1)]
    assert found[0] == Scalar("train/loss", 0, 2.5, 1000.5)
    assert found[1].value == pytest.approx(1e-12)
    writer.add_scalar("val/loss", math.inf, 2)
    writer.close()
    assert [(scalar.name, scalar.value) for scalar in log.read()] == [("val/loss", math.inf)]
    assert log.read() == []


def test_a_torn_record_is_read_once_it_is_complete_and_damage_ends_the_file(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    writer = SummaryWriter(whole)
    for step in range(20):
        writer.add_scalar("loss", float(step), step)
    writer.close()
    [file] = whole.iterdir()
    content = file.read_bytes()
    torn = tmp_path / "torn"
    torn.mkdir()
    growing = torn / file.name
    log, found = TensorBoardLog(torn), []
    for end in range(0, len(content) + 1, 7):
        growing.write_bytes(content[:end])
        found += log.read()
    growing.write_bytes(content)
    found += log.read()
    assert [scalar.value for scalar in found] == list(map(float, range(20)))

    damaged = bytearray(content)
    damaged[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    growing.write_bytes(damaged)
    again = TensorBoardLog(torn)
    assert 0 < len(again.read()) < 20
    assert again.read() == []


def test_the_checksum_is_tensorflows() -> None:
    # RFC 3720's vector for CRC-32C of 32 zeros is 8a9136aa.
    crc = 0x8A9136AA
    assert masked_checksum(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_lightnings_csv_is_read_while_it_grows_and_is_rewritten(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, name="mine")
    logger.log_hyperparams({"lr": 0.1, "layers": [1, 2], "name": "x"})
    logger.log_metrics({"train_loss": 2.0, "epoch": 0}, step=0)
    logger.save()
    log = find_log(tmp_path)
    assert isinstance(log, LightningCsvLog)
    assert log.name == "mine-version_0"
    assert values(log.read()) == [("epoch", 0, 0.0), ("train_loss", 0, 2.0)]
    logger.log_metrics({"val_loss": 3.0, "epoch": 0}, step=4)  # a new column: the file is written anew
    logger.save()
    assert values(log.read()) == [("epoch", 4, 0.0), ("val_loss", 4, 3.0)]
    assert log.read() == []
    assert dict(log.settings) == {"lr": 0.1, "layers": [1, 2], "name": "x"}


def rows_of(log: LightningCsvLog) -> list[tuple[int, float]]:
    found: list[Scalar] = []
    while new := log.read():
        found += new
    return [(scalar.step, scalar.value) for scalar in found if scalar.name == "loss"]


def lines(count: int, loss: float = 1.0, header: str = "epoch,loss,step") -> str:
    return "\n".join([header, *(f"0,{loss + step},{step}" for step in range(count))]) + "\n"


def test_a_long_csv_is_read_in_parts_and_then_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.foreign_logs.lightning_csv.MOST_SCALARS", 100)
    monkeypatch.setattr("workbench.foreign_logs.lightning_csv.READ_BYTES", 250)
    file = tmp_path / "metrics.csv"
    file.write_text(lines(1000))
    log = LightningCsvLog(tmp_path)
    assert 100 <= len(log.read()) <= 102
    assert rows_of(log)[-1] == (999, 1000.0)
    with file.open("a") as growing:
        growing.write("0,5.0,1000\n0,6.0")
    asked: list[int] = []
    monkeypatch.setattr(
        "workbench.foreign_logs.lightning_csv._row", lambda names, line: asked.append(1) or _row(names, line)
    )
    assert rows_of(log) == [(1000, 5.0)]
    assert len(asked) == 1
    with file.open("a") as growing:
        growing.write(",1001\n")
    assert rows_of(log) == [(1001, 6.0)]


def test_a_csv_of_another_run_is_read_from_its_beginning(tmp_path: Path) -> None:
    file, log = tmp_path / "metrics.csv", LightningCsvLog(tmp_path)
    file.write_text(lines(100))
    assert len(rows_of(log)) == 100
    file.write_text(lines(3, loss=7.0))  # shorter
    assert rows_of(log) == [(0, 7.0), (1, 8.0), (2, 9.0)]
    file.write_text(lines(5, loss=8.0))  # longer, with the same columns
    assert rows_of(log) == [(step, 8.0 + step) for step in range(5)]
    file.write_text(lines(5, loss=8.0).replace("0,9.0,1", "0,9.5,1"))  # in what was read, only the middle differs
    assert rows_of(log) == []


def test_a_csv_that_is_written_anew_with_its_rows_is_not_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, log = tmp_path / "metrics.csv", LightningCsvLog(tmp_path)
    file.write_text(lines(100))
    assert len(rows_of(log)) == 100
    again = [line.replace("0,", "0,,", 1) for line in lines(100).splitlines()[1:]]
    anew = "\n".join(["epoch,acc,loss,step", *again, "0,0.5,3.0,100"]) + "\n"
    for end in range(0, len(anew), 97):  # while it is being written
        file.write_text(anew[:end])
        assert rows_of(log) == []
    file.write_text(anew)
    assert rows_of(log) == [(100, 3.0)]

    monkeypatch.setattr("workbench.foreign_logs.lightning_csv.REWRITE_SECONDS", 0.0)
    file.write_text(lines(4))  # it begins with the same row, and stays short: another run
    assert rows_of(log) == []
    assert rows_of(log) == [(step, 1.0 + step) for step in range(4)]


def test_cells_without_a_number_and_rows_without_a_step_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "epoch,step,loss,note\nnan,0,1.0,x\n0,nan,2.0,\n0,inf,2.0,\n0,-3,2.0,\n0,1e400,2.0,\n0,,2.0,\n"
        '"\n\n0,x,2.0,\n0,1,nan,y,z,more\n0,2\n\x00\n0,3,4.0,\n'
    )
    log = LightningCsvLog(tmp_path)
    found = [(scalar.name, scalar.step, scalar.value) for scalar in log.read()]
    assert repr(found) == repr(
        [
            ("epoch", 0, math.nan), ("loss", 0, 1.0), ("epoch", 1, 0.0), ("loss", 1, math.nan), ("epoch", 2, 0.0),
            ("epoch", 3, 0.0), ("loss", 3, 4.0),
        ]
    )  # fmt: skip


def test_a_step_that_is_no_number_ends_no_wandb_log(tmp_path: Path) -> None:
    rows = [history(0, {"loss": 1.0}), history(1, {"_step": math.nan, "loss": 2.0}), history(2, {"loss": 10**400})]
    (tmp_path / "run-x.wandb").write_bytes(log_file([*rows, history(3, {"loss": 3.0})]))
    assert values(WandbLog(tmp_path).read()) == [("loss", 0, 1.0), ("loss", 3, 3.0)]


def test_wandbs_file_is_read_while_it_grows(tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "offline-run-20261128_120000-abc123"
    folder.mkdir(parents=True)
    rows = [history(step, {"loss": 1.0 / (step + 1), "text": "x" * 3000, "flag": True}) for step in range(40)]
    content = log_file([run_record("sunny", {"lr": 0.1, "_wandb": {}}), *rows, exit_record(0)])
    assert len(content) > 3 * 2**15  # several blocks, with records across their ends
    file = folder / "run-abc123.wandb"
    file.write_bytes(content[:3])
    log = find_log(tmp_path)
    assert isinstance(log, WandbLog)
    found: list[Scalar] = []
    for end in [*range(0, len(content), 5000), len(content)]:
        file.write_bytes(content[:end])
        while new := log.read():
            found += new
    assert [(scalar.name, scalar.step, scalar.value) for scalar in found] == [
        ("loss", step, 1.0 / (step + 1)) for step in range(40)
    ]
    assert found[3].time == 1003.0
    assert (log.name, dict(log.settings), log.exit_code) == ("sunny", {"lr": 0.1}, 0)


def test_a_damaged_block_of_wandbs_file_is_left_out(tmp_path: Path) -> None:
    content = bytearray(log_file([history(step, {"loss": float(step), "text": "x" * 3000}) for step in range(40)]))
    content[2**15 + 100] ^= 0xFF
    (tmp_path / "run-x.wandb").write_bytes(content)
    found = [scalar.step for scalar in WandbLog(tmp_path).read()]
    assert found[0] == 0
    assert found[-1] == 39
    assert 20 < len(found) < 40


def test_without_wandbs_history_its_summary_and_config_are_read(tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").write_bytes(b"something else")
    files = tmp_path / "files"
    files.mkdir()
    (files / "wandb-summary.json").write_text(json.dumps({"_step": 9, "val/loss": 0.5, "best": {"x": 1}}))
    (files / "config.yaml").write_text(
        "wandb_version: 1\n\nlr:\n  desc: null\n  value: 0.1\n_wandb:\n  value:\n    x: 1\n"
    )
    log = WandbLog(tmp_path)
    assert log.read() == [Scalar("val/loss", 9, 0.5, None)]
    assert log.read() == []
    assert dict(log.settings) == {"lr": 0.1}


@pytest.mark.parametrize(
    ("name", "loop", "meaning"),
    [
        ("loss", "tensorboard", Meaning("loss", "loss")),
        ("Loss/train", "tensorboard", Meaning("loss", "loss")),
        ("train_loss_step", "lightning_csv", Meaning("loss", "loss")),
        ("train_loss_epoch", "lightning_csv", Meaning("train", "loss_epoch")),
        ("val_loss", "lightning_csv", Meaning("validation", "loss")),
        ("eval/accuracy", "tensorboard", Meaning("validation", "accuracy")),
        ("Accuracy/val", "tensorboard", Meaning("validation", "accuracy")),
        ("test_acc", "lightning_csv", Meaning("test", "acc")),
        ("valid", "tensorboard", Meaning("train", "valid")),
        ("val/f1", "wandb", Meaning("validation", "f1_score")),
        ("grad_norm", "wandb", Meaning("train", "grad_norm")),
        ("lr-SGD/pg1", "lightning_csv", Meaning("learning_rate")),
        ("train/learning_rate", "tensorboard", Meaning("learning_rate")),
        ("epoch", "lightning_csv", Meaning("epoch", counts="from_0")),
        ("epoch", "wandb", Meaning("epoch")),
        ("train/epoch", "tensorboard", Meaning("epoch", counts="done")),
        ("eval/samples_per_second", "tensorboard", None),
    ],
)
def test_names_say_the_split(name: str, loop: str, meaning: Meaning | None) -> None:
    assert meaning_of(name, loop) == meaning


def test_what_is_no_log_is_none(tmp_path: Path) -> None:
    assert find_log(tmp_path) is None
    assert find_log(tmp_path / "missing") is None
    (tmp_path / "notes.csv").write_text("step,loss\n1,2\n")
    assert find_log(tmp_path) is None
    assert find_log(tmp_path / "notes.csv") is None


def test_of_several_runs_the_newest_is_read(tmp_path: Path) -> None:
    import os

    for number, name in enumerate(("old", "new", "older")):
        SummaryWriter(tmp_path / name).close()
        [file] = (tmp_path / name).iterdir()
        os.utime(file, (1000 * (2 - number % 2), 1000 + [1, 2, 0][number]))
    log = find_log(tmp_path)
    assert log is not None
    assert log.path == tmp_path / "new"
    [file] = (tmp_path / "old").iterdir()
    chosen = find_log(file)
    assert chosen is not None
    assert chosen.path == tmp_path / "old"


def test_plain_yaml() -> None:
    text = (
        "# note\na: 1\nb: -2.5e-3\nc: true\nd: null\ne: 'it''s'\nf: \"x\\ty\"\ng:\n- 1\n- two\nh:\n  i: 3\n"
        "  j:\n    k: 4\nl: {}\nm: !!python/object x\nn: .nan\no: some words\n"
    )
    found: dict[str, Any] = read_yaml(text)
    assert math.isnan(found.pop("n"))
    assert found == {
        "a": 1, "b": -0.0025, "c": True, "d": None, "e": "it's", "f": "x\ty", "g": [1, "two"],
        "h": {"i": 3, "j": {"k": 4}}, "o": "some words",
    }  # fmt: skip
