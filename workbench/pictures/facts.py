"""What a data set holds, in lines: what there is to predict, how many samples, their shapes, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workbench.pictures.look import Look
from workbench.pictures.wrapping import wrapped
from workbench.printable import without_controls
from workbench.processes.data import DataSummary, Lengths, Numbers, TensorShape
from workbench.units import count, decimals

LABEL_CELLS = 12
"""For the words before a fact."""
MOST_NAME_CELLS = 28
MOST_BAR_CELLS = 30
_ENCODINGS = {
    "standardize": "standardised",
    "imputed": "missing values filled in, standardised",
    "identity": "unchanged",
    "log_mel": "a log-mel spectrogram",
    "mfcc": "cepstral coefficients (MFCC)",
    "waveform": "the waveform, standardised",
    "bpe": "byte pair encoding",
}
"""By the names of encodings; others are shown as they are."""


def fact_lines(summary: DataSummary, width: int, look: Look) -> list[Text]:
    """All that is known of the data besides its samples."""
    lines = [Text(summary.data, look.style_of("strong"))]
    lines += _fact("predicts", summary.learns, width, look)
    lines += _fact("samples", _sizes(summary, look), width, look)
    lines += _fact("each is", _shapes(summary.raw, look), width, look)
    encoding = _ENCODINGS.get(summary.encoding, summary.encoding)
    vocabulary = "" if summary.vocabulary is None else f", {count(summary.vocabulary)} tokens"
    lines += _fact("model gets", f"{_shapes(summary.model_input, look)}, {encoding}{vocabulary}", width, look)
    if summary.lengths is not None:
        lines += _fact("lengths", length_words(summary.lengths), width, look)
    if summary.classes:
        lines += [Text(), *_class_lines(summary, width, look)]
    if summary.numbers:
        lines += [Text(), *_number_lines(summary, width, look)]
    if summary.notes:
        lines += [Text(), *_note_lines(summary.notes, width, look)]
    return [look.cut(line, width) for line in lines]


def _fact(label: str, words: str, width: int, look: Look) -> list[Text]:
    parts = wrapped(words, width - LABEL_CELLS)
    labels = [label, *[""] * (len(parts) - 1)]
    return [
        Text.assemble((f"{label:<{LABEL_CELLS}}", look.style_of("dim")), (part, look.style_of("text")))
        for label, part in zip(labels, parts, strict=True)
    ]


def size_words(summary: DataSummary) -> str:
    """The samples of each split: 109 train, 19 validation, 22 test."""
    return ", ".join(f"{count(split.samples)} {split.name}" for split in summary.splits)


def _sizes(summary: DataSummary, look: Look) -> str:
    total = count(sum(split.samples for split in summary.splits))
    return f"{total} {look.between} {size_words(summary)}" if len(summary.splits) > 1 else size_words(summary)


def _shapes(shapes: Sequence[TensorShape], look: Look) -> str:
    return ", ".join(f"{each.name} {_shape(each, look)}".strip() for each in shapes)


def _shape(shape: TensorShape, look: Look) -> str:
    return f"{f' {look.times} '.join(map(count, shape.shape))} {shape.type}".strip()


def length_words(lengths: Lengths) -> str:
    """How long samples are, and how many of them are cut."""
    least, median, percentile_95, most = (
        f"{value:,.0f}" if lengths.unit == "tokens" else f"{value:.3g}"
        for value in (lengths.least, lengths.median, lengths.percentile_95, lengths.most)
    )
    if lengths.least == lengths.most:
        return f"{most} {lengths.unit} each"
    of_what = " without the silence at their end" if lengths.unit == "seconds" else ""
    words = f"{least} to {most} {lengths.unit}{of_what}, median {median}, 95 % have at most {percentile_95}"
    if lengths.cut and lengths.limit is not None:
        words += f"; {count(lengths.cut)} of {count(lengths.measured)} cut at {lengths.limit:,g}"
    if lengths.held_out_cut and lengths.limit is not None:
        cut, of_them = count(lengths.held_out_cut), count(lengths.held_out)
        words += f"; held out: {cut} of {of_them} cut at {lengths.limit:,g}, the longest has {lengths.held_out_most:,g}"
    return words


def _class_lines(summary: DataSummary, width: int, look: Look) -> Iterator[Text]:
    """A row a class: how many samples each split has of it, and a bar for the training split."""
    dim = look.style_of("dim")
    splits = [split.name for split in summary.splits if any(split.name in each.counts for each in summary.classes)]
    names = [look.cut(Text(without_controls(each.name)), MOST_NAME_CELLS).plain for each in summary.classes]
    name_cells = max(cell_len(name) for name in [*names, "class"])
    widths = [
        max(len(split), *(len(count(each.counts.get(split, 0))) for each in summary.classes)) + 2 for split in splits
    ]
    titles = "".join(f"{split:>{cells}}" for split, cells in zip(splits, widths, strict=True))
    yield Text(f"{set_cell_size('class', name_cells)}{titles}", dim)
    room = min(width - name_cells - sum(widths) - 2, MOST_BAR_CELLS)
    most = max((each.counts.get("train", 0) for each in summary.classes), default=0)
    for name, each in zip(names, summary.classes, strict=True):
        counts = "".join(
            f"{count(each.counts.get(split, 0)):>{cells}}" for split, cells in zip(splits, widths, strict=True)
        )
        line = Text.assemble((set_cell_size(name, name_cells), look.style_of("text")), (counts, look.style_of("text")))
        if most and room > 0:
            some = each.counts.get("train", 0)
            cells = max(round(some / most * room), 1 if some else 0)
            line.append(f"  {look.bar * cells}", look.style_of("train"))
        yield line
    if summary.more_classes:
        yield Text(f"and {count(summary.more_classes)} more classes, which have fewer samples", dim)
    if not splits:
        yield Text("not counted: only reading all samples would tell", dim)


def _number_lines(summary: DataSummary, width: int, look: Look) -> Iterator[Text]:
    """Two lines a target: its range and mean, and its quantiles."""
    dim, text = look.style_of("dim"), look.style_of("text")
    names = [look.cut(Text(without_controls(each.name) or "target"), MOST_NAME_CELLS).plain for each in summary.numbers]
    cells = max(map(cell_len, names)) + 2
    for name, each in zip(names, summary.numbers, strict=True):
        yield Text.assemble((set_cell_size(name, cells), look.style_of("strong")), (_range(each), text))
        for part in wrapped("   ".join(_quantile(*item) for item in each.quantiles.items()), width - cells):
            yield Text.assemble(" " * cells, (part, dim))
    if summary.more_numbers:
        yield Text(f"and {count(summary.more_numbers)} more targets", dim)


def _range(numbers: Numbers) -> str:
    lowest, highest, mean, deviation = map(number, (numbers.lowest, numbers.highest, numbers.mean, numbers.deviation))
    return f"{lowest} to {highest}, mean {mean}, deviation {deviation}"


def _quantile(percent: str, value: float) -> str:
    return f"{'median' if percent == '50' else f'{percent} %'} {number(value)}"


def number(value: float) -> str:
    """A number of the data: whole ones with all their digits, others with four or five."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return decimals(value) if abs(value) < 10 else f"{value:,.5g}"


def _note_lines(notes: Sequence[str], width: int, look: Look) -> Iterator[Text]:
    for note in notes:
        first, *others = wrapped(note, width - 2)
        yield Text.assemble((f"{look.between} ", look.style_of("warning")), (first, look.style_of("text")))
        for part in others:
            yield Text(f"  {part}", look.style_of("text"))
