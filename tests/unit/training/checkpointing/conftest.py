"""Fixtures of tests that request something at a certain step, and that compare runs to the bit."""

from __future__ import annotations

import pytest

from tests.unit.training import scripted


@pytest.fixture(scope="session")
def all_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Trains once: imports during the first training of a process draw random numbers."""
    scripted.new_trainer(tmp_path_factory.mktemp("imported"), ["training.epochs=1"]).train()


@pytest.fixture
def polling_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer polls for requests after every step."""
    scripted.poll_after_every_step(monkeypatch)
