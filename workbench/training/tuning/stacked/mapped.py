"""Calls a function of one candidate with the tensors of all of them: what torch.vmap does, without its imports.

torch.vmap imports PyTorch's whole compiler at its first call, which takes four seconds. Private in torch: the four
functions of `_functorch`; tried on 2.11 and 2.15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch._C import _functorch


def mapped(
    function: Callable[..., tuple[Tensor, ...]], stacked: Sequence[Tensor], *others: Tensor
) -> tuple[Tensor, ...]:
    """The stacked results of a function for each candidate; random numbers differ between candidates.

    It is called once, with tensors that look like those of one candidate. stacked: its first arguments, each
    (candidates, ...); others: the further ones, the same for all candidates.
    """
    candidates = len(stacked[0])
    level = _functorch._vmap_increment_nesting(candidates, "different")
    try:
        results = function(*(_functorch._add_batch_dim(tensor, 0, level) for tensor in stacked), *others)
        return tuple(_functorch._remove_batch_dim(result, level, candidates, 0) for result in results)
    finally:
        _functorch._vmap_decrement_nesting()
