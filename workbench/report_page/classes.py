"""The results by class: precision, recall and F1 of each, what is confused most, and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.report_page.html import escaped, paragraph, table
from workbench.units import count

COLUMNS = (("precision", "precision %"), ("recall", "recall %"), ("f1", "F1 %"), ("support", "samples"))
MOST_ROWS = 60
"""With more classes the table holds the worst ones."""
MOST_NUMBERS = 25
"""Up to this many classes the matrix holds numbers; above it is a picture."""
MOST_DRAWN = 200
"""Classes up to which the matrix is drawn."""
MOST_CONFUSED = 8
LEVELS = 6
PIXELS = 600


def class_parts(metrics: Mapping[str, Any], classes: Sequence[str]) -> Iterable[str]:
    """The pieces of the section on classes; none for a task without classes."""
    scores = metrics.get("f1")
    if not scores:
        return
    names = list(classes) if len(classes) == len(scores) else [str(number) for number in range(len(scores))]
    confusion = [[_times(value) for value in row] for row in metrics.get("confusion") or []]
    if confusion and len(confusion) == len(names):
        yield _most_confused(confusion, names)
        yield f'<div class="beside">{_matrix(confusion, names)}<div>{_by_class(metrics, names)}</div></div>'
    else:
        yield _by_class(metrics, names)


def _by_class(metrics: Mapping[str, Any], names: Sequence[str]) -> str:
    scores = metrics["f1"]
    columns = [(key, title) for key, title in COLUMNS if len(metrics.get(key) or ()) == len(names)]
    order = list(range(len(names)))
    caption = ""
    if len(names) > MOST_ROWS:
        support = metrics.get("support") or [1] * len(names)
        order = sorted(order, key=lambda place: (not support[place], _or_zero(scores[place])))[:MOST_ROWS]
        caption = f"the {MOST_ROWS} classes with the lowest F1, of {count(len(names))}"
    rows = [[names[place], *(_number(key, metrics[key][place]) for key, _ in columns)] for place in order]
    return table(["class", *(title for _, title in columns)], rows, caption=caption)


def _number(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    return count(value) if key == "support" else f"{100 * value:.1f}"


def _or_zero(value: float | None) -> float:
    return value or 0.0


def _times(value: float | None) -> int:
    """A cell of the matrix; 0 where a file holds no number."""
    return int(value) if value is not None and math.isfinite(value) else 0


def _most_confused(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    pairs = [
        (times, true, predicted)
        for true, row in enumerate(confusion)
        for predicted, times in enumerate(row)
        if times and true != predicted
    ]
    if not pairs:
        return paragraph("Nothing is confused.")
    # Among equally frequent ones, the first classes come first.
    worst = sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))[:MOST_CONFUSED]
    said = ", ".join(f"{names[true]} predicted as {names[predicted]} ({count(n)} ×)" for n, true, predicted in worst)
    return paragraph(f"Most confused: {said}.")


def _level(value: int, total: int) -> int:
    """How dark a cell is, from 0 for nothing to `LEVELS`: by its fraction of the true class."""
    return min(1 + int(LEVELS * value / total), LEVELS) if value and total else 0


def _matrix(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    if len(names) > MOST_DRAWN:
        return ""
    if len(names) > MOST_NUMBERS:
        return _picture(confusion)
    heads = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>'
        + "".join(
            f'<td class="{_kind(true == predicted)}{_level(value, sum(row))}">{count(value) if value else "·"}</td>'
            for predicted, value in enumerate(row)
        )
        + "</tr>"
        for true, (name, row) in enumerate(zip(names, confusion, strict=True))
    )
    return (
        '<div class="scroll"><table class="confusion"><caption>rows: the true class; columns: the predicted class'
        f"</caption><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _kind(is_right: bool) -> str:
    return "k" if is_right else "q"


def _picture(confusion: Sequence[Sequence[int]]) -> str:
    """The matrix as small squares, those of one shade in one path."""
    side = PIXELS / len(confusion)
    paths: dict[str, list[str]] = {}
    for true, row in enumerate(confusion):
        total = sum(row)
        for predicted, value in enumerate(row):
            if value:
                shade = f"{_kind(true == predicted)}{_level(value, total)}"
                paths.setdefault(shade, []).append(f"M{predicted * side:.1f},{true * side:.1f}h{side:.1f}v{side:.1f}")
    drawn = "".join(
        f'<path class="{shade}" d="{"".join(f"{square}h-{side:.1f}z" for square in squares)}"/>'
        for shade, squares in sorted(paths.items())
    )
    return (
        '<figure class="matrix"><figcaption>rows: the true class; columns: the predicted class, in the order of the '
        f'classes; darker: more</figcaption><svg class="picture" viewBox="0 0 {PIXELS} {PIXELS}" role="img" '
        f'aria-label="confusion matrix" xmlns="http://www.w3.org/2000/svg">{drawn}</svg></figure>'
    )


def style() -> str:
    """The shades of right (k) and wrong (q) cells, in a table and in a picture."""
    rules = []
    for level in range(1, LEVELS + 1):
        strength = round(100 * (0.08 + 0.46 * level / LEVELS))
        for kind, colour in (("k", "train"), ("q", "validation")):
            mixed = f"color-mix(in srgb,var(--{colour}) {strength}%,transparent)"
            rules.append(f"td.{kind}{level}{{background:{mixed}}}path.{kind}{level}{{fill:{mixed}}}")
    return "".join(rules) + ".confusion .q0,.confusion .k0{color:var(--dim)}.picture{border:1px solid var(--line)}"
