from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from workbench.data import docstrings as module
from workbench.data.docstrings import MOST, NAMES, PACKAGES, docstrings, paragraphs
from workbench.data.fit_tokens import Tokens
from workbench.data.samples import Samples, Texts
from workbench.errors import DataError

TOKENS = Tokens("words", 1000, 1, True)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return docstrings(TOKENS, 0, lambda progress: None)


def test_each_package_has_paragraphs_of_its_own_without_its_name(samples: Samples) -> None:
    assert isinstance(samples.train, Texts)
    texts = list(samples.train.texts)
    assert samples.task.classes == tuple(PACKAGES)
    counts = torch.bincount(samples.train.targets, minlength=8)
    assert len(counts) == 8
    assert int(counts.min()) > 300
    assert int(counts.max()) <= MOST
    assert len(set(texts)) == len(texts) > 5000
    assert not any(NAMES.search(text) for text in texts)
    assert all(text == " ".join(text.split()) for text in texts)


@pytest.mark.slow
def test_a_second_reading_gives_the_same(samples: Samples) -> None:
    again = docstrings(TOKENS, 0, lambda progress: None).train
    assert isinstance(samples.train, Texts)
    assert isinstance(again, Texts)
    assert list(again.texts) == list(samples.train.texts)
    assert torch.equal(again.targets, samples.train.targets)


def test_first_paragraphs_are_read_in_order_without_tests_and_broken_files(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.py").write_text('"""A docstring of a test, left out."""')
    (tmp_path / "test_b.py").write_text('"""Another docstring of a test, left out."""')
    (tmp_path / "broken.py").write_text('"""Not Python', encoding="utf-8")
    (tmp_path / "a.py").write_text(
        '"""The numpy module of\n   NumPy arrays.\n\n   Second paragraph."""\n'
        'def f():\n    """Too short."""\n'
        'class C:\n    """A class that sklearn has."""\n'
        'def g():\n    """A class that sklearn has."""\n'
    )
    assert paragraphs(tmp_path) == ["The PACKAGE module of PACKAGE arrays.", "A class that PACKAGE has."]


def test_no_more_than_the_most_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for name in "abc":
        functions = (f'def {name}{n}():\n    """Does the thing number {n} of file {name}."""\n' for n in range(2))
        (tmp_path / f"{name}.py").write_text("\n".join(functions))
    assert paragraphs(tmp_path) == [f"Does the thing number {n} of file {name}." for name, n in ("a0", "a1", "b0")]


def test_a_package_without_source_and_one_that_is_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "paragraphs", lambda folder: ["one"] * 7)
    with pytest.raises(DataError, match="only 7 docstrings of NumPy were found: it seems to be installed without"):
        docstrings(TOKENS, 0, lambda progress: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="NumPy is not installed, whose docstrings are a class"):
        docstrings(TOKENS, 0, lambda progress: None)
