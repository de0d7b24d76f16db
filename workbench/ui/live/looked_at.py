"""What the Judge screen shows of a judgement: its cursors, the order of the classes, which samples."""

from __future__ import annotations

from dataclasses import replace

from workbench.processes.judging import Choice, ClassCurves, Judgement
from workbench.ui.live.class_labels import short_names
from workbench.ui.live.confusion import Matrix, cell_words, mistakes, neighbours_by_confusion


class LookedAt:
    """A judgement, and the cursors of the pages that show it."""

    def __init__(self, judgement: Judgement | None = None, *, is_sorted: bool = True) -> None:
        """is_sorted: whether classes that are confused stand side by side; else they have the order of the data."""
        self.judgement = judgement
        self.is_sorted = is_sorted
        metrics = {} if judgement is None else judgement.evaluation.metrics
        self._counts: list[list[int]] = metrics.get("confusion") or []
        self._names = [] if judgement is None else short_names(judgement.evaluation.classes)
        self._order = self._ordered()
        self._cell = (0, 0)
        """Row and column of the cursor in the matrix, as it is shown."""
        self._curve = self.target = 0
        if found := self._counts and mistakes(self.matrix):
            self._cell = found[0][1:]  # where most mistakes are

    # The matrix.

    @property
    def has_matrix(self) -> bool:
        """Whether there is a confusion matrix: not for numbers, nor with very many classes."""
        return bool(self._counts)

    def _ordered(self) -> list[int]:
        """The numbers of the classes, as the matrix shows them."""
        return neighbours_by_confusion(self._counts) if self.is_sorted else list(range(len(self._counts)))

    @property
    def matrix(self) -> Matrix:
        """The confusion matrix as it is shown."""
        order, counts = self._order, self._counts
        rows = [[counts[row][column] for column in order] for row in order]
        return Matrix(rows, [self.name_of(number) for number in order], self._cell, has_margins=True)

    def name_of(self, number: int) -> str:
        """The short name of a class."""
        return self._names[number] if number < len(self._names) else str(number)

    @property
    def cell(self) -> Choice:
        """The samples of the cell under the cursor."""
        row, column = self._cell
        return Choice("cell", self._order[row], self._order[column])

    def go_to(self, cell: tuple[int, int]) -> None:
        """Moves the cursor to a cell, or to the nearest one."""
        last = len(self._counts) - 1
        self._cell = within(cell[0], last), within(cell[1], last)

    def move_in_matrix(self, right: int, down: int) -> None:
        """Moves the cursor."""
        row, column = self._cell
        self.go_to((row + down, column + right))

    def is_at(self, cell: tuple[int, int]) -> bool:
        """Whether the cursor is on a cell."""
        return self._cell == cell

    def sort(self) -> None:
        """Changes the order of the classes; the cursor stays on its cell."""
        cell = self.cell
        self.is_sorted = not self.is_sorted
        self._order = self._ordered()
        self._cell = self._place_of(cell)

    def _place_of(self, cell: Choice) -> tuple[int, int]:
        return self._order.index(cell.true), self._order.index(cell.predicted)

    # The curves.

    @property
    def place(self) -> int:
        """Of the chosen class among those that have curves."""
        return self._curve

    @property
    def curves(self) -> ClassCurves | None:
        """Those of the chosen class."""
        found = [] if self.judgement is None else self.judgement.curves
        return found[self._curve] if found else None

    def next_class(self, step: int) -> None:
        """Chooses another class."""
        if self.judgement is not None:
            self._curve = within(self._curve + step, len(self.judgement.curves) - 1)

    def next_target(self, step: int) -> None:
        """Chooses another target of a regression."""
        if self.judgement is not None:
            self.target = within(self.target + step, len(self.judgement.fits) - 1)

    # The samples.

    @property
    def kinds(self) -> list[Choice]:
        """The choices of samples that there are for every model of this kind."""
        is_classification = self.judgement is not None and self.judgement.evaluation.task == "classification"
        return [Choice("worst"), Choice("surprising")] if is_classification else [Choice("worst")]

    def title_of(self, choice: Choice) -> str:
        """Which samples these are, in a few words."""
        if choice.which != "cell":
            return {"worst": "highest loss", "surprising": "most confident mistakes"}[choice.which]
        true, predicted = self.name_of(choice.true), self.name_of(choice.predicted)
        return f"{true}, recognised" if true == predicted else f"{true} as {predicted}"

    # In words.

    def about_cell(self) -> str:
        """What the cell under the cursor says."""
        return cell_words(self.matrix)

    def about_curves(self) -> str:
        """What the area under the ROC curve of the chosen class means."""
        each = self.curves
        if each is None:
            return ""
        pair = f"of a sample of {self.name_of(each.number)} and one of another class"
        return f"AUC {each.area:.3f}: {pair}, the first gets the higher probability in {100 * each.area:.1f} % of cases"

    def about_samples(self, choice: Choice) -> str:
        """Which samples these are, in a sentence."""
        if choice.which == "cell":
            return cell_words(replace(self.matrix, cursor=self._place_of(choice)))
        if choice.which == "surprising":
            return "wrong predictions, those that the model was surest of first"
        return "the samples with the highest loss, the worst first"


def within(place: int, last: int) -> int:
    """The place, or the nearest one from 0 to `last`."""
    return min(max(place, 0), max(last, 0))
