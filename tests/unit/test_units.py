"""Numbers are read without effort: three digits, a unit, never an exponent."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench import units


@pytest.mark.parametrize(
    ("number", "text"), [(847, "847 FLOP"), (8704, "8,704 FLOP"), (12_345, "12.3 kFLOP"), (4.1e12, "4.1 TFLOP")]
)
def test_a_unit_takes_the_prefix_of_its_rate_and_keeps_a_space(number: float, text: str) -> None:
    assert units.rate_of(number, "FLOP") == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 samples"), (1, "1 sample"), (1797, "1,797 samples")])
def test_a_noun_takes_an_s_but_after_one(number: int, text: str) -> None:
    assert units.counted(number, "sample") == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (535_818, "535,818"), (1e9, "1,000,000,000")])
def test_counts_have_thousands_separators(number: float, text: str) -> None:
    assert units.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.123456, "0.123"),
        (7.654, "7.65"),
        (847.4, "847"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (1_684_000, "1.68 M"),
        (2_000_000_000, "2 G"),
    ],
)
def test_rates_have_three_digits(number: float, text: str) -> None:
    assert units.rate(number) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0000"), (0.12345, "0.1235"), (0.00001234, "1.23e-05"), (12345.6, "1.23e+04")]
)
def test_a_loss_is_never_rounded_to_nothing(value: float, text: str) -> None:
    assert units.decimals(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.45, "under 1 s left"),
        (1.47, "1 s left"),
        (59.4, "59 s left"),
        (89, "1 min 29 s left"),
        (3599.6, "1 h 0 min left"),
        (18_968, "5 h 16 min left"),
        (183_600, "2 d 3 h left"),
    ],
)
def test_the_time_left_is_as_exact_as_an_estimate_deserves(seconds: float, text: str) -> None:
    """screen/REPORT #42: 5:16:08 h left, 1:29 min left, 0.45 s left."""
    assert units.time_left(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (245, "4:05 min"),
        (3599.4, "59:59 min"),
        (3599.6, "1:00:00 h"),
        (7391, "2:03:11 h"),
    ],
)
def test_durations_read_as_on_a_watch(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (4200, "4.1 KiB"),
        (61.2 * 2**20, "61.2 MiB"),
        (2.05 * 2**30, "2.05 GiB"),
        (2**41, "2 TiB"),
    ],
)
def test_sizes_are_in_powers_of_1024(number: float, text: str) -> None:
    assert units.size(number) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0384, "0.038 ms"), (1.724, "1.72 ms"), (214.2, "214 ms"), (1724, "1.72 s"), (61_000, "61 s")]
)
def test_step_times_are_in_milliseconds(value: float, text: str) -> None:
    assert units.milliseconds(value) == text


@pytest.mark.parametrize(
    ("number", "allowed"),
    [
        (1000 * 2**10, {"1000 KiB", "1,000 KiB"}),
        (1023 * 2**10, {"1020 KiB", "1,020 KiB", "1023 KiB", "1,023 KiB"}),
        (1001 * 2**30, {"1000 GiB", "1,000 GiB", "1001 GiB", "1,001 GiB"}),
    ],
)
def test_a_size_just_below_the_next_unit_is_written_out(number: float, allowed: set[str]) -> None:
    assert units.size(number) in allowed


@example(999_999.0)
@given(st.floats(0.001, 9e11))
def test_no_rate_is_written_with_an_exponent(number: float) -> None:
    assert "e" not in units.rate(number)


@example(1000.0 * 2**10)
@given(st.floats(0, 2**49))
def test_no_size_is_written_with_an_exponent(number: float) -> None:
    assert "e" not in units.size(number)


@example(999.7)
@given(st.floats(0, 9e5))
def test_no_step_time_is_written_with_an_exponent(value: float) -> None:
    assert "e" not in units.milliseconds(value)
