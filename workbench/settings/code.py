"""A user's own function, named in a preset as `package.module:function`.

A preset must never run code behind the user's back. A function is called only after the user has said yes
(`--trust-code`) to all that this executes: its module, the packages around that, and what these import from beside
them, as these files are now and where they lie. A change to any of them, or a copy elsewhere, asks again. The function
must be the module's own. Its arguments are shown when it is asked; they are not part of the yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.errors import UntrustedCodeError, UserCodeError, WorkbenchError, type_and_first_line
from workbench.files import short_path
from workbench.settings import trust as yeses
from workbench.settings.code_files import Code, read_code
from workbench.settings.code_imports import import_code

MOST_NAMED = 8
"""The most files that a question names; of further ones it gives only the number."""


def locate(reference: str) -> Path:
    """The file of the module in `package.module:function`, found without executing anything.

    The working folder is searched first. Raises UserCodeError where there is none.
    """
    return read_code(reference).file


def is_trusted(reference: str) -> bool:
    """Whether the user has said yes to the function and all that calling it executes, as it is now.

    Raises UserCodeError where it is not to be found, UntrustedCodeError where others may have said yes instead.
    """
    return yeses.is_kept(read_code(reference).key())


def trust(reference: str) -> None:
    """Remembers the user's yes to the function and all that calling it executes, as it is now.

    Raises StorageError where that cannot be kept, UntrustedCodeError where others may write there.
    """
    code = read_code(reference)
    if not yeses.is_kept(code.key()):
        yeses.keep(code.key(), f"{reference} in {code.file}")


def question(reference: str, arguments: Mapping[str, Any] | None = None) -> str:
    """What the user is asked before a function is called."""
    return (
        f"the preset wants to run code: {description(reference, arguments)}. Read it, and if you trust it "
        "start again with --trust-code (needed once for this function, until one of these files changes)"
    )


def description(reference: str, arguments: Mapping[str, Any] | None = None) -> str:
    """What would be called, with which arguments, in which files."""
    code = read_code(reference)
    given = ", ".join(f"{name}={value!r}" for name, value in (arguments or {}).items())
    return f"{reference}({given}) in {locate(reference)}{_beside(code)}"


def _beside(code: Code) -> str:
    """The other files that would be executed, in words."""
    files = [short_path(file) for file in code.beside]
    if not files:
        return ""
    more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
    return f", with {', '.join(files[:MOST_NAMED])}{more}"


def call(reference: str, *arguments: Any, **keywords: Any) -> Any:
    """Imports the function and calls it.

    Raises UntrustedCodeError before anything of it has run, and UserCodeError for whatever the user's code raises.
    """
    code = read_code(reference)
    if not yeses.is_kept(code.key()):
        raise UntrustedCodeError(question(reference, keywords))
    try:
        module = import_code(code)
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{reference} failed to import: {type_and_first_line(error)}") from error
    function = _own_function(code, module)
    try:
        return function(*arguments, **keywords)
    except WorkbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{reference} raised {type_and_first_line(error)}") from error


def _own_function(code: Code, module: ModuleType) -> Any:
    """The function, or the class, that the module (or the package that it is) defines. Raises UserCodeError.

    What it has imported is not its own: `from os import system` would let a preset call that with any argument.
    """
    name = code.reference.partition(":")[2]
    function = getattr(module, name, None)
    if function is None:
        raise UserCodeError(f"{code.reference}: {code.file} has no function {name}")
    if not callable(function):
        raise UserCodeError(f"{code.reference} is not a function, but {type(function).__name__}")
    home = getattr(function, "__module__", None)
    package = code.module.partition(".")[0]
    if not isinstance(home, str) or home.partition(".")[0] != package:
        raise UserCodeError(
            f"{code.reference} is not defined in {code.module}, but comes from {home or 'elsewhere'}; "
            f"define a function there that calls it, and name that"
        )
    return function
