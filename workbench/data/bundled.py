"""Data sets that come with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from workbench.data.readers.images import ImageReader
from workbench.data.readers.table import TableReader
from workbench.data.samples import InMemory, Samples, Task


def digits() -> Samples:
    """1,797 handwritten digits: uint8 images (n, 1, 8, 8), 10 classes (Alpaydin and Kaynak, 1998)."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    # Pixel values are 0 to 16 in this data set; images are 0 to 255 everywhere else here.
    pixels = np.round(loaded.images * (255 / 16)).astype(np.uint8)
    samples = InMemory(torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(loaded.target.astype(np.int64)))
    return Samples(samples, _classes(loaded.target_names), reader=ImageReader((1, 8, 8)))


def iris() -> Samples:
    """150 iris flowers: float32 (n, 4), 3 species (Fisher, 1936)."""
    from sklearn.datasets import load_iris

    return _table(load_iris())


def wine() -> Samples:
    """178 wines: float32 (n, 13), 3 growers (Forina and others, 1988)."""
    from sklearn.datasets import load_wine

    return _table(load_wine())


def breast_cancer() -> Samples:
    """569 tumours: float32 (n, 30), malignant or benign (Wolberg and others, 1993)."""
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer())


def diabetes() -> Samples:
    """442 patients: float32 (n, 10), progression after a year as float32 (n, 1) (Efron and others, 2004)."""
    from sklearn.datasets import load_diabetes

    # Unscaled: we standardise with the mean and standard deviation of the training split alone.
    loaded = load_diabetes(scaled=False)
    samples = InMemory(_float32(loaded.data), _float32(loaded.target).unsqueeze(1))
    columns = _columns(loaded)
    task = Task("regression", outputs=1, targets=("progression",))
    return Samples(samples, task, columns=columns, reader=TableReader.of_numbers(columns))


def _table(loaded: Any) -> Samples:
    samples = InMemory(_float32(loaded.data), torch.from_numpy(loaded.target.astype(np.int64)))
    columns = _columns(loaded)
    return Samples(samples, _classes(loaded.target_names), columns=columns, reader=TableReader.of_numbers(columns))


def _columns(loaded: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in loaded.feature_names)


def _classes(names: Any) -> Task:
    return Task("classification", outputs=len(names), classes=tuple(str(name) for name in names))


def _float32(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
