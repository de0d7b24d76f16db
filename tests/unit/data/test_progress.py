from __future__ import annotations

import pytest

from workbench.data.progress import Meter, Progress


def test_at_most_ten_reports_per_second_and_always_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("workbench.data.progress.time.monotonic", lambda: now)
    heard: list[Progress] = []
    meter = Meter(heard.append, "reading", 1000, "files")
    for _ in range(1000):
        now += 0.001
        meter.add(1)
    meter.finish()
    assert 10 <= len(heard) <= 12
    assert heard[0].done == 1
    assert heard[-1] == Progress("reading", 1000, 1000, "files")


def test_the_end_is_not_reported_twice() -> None:
    heard: list[Progress] = []
    meter = Meter(heard.append, "reading", 1, "files")
    meter.add(1)
    meter.finish()
    assert heard == [Progress("reading", 1, 1, "files")]
