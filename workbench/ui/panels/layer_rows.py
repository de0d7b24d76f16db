"""Which layers of a network a table of a few rows shows: equal ones together, inner ones left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.processes.preview import Layer


@dataclass(frozen=True)
class LayerRow:
    """A row of the table: a layer, or several equal ones that follow one another."""

    layer: Layer
    times: int = 1

    @property
    def parameters(self) -> int:
        """Of all of them."""
        return self.times * self.layer.parameters


def layer_rows(layers: Sequence[Layer], most: int) -> list[LayerRow]:
    """At most `most` rows where that can be done; the most detailed table that has so few.

    First layers without parameters that keep the shape are left out, then the insides of groups, the innermost first.
    """
    deepest = max((layer.depth for layer in layers), default=0)
    rows: list[LayerRow] = []
    for depth in range(deepest, -1, -1):
        shown = [layer for layer in layers if layer.depth <= depth and (not layer.is_group or layer.depth == depth)]
        for candidates in (shown, _without_trifles(shown)):
            rows = _together(candidates)
            if len(rows) <= most:
                return rows
    return rows


def rows_of_all(layers: Sequence[Layer]) -> int:
    """How many rows a table has that leaves out no layer with parameters."""
    return len(_together(_without_trifles([layer for layer in layers if not layer.is_group])))


def _without_trifles(layers: Sequence[Layer]) -> list[Layer]:
    """Without those that have no parameters and return what they got, such as activations and dropout."""
    kept: list[Layer] = []
    shape: list[int] = []
    for layer in layers:
        if layer.parameters or layer.shape != shape:
            kept.append(layer)
        shape = layer.shape or shape
    return kept


def _together(layers: Sequence[Layer]) -> list[LayerRow]:
    rows: list[LayerRow] = []
    for layer in layers:
        if rows and _look_alike(rows[-1].layer, layer):
            rows[-1] = LayerRow(rows[-1].layer, rows[-1].times + 1)
        else:
            rows.append(LayerRow(layer))
    return rows


def _look_alike(one: Layer, other: Layer) -> bool:
    return (one.kind, one.shape, one.parameters, one.kernel) == (
        other.kind,
        other.shape,
        other.parameters,
        other.kernel,
    )
