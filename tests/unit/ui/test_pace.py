"""How often the app looks, draws and reads: usually, beside a trainer on the CPU, and left alone beside one."""

from __future__ import annotations

from collections.abc import Callable

from workbench.ui.live.pace import ALONE_SECONDS, Pace, What


class Clock:
    """Seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def count(pace: Pace, clock: Clock, what: What, *, beside_cpu: bool, seconds: float, late: float = 0.0) -> int:
    """How often it was due; the timer's ticks come by up to `late` seconds too late, in turns."""
    found, start = 0, clock.now
    for tick in range(round(seconds / pace.tick_seconds)):
        clock.now = start + tick * pace.tick_seconds + (late if tick % 2 else 0.0)
        found += pace.is_due(what, beside_cpu=beside_cpu)
    clock.now = start + seconds
    return found


def counts(*, beside_cpu: bool, touched: bool = True, slower: float = 1.0, late: float = 0.0) -> dict[What, int]:
    """In six seconds, of each."""
    whats: tuple[What, ...] = ("poll", "draw", "judge", "read")
    found: dict[What, int] = {}
    for what in whats:
        clock = Clock()
        pace = Pace(slower=slower, clock=clock)
        clock.now += 0 if touched else ALONE_SECONDS + 1
        found[what] = count(pace, clock, what, beside_cpu=beside_cpu, seconds=6, late=late)
    return found


def test_usually_it_looks_and_draws_twice_a_second() -> None:
    assert counts(beside_cpu=False) == {"poll": 12, "draw": 12, "judge": 12, "read": 6}
    assert counts(beside_cpu=False, touched=False) == {"poll": 12, "draw": 12, "judge": 12, "read": 6}


def test_beside_a_trainer_on_the_cpu_it_draws_less() -> None:
    assert counts(beside_cpu=True) == {"poll": 12, "draw": 6, "judge": 2, "read": 3}


def test_beside_one_and_left_alone_it_looks_every_three_seconds() -> None:
    assert counts(beside_cpu=True, touched=False) == {"poll": 2, "draw": 2, "judge": 2, "read": 2}


def test_a_timer_that_is_late_at_times_changes_nothing() -> None:
    assert counts(beside_cpu=True, late=0.1) == counts(beside_cpu=True)
    assert counts(beside_cpu=False, late=0.1) == counts(beside_cpu=False)


def test_a_narrow_line_has_it_done_half_as_often() -> None:
    assert counts(beside_cpu=False, slower=2) == {"poll": 6, "draw": 6, "judge": 6, "read": 3}
    assert counts(beside_cpu=True, slower=2) == {"poll": 6, "draw": 3, "judge": 1, "read": 2}


def test_a_touch_wakes_it_at_once() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    clock.now += ALONE_SECONDS + 1
    due: Callable[[], bool] = lambda: pace.is_due("draw", beside_cpu=True)  # noqa: E731
    assert due()
    clock.now += 1
    assert not due()
    pace.touch()
    assert due()
