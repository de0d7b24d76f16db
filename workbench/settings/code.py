"""A user's own function, named in a preset as `package.module:function`.

A preset must never run code behind the user's back: a module is imported only after the user has said yes to the
content that its file has now (`--trust-code`). The yes is kept as a SHA-256 of the file, so a changed file asks again.
"""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UntrustedCodeError, UserCodeError, WorkbenchError
from workbench.files import write_text_atomically

if TYPE_CHECKING:
    from workbench.settings.preset import Preset


def references(preset: Preset) -> list[str]:
    """The functions `package.module:function` that a preset would call."""
    choices = (preset.data, preset.model)
    return [choice.function for choice in choices if hasattr(choice, "function")]


def locate(reference: str) -> Path:
    """The file of the module in `package.module:function`, found without importing anything.

    The working folder is searched first. Raises UserCodeError where there is none.
    """
    module = reference.partition(":")[0]
    search: list[str] | None = [str(Path.cwd()), *sys.path]
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for depth in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), search)
        if spec is None:
            break
        search = list(spec.submodule_search_locations or [])
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise UserCodeError(
            f"{reference}: there is no module {module} here; start workbench in the folder that holds it, or install it"
        )
    return Path(spec.origin)


def is_trusted(reference: str) -> bool:
    """Whether the user has said yes to the module's file as it is now."""
    return _digest(locate(reference)) in _trusted()


def trust(reference: str) -> None:
    """Remembers the user's yes to the module's file as it is now."""
    path = locate(reference)
    digest = _digest(path)
    if digest not in _trusted():
        lines = [f"{known} {name}" for known, name in _trusted().items()] + [f"{digest} {path}"]
        write_text_atomically(_store(), "\n".join(lines) + "\n")


def question(reference: str) -> str:
    """What the user is asked before a module is trusted."""
    return (
        f"the preset wants to run code: {reference} in {locate(reference)}. Read it, and if you trust it "
        "start again with --trust-code (needed once, until the file changes)"
    )


def call(reference: str, *arguments: Any, **keywords: Any) -> Any:
    """Imports the function and calls it.

    Raises UntrustedCodeError before anything of it has run, and UserCodeError for whatever the user's code raises.
    """
    if not is_trusted(reference):
        raise UntrustedCodeError(question(reference))
    module_name, _, function_name = reference.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(import_module(module_name), function_name)
    except AttributeError:
        raise UserCodeError(f"{reference}: {locate(reference)} has no function {function_name}") from None
    except Exception as error:
        raise UserCodeError(f"{reference} failed to import: {_first_line(error)}") from error
    if not callable(function):
        raise UserCodeError(f"{reference} is not a function, but {type(function).__name__}")
    try:
        return function(*arguments, **keywords)
    except WorkbenchError:
        raise
    except Exception as error:
        raise UserCodeError(f"{reference} raised {_first_line(error)}") from error


def _store() -> Path:
    import platformdirs

    return platformdirs.user_config_path("workbench") / "trusted-code"


def _trusted() -> dict[str, str]:
    """SHA-256 of each trusted file, and where it lay."""
    try:
        lines = _store().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {digest: name for digest, _, name in (line.partition(" ") for line in lines)}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserCodeError(f"cannot read {path}: {error.strerror}") from None


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
