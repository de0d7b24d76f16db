"""Numbers as people read them."""

from __future__ import annotations

from itertools import pairwise

GIB = 2**30


def count(number: float) -> str:
    """Whole numbers with thousands separators."""
    return f"{number:,.0f}"


def counted(number: int, noun: str) -> str:
    """A count with its noun, which takes an s in the plural: 1 sample, 1,797 samples."""
    return f"{count(number)} {noun}{'s' * (number != 1)}"


def decimals(value: float) -> str:
    """Four decimals; three digits where these would say nothing."""
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.3g}"


def rate(number: float) -> str:
    """A rate with three significant digits: 847, 12.3 k, 1.68 M, 4.1 T."""
    for limit, unit, shown_from in ((1e12, " T", 1e12), (1e9, " G", 1e9), (1e6, " M", 1e6), (1e3, " k", 1e4)):
        if number >= shown_from:
            return f"{_three_digits(number / limit)}{unit}"
    return _three_digits(number)


def rate_of(number: float, unit: str) -> str:
    """A rate with a unit that takes the prefix: 847 FLOP/s, 12.3 kFLOP/s."""
    shown = rate(number)
    return f"{shown}{unit}" if shown[-1].isalpha() else f"{shown} {unit}"


def duration(seconds: float) -> str:
    """Seconds as 0.42 s, 12.3 s, 4:05 min or 2:03:11 h."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d} h"


def time_left(seconds: float) -> str:
    """An estimate of the time left, as exact as it deserves: under 1 s, 12 s, 1 min 29 s, 5 h 16 min, 2 d 3 h."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s left"
    for (unit, length), (part, part_length) in pairwise((("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))):
        if whole >= length:
            return f"{whole // length:,} {unit} {whole % length // part_length} {part} left"
    return f"{whole} s left"


def age_in_words(seconds: float) -> str:
    """How long ago, in the largest unit that fits: 12 s, 5 min, 3 h, 9 d."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:,.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def size(number_of_bytes: float) -> str:
    """Bytes as 512 B, 4.1 KiB, 61.2 MiB, 2.05 GiB."""
    value = float(number_of_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{_three_digits(value)} {unit}"
        value /= 1024
    return f"{_three_digits(value)} TiB"


def milliseconds(value: float) -> str:
    """A step's time: 0.038 ms, 1.72 ms, 214 ms, 1.5 s."""
    if value < 1:
        return f"{value:.3f} ms"
    return f"{_three_digits(value)} ms" if value < 1000 else f"{_three_digits(value / 1000)} s"


def probability(value: float) -> str:
    """A probability in percent: 97.3 %, and two digits of a small one, 0.012 %."""
    return f"{100 * value:.1f} %" if value >= 0.001 else f"{100 * value:.2g} %"


def _three_digits(value: float) -> str:
    """Three significant digits, never an exponent."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"
