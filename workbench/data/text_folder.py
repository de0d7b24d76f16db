"""Reads texts from folders, one folder per class."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from workbench.data.class_folders import find_files
from workbench.data.file_kinds import TEXTS
from workbench.data.fit_tokens import Tokens, fit_texts
from workbench.data.progress import Meter, Report
from workbench.data.readers.texts import TextReader
from workbench.data.samples import Samples, Task, Texts
from workbench.data.text_content import TextContent, encoding_notes, read_text

THREADS = 8


def text_folder(folder: Path, encoding: str, tokens: Tokens, max_length: int, report: Report) -> Samples:
    """Reads FOLDER/<class>/*.txt or FOLDER/{train,validation,test}/<class>/*.txt, a file a text.

    encoding: see `text_content.read_text`; tokens and max_length: see `fit_tokens`; report: receives the progress.
    Raises DataError if the folders are not classes, or a file cannot be read as text.
    """
    layout = find_files(folder, TEXTS)
    files = [path for split in layout.splits.values() for path in split.paths]
    meter = Meter(report, "reading texts", len(files), "texts")
    contents: list[TextContent] = []
    with ThreadPoolExecutor(THREADS) as pool:
        # In order, so that the error always names the first of several broken files.
        for content in pool.map(lambda file: read_text(file, encoding, "data.folder"), files):
            contents.append(content)
            meter.add(1)
    meter.finish()
    texts = iter(contents)
    splits = {
        name: Texts(
            [content.text for content in islice(texts, len(split.paths))],
            torch.tensor(split.targets, dtype=torch.int64),
        )
        for name, split in layout.splits.items()
    }
    return Samples(
        splits["train"],
        Task("classification", len(layout.classes), classes=layout.classes),
        validation=splits.get("validation"),
        test=splits.get("test"),
        origins=layout.origins,
        notes=(*layout.notes, *encoding_notes(list(zip(files, contents, strict=True)))),
        fit_encoding=partial(fit_texts, tokens=tokens, max_length=max_length),
        reader=TextReader(encoding=encoding),
    )
