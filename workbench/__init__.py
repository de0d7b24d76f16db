"""workbench: tune, train and profile PyTorch models from one terminal.

`workbench.watch` makes a training loop of your own a run like any other.
"""

TYPE_CHECKING = False  # as in typing, which is not imported: importing workbench costs nothing
if TYPE_CHECKING:
    from workbench.own_loop.watch import WatchedRun as WatchedRun
    from workbench.own_loop.watch import watch as watch

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Imports `watch` and `WatchedRun` at their first use."""
    if name in ("watch", "WatchedRun"):
        from workbench.own_loop import watch

        return getattr(watch, name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
