"""The model of the settings: its layers, and the memory and time that training it is expected to take."""

from __future__ import annotations

from rich.text import Text

from workbench.processes.preview import Layer, Model
from workbench.ui.live.planner import Expectation
from workbench.ui.live.preview import Picture
from workbench.ui.panels.bars import flow
from workbench.ui.panels.layer_rows import LayerRow, layer_rows, rows_of_all
from workbench.ui.panels.panel import Panel
from workbench.units import count, counted, duration, milliseconds, rate, size

KIND_STYLES = {
    "parameters": "train",
    "gradients": "phase-backward",
    "optimizer": "phase-optimizer",
    "activations": "phase-metrics",
    "data": "phase-data",
    "rest": "phase-rest",
}
"""Of the kinds of memory, in the order of the bar."""
LEAST_LAYERS = 5
"""Rows that the table keeps, however low the panel is."""
BAR_CELLS = (6, 24)
"""The least and the most cells of the bar that shows the fraction of the parameters."""
GAP = 2
NAMES_FROM = 60
"""From this width on layers have their names too."""


class ModelPanel(Panel):
    """A table of layers, above what a step and a run take."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._expectation: Expectation | None = None
        self._name = ""
        self._epochs = 0

    def show(self, picture: Picture, expectation: Expectation | None, name: str, epochs: int) -> None:
        """Shows a network. expectation: what it takes; name: the choice of model; epochs: of the whole run."""
        before, now = (self._picture, self._expectation, self._name, self._epochs), (picture, expectation, name, epochs)
        self._picture, self._expectation, self._name, self._epochs = now
        if before != now:
            self.redraw()

    @property
    def _model(self) -> Model | None:
        return None if self._picture is None else self._picture.model

    def heading(self) -> Text:
        strong, dim = self.style_of("strong"), self.style_of("dim")
        title, model = Text.assemble(("model", strong), (f"  {self._name}", self.style_of("accent"))), self._model
        if model is None:
            return title
        if self._is_old:  # the layers below are those of the settings before
            return self.first_fitting([Text.assemble(title, ("  updating", dim)), title])
        written = [f"  {count(model.parameters)} parameters", f"  {rate(model.parameters)} parameters", ""]
        return self.first_fitting(Text.assemble(title, (words, self.style_of("text"))) for words in written)

    @property
    def _is_old(self) -> bool:
        return self._picture is not None and self._picture.is_old

    def content(self, width: int, height: int) -> list[Text]:
        model = self._model
        if model is None:
            return [*self.placeholder(self._reason, width), *self._takes(width)]
        table_rows = rows_of_all(model.layers) + 1
        takes = [self._takes(width), self._takes(width, brief=True)] if not self._is_old else []
        fitting = [lines for lines in takes if height - len(lines) >= min(table_rows, LEAST_LAYERS)]
        # Memory and time are shortened where that makes room for all layers.
        below = next((lines for lines in fitting if height - len(lines) >= table_rows), (fitting or [[]])[-1])
        return [*self._table(model, width, height - len(below)), *below]

    @property
    def _reason(self) -> str:
        """Why no layers are shown."""
        picture = self._picture
        reason = picture.reason or picture.doing if picture is not None and picture.data is not None else ""
        return reason or "the layers of the network appear here once the data has been read"

    # The layers.

    def _table(self, model: Model, width: int, height: int) -> list[Text]:
        rows = layer_rows(model.layers, height - 1)
        shown = rows if len(rows) < height else rows[: max(height - 2, 1)]
        kinds = [self._kind(row) for row in rows]
        shapes = [self._shape(row.layer) for row in rows]
        parameters = [count(row.parameters) if row.parameters else "" for row in rows]
        names = [row.layer.name for row in rows] if width >= NAMES_FROM else [""] * len(rows)
        columns = [
            _widest(each, title) for each, title in ((kinds, "layer"), (shapes, "output"), (parameters, "parameters"))
        ]
        name_cells = max(map(len, names), default=0)
        fixed = sum(columns) + 2 * GAP + (name_cells + GAP if name_cells else 0)
        if fixed > width:  # names of classes are long, figures matter
            columns[0] = max(columns[0] - (fixed - width), 8)
        bar = min(width - fixed - GAP, BAR_CELLS[1])
        bar = bar if bar >= BAR_CELLS[0] else 0
        dim = self.style_of("dim")
        gap = " " * GAP
        title_name = f"{'name':<{name_cells}}{gap}" if name_cells else ""
        heads = f"{title_name}{'layer':<{columns[0]}}{gap}{'output':<{columns[1]}}{gap}{'parameters':>{columns[2]}}"
        lines = [Text(heads, dim)]
        text = dim if self._is_old else self.style_of("text")
        for place, row in enumerate(shown):
            line = Text.assemble((f"{names[place]:<{name_cells}}{gap}" if name_cells else "", dim))
            line.append(f"{self.glyphs.cut(kinds[place], columns[0]):<{columns[0]}}", text if row.parameters else dim)
            line.append(f"{gap}{shapes[place]:<{columns[1]}}{gap}", dim)
            line.append(f"{parameters[place]:>{columns[2]}}", text)
            if bar and row.parameters and model.parameters:
                cells = row.parameters / model.parameters * bar
                line.append(
                    f"{gap}{self.glyphs.bar * max(round(cells), 1)}", dim if self._is_old else self.style_of("train")
                )
            lines.append(line)
        if len(shown) < len(rows):
            lines.append(Text(f"{self.glyphs.ellipsis} {counted(len(rows) - len(shown), 'more row')}", dim))
        return lines

    def _kind(self, row: LayerRow) -> str:
        times = self.glyphs.times
        kernel = f" {times.join(map(str, row.layer.kernel))}" if row.layer.kernel else ""
        repeated = f"  {times} {row.times}" if row.times > 1 else ""
        return f"{row.layer.kind}{kernel}{repeated}"

    def _shape(self, layer: Layer) -> str:
        return f" {self.glyphs.times} ".join(map(count, layer.shape))

    # What the settings take.

    def _takes(self, width: int, *, brief: bool = False) -> list[Text]:
        """Memory and time, each below a blank line. brief: without what the kinds of memory are."""
        expectation = self._expectation
        if expectation is None:
            return []
        parts = self._memory(expectation, width, brief=brief), self._time(expectation, width)
        return [line for part in parts if part for line in (Text(), *part)]

    def _memory(self, expectation: Expectation, width: int, *, brief: bool) -> list[Text]:
        """The peak, a bar of the kinds, and what each of them takes."""
        kinds = {kind: expectation.kinds.get(kind, 0) for kind in KIND_STYLES if expectation.kinds.get(kind)}
        if not kinds:
            return []
        peak, dim, text = expectation.peak_bytes, self.style_of("dim"), self.style_of("text")
        bar = Text()
        for kind, cells in _shared_out(kinds, width).items():
            bar.append(self.glyphs.bar * cells, self.style_of(KIND_STYLES[kind]))
        at_peak = "" if peak is None else f"{size(peak)} at the peak"
        title = Text.assemble(("memory", dim), (f"{at_peak:>{max(width - len('memory'), 0)}}", text))
        return [title, bar, *([] if brief else self._legend(kinds, width))]

    def _legend(self, kinds: dict[str, int], width: int) -> list[Text]:
        """The kinds and their sizes, in as many columns as have room."""
        cells = max(len(kind) + len(size(bytes)) for kind, bytes in kinds.items()) + len("━  ")
        abreast = max((width + GAP) // (cells + GAP), 1)
        cells = (width + GAP) // abreast - GAP
        legend = [
            Text.assemble(
                (f"{self.glyphs.sample} ", self.style_of(KIND_STYLES[kind])),
                (kind, self.style_of("dim")),
                (f"{size(bytes):>{max(cells - len(kind) - 2, 0)}}", self.style_of("text")),
            )
            for kind, bytes in kinds.items()
        ]
        rows = [legend[start : start + abreast] for start in range(0, len(legend), abreast)]
        return [Text(" " * GAP).join(row) for row in rows]

    def _time(self, expectation: Expectation, width: int) -> list[Text]:
        step_ms, steps = expectation.step_ms, expectation.steps_per_epoch
        if steps is None:
            return []
        facts = [] if step_ms is None else [("step", f"about {roughly(step_ms)}")]
        facts.append(("epoch", counted(steps, "step")))
        if step_ms is not None and self._epochs:
            facts.append((counted(self._epochs, "epoch"), f"about {roughly(step_ms * steps * self._epochs)}"))
        texts = [
            Text.assemble((f"{name} ", self.style_of("dim")), (words, self.style_of("text"))) for name, words in facts
        ]
        return flow(texts, width, gap=3)


def roughly(ms: float) -> str:
    """A time with two digits: 0.042 ms, 9.8 ms, 5 s; from a minute on as 2:58 min."""
    return milliseconds(float(f"{ms:.2g}")) if ms < 60_000 else duration(ms / 1000)


def _widest(cells: list[str], title: str) -> int:
    return max(map(len, [*cells, title]))


def _shared_out(kinds: dict[str, int], cells: int) -> dict[str, int]:
    """The cells of a bar for each kind, in proportion; together they are all of them."""
    total, done, shares = sum(kinds.values()), 0, {}
    for kind, bytes in kinds.items():
        before = round(done / total * cells)
        done += bytes
        shares[kind] = round(done / total * cells) - before
    return shares
