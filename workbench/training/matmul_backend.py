"""Float32 matrix products by oneDNN where torch's own library for them is slow.

torch multiplies float32 matrices on x86 by MKL, which runs at half speed on processors that are not Intel's: measured
on an AMD EPYC (Zen 5), one core: 108 GFLOP/s against 190 to 230 by oneDNN, which comes with torch as well. What makes
torch call oneDNN is a setting that permits bfloat16 inside of a product. Only processors with matrix units for it (AMX)
make use of that; on others oneDNN computes in float32, which is checked against float64 before the setting is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, TypeVar

import torch

from workbench.devices.host import cpu_vendor

MOST_ERROR = 1e-5
"""Relative to the largest number of a product: float32 makes 1e-6, bfloat16 2e-3."""

CHECKED_SHAPES = ((64, 512, 128), (512, 64, 768), (1, 784, 512), (1000, 300, 7))
"""(m, k, n) of the products that are checked, each with its factors in either order of memory."""

BY_ONEDNN, BY_MKL = "medium", "highest"
"""torch's names for it, of `torch.set_float32_matmul_precision`."""

Result = TypeVar("Result")


@cache
def onednn_pays() -> bool:
    """Whether float32 products are better made by oneDNN on this machine: not Intel's, has it, and it is accurate."""
    if cpu_vendor() in ("", "GenuineIntel") or not torch.backends.mkl.is_available():
        return False
    return torch.backends.mkldnn.is_available() and made_by(BY_ONEDNN, largest_error)() <= MOST_ERROR


def multiply_by_onednn() -> None:
    """From now on products are made by oneDNN if that pays."""
    if onednn_pays():
        torch.set_float32_matmul_precision(BY_ONEDNN)


def made_by(library: str, function: Callable[..., Result]) -> Callable[..., Result]:
    """The same function, with its products made by BY_ONEDNN or BY_MKL; the change costs less than a microsecond."""

    def call(*arguments: Any) -> Result:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(library)
        try:
            return function(*arguments)
        finally:
            torch.set_float32_matmul_precision(before)

    return call


def largest_error() -> float:
    """Of the products as torch makes them now, relative to the largest number of each."""
    generator = torch.Generator().manual_seed(0)
    errors = []
    for m, k, n in CHECKED_SHAPES:
        a, b = torch.randn((m, k), generator=generator), torch.randn((k, n), generator=generator)
        exact = a.double() @ b.double()
        # The second of each lies in memory the other way round.
        pairs = product((a, a.t().contiguous().t()), (b, b.t().contiguous().t()))
        errors += [(torch.mm(left, right).double() - exact).abs().max() / exact.abs().max() for left, right in pairs]
    return float(max(errors))
