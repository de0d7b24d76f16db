"""torch's compiler (inductor) for a graph of operators that has been split into pieces.

Compiling takes seconds to minutes, once: what was made is kept in the user's cache, so that the same preset on the same
machine finds it again.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from workbench.errors import StorageError
from workbench.files import user_folder

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

OPTIONS = {"fallback_random": True}
"""Random numbers as PyTorch draws them, so that dropout is the same in every engine."""


def compile_pieces(whole: fx.GraphModule, arguments: Sequence[Tensor]) -> None:
    """Puts machine code in the place of each piece that computes anything.

    whole: as `split_module` makes it. arguments: what it is called with; those that it changes are changed.
    """
    # torch's own place for it is the temporary folder, which does not outlive a restart of the machine.
    if CACHE_VARIABLE not in os.environ:
        os.environ[CACHE_VARIABLE] = str(_cache_folder())
    values = _Values(whole)
    with torch.no_grad():
        values.run(*arguments)
    from torch._inductor import compile as compile_graph
    from torch._inductor.decomposition import decompositions

    # torch 2.6 would make a comparison of uniform numbers of a CPU's dropout, and draw others than PyTorch does.
    decompositions.pop(torch.ops.aten.bernoulli.p, None)
    for name, piece in list(whole.named_children()):
        if isinstance(piece, fx.GraphModule) and any(node.op == "call_function" for node in piece.graph.nodes):
            with torch.no_grad():  # or weights that want gradients would be copied instead of changed in place
                compiled = compile_graph(piece, values.arguments_of[name], options=OPTIONS)
            whole.add_submodule(name, _Piece(compiled))


def _cache_folder() -> Path:
    """Where compiled code is kept: for as long as the process lives, where the user has no home folder."""
    try:
        return user_folder("cache") / "inductor"
    except StorageError:
        folder = tempfile.mkdtemp(prefix="workbench-compiled-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


class _Values(fx.Interpreter):
    """Runs a graph of pieces, and notes what each is called with."""

    def __init__(self, whole: fx.GraphModule) -> None:
        super().__init__(whole)
        self.arguments_of: dict[str, list[Any]] = {}

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.arguments_of[str(target)] = list(args)
        return super().call_module(target, args, kwargs)


class _Piece(nn.Module):
    """A compiled piece, as a graph can call it."""

    def __init__(self, compiled: Callable[..., Any]) -> None:
        super().__init__()
        self.forward = compiled
