"""A user's own function, named in a preset as `package.module:function`.

A preset must never run code behind the user's back: a module is executed only after the user has said yes to the
content that its file, and the `__init__.py` of each package around it, have now (`--trust-code`). The yes is kept as a
SHA-256, so a changed file asks again. What that module imports in its turn is the user's affair.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.errors import UntrustedCodeError, UserCodeError, WorkbenchError
from workbench.files import write_text_atomically


@dataclass(frozen=True)
class _Source:
    """A package or module that importing would execute."""

    module: str
    folder: Path | None
    """Where a package's modules lie; None for a plain module."""
    file: Path | None
    """What is executed; None for a package without an `__init__.py`."""


def locate(reference: str) -> Path:
    """The file of the module in `package.module:function`, found without executing anything.

    The working folder is searched first. Raises UserCodeError where there is none.
    """
    file = _sources(reference)[-1].file
    assert file is not None
    return file


def is_trusted(reference: str) -> bool:
    """Whether the user has said yes to the module, and the packages around it, as they are now."""
    return _digest_of(reference) in _trusted()


def trust(reference: str) -> None:
    """Remembers the user's yes to the module, and the packages around it, as they are now."""
    digest, known = _digest_of(reference), _trusted()
    if digest not in known:
        lines = [f"{old} {name}" for old, name in known.items()] + [f"{digest} {locate(reference)}"]
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
    sources = _sources(reference)
    contents = {source.module: _read(source) for source in sources}
    if _digest(contents) not in _trusted():
        raise UntrustedCodeError(question(reference))
    try:
        module = _load(sources, contents)
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{reference} failed to import: {_first_line(error)}") from error
    name = reference.partition(":")[2]
    function = getattr(module, name, None)
    if function is None:
        raise UserCodeError(f"{reference}: {locate(reference)} has no function {name}")
    if not callable(function):
        raise UserCodeError(f"{reference} is not a function, but {type(function).__name__}")
    try:
        return function(*arguments, **keywords)
    except WorkbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{reference} raised {_first_line(error)}") from error


def _sources(reference: str) -> list[_Source]:
    """The packages around a module, outermost first, and the module itself."""
    module = reference.partition(":")[0]
    for entry in [Path.cwd(), *map(Path, sys.path)]:
        if (found := _sources_in(entry.absolute(), module.split("."))) is not None:
            return found
    raise UserCodeError(
        f"{reference}: there is no module {module} here; start workbench in the folder that holds it, or install it"
    )


def _sources_in(folder: Path, parts: list[str]) -> list[_Source] | None:
    sources = []
    for depth, part in enumerate(parts, start=1):
        name, init, plain = ".".join(parts[:depth]), folder / part / "__init__.py", folder / f"{part}.py"
        folder = folder / part
        if init.is_file():
            sources.append(_Source(name, folder, init))
        elif depth == len(parts) and plain.is_file():
            sources.append(_Source(name, None, plain))
        elif depth < len(parts) and folder.is_dir():
            sources.append(_Source(name, folder, None))
        else:
            return None
    return sources


def _load(sources: list[_Source], contents: dict[str, bytes]) -> ModuleType:
    """Executes exactly the bytes that were trusted, whatever else the search path or a cached .pyc would offer."""
    if str(Path.cwd()) not in sys.path:
        # Last: for what the module imports from beside it, but never in place of a library.
        sys.path.append(str(Path.cwd()))
    module: ModuleType | None = None
    for source in sources:
        module = sys.modules.get(source.module)
        if module is None or getattr(module, "__file__", None) != (str(source.file) if source.file else None):
            module = _execute(source, contents[source.module])
    assert module is not None
    return module


def _execute(source: _Source, content: bytes) -> ModuleType:
    module = ModuleType(source.module)
    module.__package__ = source.module if source.folder is not None else source.module.rpartition(".")[0]
    if source.folder is not None:
        module.__path__ = [str(source.folder)]
    sys.modules[source.module] = module
    if source.file is None:
        return module
    module.__file__ = str(source.file)
    try:
        exec(compile(content, str(source.file), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[source.module]
        raise
    return module


def _store() -> Path:
    import platformdirs

    return platformdirs.user_config_path("workbench") / "trusted-code"


def _trusted() -> dict[str, str]:
    """What was said yes to, by SHA-256, and where it lay."""
    try:
        lines = _store().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {digest: name for digest, _, name in (line.partition(" ") for line in lines)}


def _digest_of(reference: str) -> str:
    return _digest({source.module: _read(source) for source in _sources(reference)})


def _digest(contents: dict[str, bytes]) -> str:
    """SHA-256 of all that importing executes, in its order."""
    whole = hashlib.sha256()
    for content in contents.values():
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def _read(source: _Source) -> bytes:
    if source.file is None:
        return b""
    try:
        return source.file.read_bytes()
    except OSError as error:
        raise UserCodeError(f"cannot read {source.file}: {error.strerror}") from None


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
