from __future__ import annotations

import pytest

from workbench.data.number_format import PLAIN, NumberFormat, formats_of

POINT_THOUSANDS = NumberFormat(",", ".")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2.5", "1e5", ".5"], [PLAIN]),
        (["1.234", "9"], [PLAIN]),
        (["7,5", "8"], [NumberFormat(",")]),
        (["0,512", "1,234"], [NumberFormat(",")]),
        (["1,234.50", "7"], [NumberFormat(".", ",")]),
        (["1,234,567", "24,000"], [NumberFormat(".", ",")]),
        (["12,34,567", "7"], [NumberFormat(".", ",")]),
        (["1.234,5", "-3"], [POINT_THOUSANDS]),
        (["1.234.567", "999"], [POINT_THOUSANDS]),
        (["1 234", "5"], [NumberFormat(".", " ")]),
        (["1\u202f234,5", "5"], [NumberFormat(",", " ")]),
        (["1'234.50", "1\u2019000"], [NumberFormat(".", "'")]),
        (["$1200", "-$5", "$ 3.5"], [NumberFormat(sign="$")]),
        (["12 €", "3,5 €"], [NumberFormat(",", "", "€")]),
        (["45%", "3.5 %"], [NumberFormat(sign="%")]),
        (["24,000", "53,000"], [NumberFormat(".", ","), NumberFormat(",")]),
        (["$1", "€2"], []),
        (["$1", "2"], [NumberFormat(sign="$")]),
        (["45%", "0.45"], []),
        (["45%", "0"], [NumberFormat(sign="%")]),
        (["a", "1"], []),
        (["1_000"], []),
        (["1,2,3"], []),
        (["-", "1"], []),
        (["2024-01-05"], []),
        (["3:15"], []),
    ],
)
def test_a_format_is_recognised_if_all_values_are_numbers_in_it(
    values: list[str], expected: list[NumberFormat]
) -> None:
    assert formats_of(values, "auto", "auto") == expected


@pytest.mark.parametrize(
    ("values", "decimal", "thousands", "expected"),
    [
        (["24,000"], ",", "auto", [NumberFormat(",")]),
        (["24,000"], "auto", ",", [NumberFormat(".", ",")]),
        (["24,000"], "auto", "none", [NumberFormat(",")]),
        (["1.234"], "auto", ".", [POINT_THOUSANDS]),
        (["1.234"], ",", "auto", [POINT_THOUSANDS]),
        (["1.5"], ",", "auto", []),
        (["7", "9"], ",", "auto", [NumberFormat(",")]),
    ],
)
def test_a_format_can_be_set(values: list[str], decimal: str, thousands: str, expected: list[NumberFormat]) -> None:
    assert formats_of(values, decimal, thousands) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "text", "number"),
    [
        (PLAIN, "1e-3", 0.001),
        (NumberFormat(".", ","), "1,234.5", 1234.5),
        (NumberFormat(".", ","), "-24,000", -24000),
        (NumberFormat(".", ","), "24,00", None),
        (POINT_THOUSANDS, "1.234,5", 1234.5),
        (POINT_THOUSANDS, "1.23", None),
        (NumberFormat(",", "", "€"), "-3,5 €", -3.5),
        (NumberFormat(",", "", "€"), "4", 4),
        (NumberFormat(",", "", "€"), "$4", None),
        (NumberFormat(sign="%"), "45%", 45),
    ],
)
def test_numbers_are_read_in_their_format(written: NumberFormat, text: str, number: float | None) -> None:
    assert written.parse(text) == number
