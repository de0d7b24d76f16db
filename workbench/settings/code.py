"""Calls a user's function, named in a preset as `package.module:function`.

A preset must never run code without the user's consent. A function is called only after the user has trusted
(`--trust-code`) all files that the call executes: its module, the packages around the module, and the local modules
that these import. Trust covers the present content and place of these files: after a change to any of them, or for a
copy elsewhere, the user is asked again. The function must be defined in the module. The question shows its arguments,
but trust does not depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.errors import UntrustedCodeError, UserCodeError, WorkbenchError, type_and_first_line
from workbench.files import short_path
from workbench.settings import trust as store
from workbench.settings.code_files import Code, read_code
from workbench.settings.code_imports import import_code

MOST_NAMED = 8
"""The most files that a question names; it only counts further ones."""


def locate(reference: str) -> Path:
    """Finds the file of the module in `package.module:function` without executing anything.

    The working folder is searched first. Raises UserCodeError if there is no such module.
    """
    return read_code(reference).file


def is_trusted(reference: str) -> bool:
    """Whether the user trusts the function and all files that calling it executes, as they are now.

    Raises UserCodeError if it is not found, UntrustedCodeError if other users can write to the store.
    """
    return store.contains(read_code(reference).key())


def trust(reference: str) -> None:
    """Stores that the user trusts the function and all files that calling it executes, as they are now.

    Raises StorageError if it cannot be stored, UntrustedCodeError if other users can write to the store.
    """
    code = read_code(reference)
    if not store.contains(code.key()):
        store.add(code.key(), f"{reference} in {code.file}")


def question(reference: str, arguments: Mapping[str, Any] | None = None) -> str:
    """The question to the user before a function is called."""
    return (
        f"the preset wants to run code: {description(reference, arguments)}. Read it, and if you trust it "
        "start again with --trust-code (needed once for this function, until one of these files changes)"
    )


def description(reference: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Describes the call: the function, its arguments, and the files that it executes."""
    code = read_code(reference)
    given = ", ".join(f"{name}={value!r}" for name, value in (arguments or {}).items())
    return f"{reference}({given}) in {locate(reference)}{_beside(code)}"


def _beside(code: Code) -> str:
    """Lists the other files that would be executed."""
    files = [short_path(file) for file in code.beside]
    if not files:
        return ""
    more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
    return f", with {', '.join(files[:MOST_NAMED])}{more}"


def call(reference: str, *arguments: Any, **keywords: Any) -> Any:
    """Imports the function and calls it.

    Raises UntrustedCodeError before any of the code runs, and UserCodeError for anything that the user's code raises.
    """
    code = read_code(reference)
    if not store.contains(code.key()):
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
    """Returns the function or class that the module or its package defines. Raises UserCodeError.

    Imported functions are refused: `from os import system` would let a preset call it with any argument.
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
            f"define a function in {code.module} that calls it, and name that function"
        )
    return function
