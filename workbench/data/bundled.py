"""Real data sets that come with scikit-learn: nothing is downloaded, and each is read in a fraction of a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from workbench.data.samples import InMemory, Samples, Task

DIGITS_DARKEST = 16
"""scikit-learn's digits have pixel values from 0 to 16."""


def digits() -> Samples:
    """1,797 handwritten digits: uint8 images (1797, 1, 8, 8), pixel values scaled to 0 to 255; 10 classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = np.round(data.images * 255 / DIGITS_DARKEST).astype(np.uint8)
    targets = torch.from_numpy(data.target.astype(np.int64))
    task = Task("classification", 10, classes=tuple(str(digit) for digit in data.target_names))
    return Samples(InMemory(torch.from_numpy(pixels).unsqueeze(1), targets), task, kind="image")


def iris() -> Samples:
    """150 iris flowers: float32 table (150, 4), lengths in cm; 3 species."""
    from sklearn.datasets import load_iris

    return _classes(load_iris())


def wine() -> Samples:
    """178 wines: float32 table (178, 13), chemical measures; 3 growers."""
    from sklearn.datasets import load_wine

    return _classes(load_wine())


def breast_cancer() -> Samples:
    """569 tumours: float32 table (569, 30), measures of cell nuclei; malignant or benign."""
    from sklearn.datasets import load_breast_cancer

    return _classes(load_breast_cancer())


def diabetes() -> Samples:
    """442 patients: float32 table (442, 10); regression, targets (442, 1): progression after a year."""
    from sklearn.datasets import load_diabetes

    # Unscaled: scikit-learn's own scaling has seen all rows, also those that become the test split.
    data = load_diabetes(scaled=False)
    targets = torch.from_numpy(data.target.astype(np.float32)).unsqueeze(1)
    task = Task("regression", 1, targets=("progression",))
    return Samples(InMemory(torch.from_numpy(data.data.astype(np.float32)), targets), task, kind="table")


def _classes(data: Any) -> Samples:
    """A table with classes, from what scikit-learn's loaders return."""
    inputs = torch.from_numpy(data.data.astype(np.float32))
    targets = torch.from_numpy(data.target.astype(np.int64))
    names = tuple(str(name) for name in data.target_names)
    return Samples(InMemory(inputs, targets), Task("classification", len(names), classes=names), kind="table")
