"""Numbers as people read them."""

from __future__ import annotations


def count(number: float) -> str:
    """Whole numbers with thousands separators."""
    return f"{number:,.0f}"


def rate(number: float) -> str:
    """A rate with three significant digits: 847, 12.3 k, 1.68 M."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= limit:
            return f"{number / (1e3 if unit == ' k' else limit):.3g}{unit}"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """Seconds as 0.42 s, 12.3 s, 4:05 min or 2:03:11 h."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d} h"


def size(number_of_bytes: float) -> str:
    """Bytes as 512 B, 4.1 KiB, 61.2 MiB, 2.05 GiB."""
    value = float(number_of_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} TiB"


def milliseconds(value: float) -> str:
    """A step's time: 0.038 ms, 1.72 ms, 214 ms."""
    return f"{value:.3f} ms" if value < 1 else f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
