"""workbench: tune, train and profile PyTorch models from one terminal.

`workbench.watch` makes a training loop of your own a run like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.own_loop.watch import WatchedRun as WatchedRun
    from workbench.own_loop.watch import watch as watch

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`watch` and `WatchedRun`, imported at their first use: importing workbench costs nothing."""
    if name in ("watch", "WatchedRun"):
        from workbench.own_loop import watch

        return getattr(watch, name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
