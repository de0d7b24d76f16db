"""Pieces of HTML. Whatever comes from files passes through `escaped`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from workbench.printable import escaped as without_controls


def escaped(text: object) -> str:
    """A text that HTML and SVG show as it stands: nothing in it is markup, steers or changes the direction of text."""
    return html.escape(without_controls(str(text)), quote=True)


def section(title: str, *parts: str, id: str = "") -> str:
    """A section with its heading; empty without parts."""
    content = "".join(part for part in parts if part)
    anchor = f' id="{id}"' if id else ""
    return f"<section{anchor}><h2>{escaped(title)}</h2>{content}</section>" if content else ""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; empty without a text. kind: its class."""
    return f"<p{_class(kind)}>{escaped(text)}</p>" if text else ""


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    kind: str = "",
    caption: str = "",
    numbers: bool = True,
) -> str:
    """A table of texts, whose first column names each row; empty without rows.

    numbers: whether the other columns hold numbers, which stand at the right.
    """
    side = ' class="n"' if numbers else ""
    body = "".join(
        f'<tr><th scope="row">{escaped(first)}</th>'
        + "".join(f"<td{side}>{escaped(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    if not body:
        return ""
    heads = "".join(f'<th scope="col"{side if place else ""}>{escaped(name)}</th>' for place, name in enumerate(head))
    titles = f"<thead><tr>{heads}</tr></thead>" if any(head) else ""
    said = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table{_class(kind)}>{said}{titles}<tbody>{body}</tbody></table></div>'


def details(summary: str, content: str, *, is_open: bool = False) -> str:
    """Something that a click shows; empty without content."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{escaped(summary)}</summary>{content}</details>" if content else ""


def code(text: str) -> str:
    """A block of text that is shown letter by letter."""
    return f"<pre><code>{escaped(text)}</code></pre>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
