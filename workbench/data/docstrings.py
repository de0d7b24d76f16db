"""Docstrings of installed packages: which of them wrote this paragraph?

Data that is on every machine where workbench runs: the packages are those that it needs anyway. Their source is parsed,
not imported. The first paragraph of each docstring is a sample, with the packages' names masked. How many there are
depends on the versions of the packages.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from workbench.data.fit_tokens import Tokens, fit_texts
from workbench.data.progress import Meter, Report
from workbench.data.readers.texts import TextReader
from workbench.data.samples import Samples, Task, Texts
from workbench.errors import DataError

PACKAGES = {
    "NumPy": "numpy", "Pillow": "PIL", "Pydantic": "pydantic", "Rich": "rich", "SciPy": "scipy",
    "scikit-learn": "sklearn", "Textual": "textual", "torchvision": "torchvision",
}  # fmt: skip
"""The classes: name of the package, and of its module."""

NAMES = re.compile(
    r"\b(numpy|np|pil|pillow|pydantic|rich|scipy|sklearn|scikit-learn|scikits?|textual|torchvision|torch|pytorch)\b",
    re.IGNORECASE,
)
"""Words that would give the answer away."""

MASK = "PACKAGE"

MOST, LEAST = 1_000, 50
"""Paragraphs of a package: no more are read, so that reading is quick and large packages do not outweigh small ones;
with fewer, its source is not there."""

SHORTEST = 20
"""Characters of a paragraph: shorter ones say nothing."""

SKIPPED = ("tests", "test", "testing", "externals", "_vendor", "_lib", "distutils", "f2py", "v1", "_typing")
"""Folders of tests, and of what other projects or programs wrote."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


def docstrings(tokens: Tokens, max_length: int, report: Report) -> Samples:
    """First paragraphs of docstrings and the package of each, in the order of packages, files and lines.

    A paragraph that several packages have is left out. tokens and max_length: see `fit_tokens`; report: receives the
    progress. Raises DataError where the source of a package is not installed.
    """
    meter = Meter(report, "reading docstrings", len(PACKAGES), "packages")
    owners: dict[str, set[int]] = {}
    for number, (name, module) in enumerate(PACKAGES.items()):
        found = paragraphs(_folder(name, module))
        if len(found) < LEAST:
            raise DataError(
                f"only {len(found)} docstrings of {name} were found: it seems to be installed without its source"
            )
        for paragraph in found:
            owners.setdefault(paragraph, set()).add(number)
        meter.add(1)
    meter.finish()
    own = {paragraph: min(numbers) for paragraph, numbers in owners.items() if len(numbers) == 1}
    classes = tuple(PACKAGES)
    return Samples(
        Texts(list(own), torch.tensor(list(own.values()), dtype=torch.int64)),
        Task("classification", len(classes), classes=classes, targets=("package",)),
        fit_encoding=partial(fit_texts, tokens=tokens, max_length=max_length),
        reader=TextReader(),
    )


def paragraphs(folder: Path) -> list[str]:
    """The different first paragraphs of the docstrings below a folder, at most MOST, names masked."""
    found: dict[str, None] = {}
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).parts
        if any(part in SKIPPED or part.startswith("test_") for part in parts):
            continue
        for docstring in _docstrings(file):
            paragraph = NAMES.sub(MASK, " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split()))
            if len(paragraph) >= SHORTEST:
                found[paragraph] = None
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


def _docstrings(file: Path) -> Iterator[str]:
    """All docstrings of a file; none where it is not Python that this Python can parse."""
    try:
        content = file.read_bytes()
        parsed = ast.parse(content)
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(parsed):
        if isinstance(node, DEFINITIONS) and (docstring := ast.get_docstring(node, clean=False)):
            yield docstring


def _folder(name: str, module: str) -> Path:
    """The folder of a package. It is not imported. Raises DataError if it is not installed."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"{name} is not installed, whose docstrings are a class of data.name = 'docstrings'")
    return Path(spec.submodule_search_locations[0])
