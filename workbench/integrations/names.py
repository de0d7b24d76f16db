"""The names of metrics in other libraries, which say the split by how they begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def without_prefix(values: Mapping[str, Any], prefixes: Iterable[str], left_out: Iterable[str] = ()) -> dict[str, Any]:
    """The values whose names begin with one of the prefixes, under the rest of their names."""
    found = {}
    for name, value in values.items():
        prefix = next((each for each in prefixes if name.startswith(each) and len(name) > len(each)), None)
        if prefix is not None and name.removeprefix(prefix) not in left_out:
            found[name.removeprefix(prefix)] = value
    return found
