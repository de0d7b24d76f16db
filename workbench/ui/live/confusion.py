"""A confusion matrix as it is shown: in which order, what is confused most, and what a cell says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.units import count


@dataclass(frozen=True)
class Matrix:
    """What is shown."""

    counts: Sequence[Sequence[int]]
    """Rows are true classes, columns predictions."""
    names: Sequence[str]
    cursor: tuple[int, int] | None = None
    """Row and column."""
    has_margins: bool = False
    """Whether recall stands at the end of each row, and precision below each column."""


def mistakes(matrix: Matrix) -> list[tuple[int, int, int]]:
    """The cells off the diagonal that are not empty: (samples, row, column), the largest first."""
    found = [
        (value, row, column)
        for row, counts in enumerate(matrix.counts)
        for column, value in enumerate(counts)
        if value and row != column
    ]
    # Among equally frequent ones, the first classes come first.
    return sorted(found, key=lambda cell: (-cell[0], cell[1:]))


def cell_words(matrix: Matrix) -> str:
    """What the cell under the cursor says, in a sentence."""
    assert matrix.cursor is not None
    row, column = matrix.cursor
    value, total = matrix.counts[row][column], sum(matrix.counts[row])
    of = f"{count(value)} of the {count(total)} samples of {matrix.names[row]}"
    fraction = f" ({100 * value / total:.1f} %)" if total else ""
    if row == column:
        predicted = sum(line[column] for line in matrix.counts)
        precision = f"; of {count(predicted)} predicted as it, {100 * value / predicted:.1f} % are" if predicted else ""
        return f"{of} are recognised{fraction}{precision}"
    return f"{of} are predicted as {matrix.names[column]}{fraction}"


def neighbours_by_confusion(matrix: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of the classes in an order in which the pairs that are confused most stand side by side.

    matrix: rows are true classes, columns predictions. Pairs are joined to chains, the most confused first (by the
    fractions of their rows); classes that are never confused keep their place among the chains.
    """
    chains = {number: [number] for number in range(len(matrix))}
    for one, other in _pairs(matrix):
        left, right = chains[one], chains[other]
        if left is right or one not in (left[0], left[-1]) or other not in (right[0], right[-1]):
            continue  # joined already, or in the middle of a chain, where there is no room
        left = left if left[-1] == one else left[::-1]
        right = right if right[0] == other else right[::-1]
        joined = left + right
        for number in joined:
            chains[number] = joined
    kept = {id(chain): chain if chain[0] <= chain[-1] else chain[::-1] for chain in chains.values()}
    return [number for chain in sorted(kept.values(), key=min) for number in chain]


def _pairs(matrix: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The pairs of classes that are confused at all, the most confused first."""
    totals = [sum(row) or 1 for row in matrix]
    confused = {
        (one, other): matrix[one][other] / totals[one] + matrix[other][one] / totals[other]
        for one in range(len(matrix))
        for other in range(one + 1, len(matrix))
    }
    return sorted((pair for pair, how in confused.items() if how), key=lambda pair: (-confused[pair], pair))
