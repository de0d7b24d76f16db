"""What trainers write is what readers take: no event of any kind of training is passed over as a stranger's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.scripted import asked_at, new_trainer, poll_after_every_step
from workbench.runs.control import Request
from workbench.runs.event_lines import decode

REQUESTS = [
    Request("profile", 3.0),
    Request("memory_snapshot"),
    Request("set_learning_rate", 0.01),
    Request("checkpoint"),
    Request("dance"),
]

KINDS = {
    "relu": ["model.hidden=[8, 8]"],
    "tanh": ["activation.name=tanh"],
    "sigmoid and batch norm": ["activation.name=sigmoid", "model.batch_norm=true"],
    "convolutions": ["data.name=digits", "data.batch_size=200", "model.name=cnn",
                     "model.channels=[4]", "model.hidden=4"],
    "regression": ["data.name=diabetes", "loss.name=mse", "data.batch_size=48"],
    "no validation": ["validation.method=none", "validation.test_fraction=0"],
    "gradients beyond all bounds": ["optimizer.name=sgd", "data.name=diabetes", "loss.name=mse",
                                    "optimizer.learning_rate=1e3"],
    "nothing measured": ["runtime.measure=false"],
}  # fmt: skip


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_every_line_of_a_run_is_read(tmp_path: Path, settings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    poll_after_every_step(monkeypatch)
    trainer = new_trainer(tmp_path, settings, asked_at(2, REQUESTS))
    try:
        trainer.train()
    except Exception as error:
        assert "diverged" in str(error)  # noqa: PT017  which is what one of them is for
    lines = trainer.run.events.read_bytes().splitlines()
    assert [line[:200] for line in lines if decode(line) is None] == []
    assert len({type(decode(line)) for line in lines}) > 5
