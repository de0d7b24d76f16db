"""Finds the files that calling a user's function would execute, without executing anything.

Importing `package.module` executes the packages around it and, recursively, the local modules that these files import.
Import statements are found by parsing, and so are `import_module("name")` and `__import__("name")`. Installed packages
(site-packages, PYTHONPATH) are the user's own choice and are not examined.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import site
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from workbench.errors import UserCodeError

OWN = "workbench"
"""Our package, which a user's module may import from any place."""


@dataclass(frozen=True)
class Source:
    """A package or module that importing would execute."""

    module: str
    folder: Path | None
    """The folder of a package's modules; None for a plain module."""
    file: Path | None
    """The file that is executed; None for a package without an `__init__.py`."""

    @property
    def is_extension(self) -> bool:
        """Whether it is a compiled extension, which Python can only load from its file."""
        return self.file is not None and self.file.suffix != ".py"


@dataclass(frozen=True)
class Code:
    """All code that calling a function executes, as its files are now."""

    reference: str
    """`package.module:function`"""
    root: Path
    """The folder that contains the outermost package or the module."""
    is_installed: bool
    """Whether that folder holds installed packages; then only the packages around the module are examined."""
    chain: tuple[Source, ...]
    """The packages around the module, outermost first, and the module itself."""
    sources: dict[str, tuple[Source, bytes]] = field(repr=False)
    """All sources by full name, including the chain, each with its bytes."""

    @property
    def module(self) -> str:
        """The full name of the module."""
        return self.chain[-1].module

    @property
    def file(self) -> Path:
        """The file of the module."""
        assert self.chain[-1].file is not None
        return self.chain[-1].file

    @property
    def beside(self) -> list[Path]:
        """The other files that would be executed."""
        files = [source.file for source, _ in self.sources.values() if source.file is not None]
        return [file for file in files if file != self.file]

    def key(self) -> str:
        """SHA-256 of what the user trusts: the function, and the path and content of every file."""
        whole = hashlib.sha256(self.reference.encode())
        for name in sorted(self.sources):
            source, content = self.sources[name]
            whole.update(f"\0{name}\0{source.file}\0{hashlib.sha256(content).hexdigest()}".encode(errors="replace"))
        return whole.hexdigest()


def read_code(reference: str) -> Code:
    """Reads the code that calling `package.module:function` would execute; searches the working folder first.

    Raises UserCodeError if there is no such module, or a file cannot be read.
    """
    module = reference.partition(":")[0]
    for entry in [Path.cwd(), *map(Path, sys.path)]:
        root = entry.absolute()
        found = list(_walk(root, module.split(".")))
        if len(found) == module.count(".") + 1 and found[-1].file is not None:
            installed = is_installed(root)
            sources = {source.module: (source, _read(source)) for source in found}
            if not installed:
                _follow_imports(sources, root)
            return Code(reference, root, installed, tuple(found), sources)
    raise UserCodeError(
        f"{reference}: there is no module {module} here; start workbench in the folder that contains it, or install it"
    )


def is_installed(folder: Path) -> bool:
    """Whether a folder contains Python's standard library or installed packages."""
    resolved = folder.resolve()
    return any(resolved == place or place in resolved.parents for place in _installed_places())


@cache
def _installed_places() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    places = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(Path(place).resolve() for place in [*places, *site.getsitepackages(), site.getusersitepackages()])


def _walk(folder: Path, parts: list[str]) -> Iterator[Source]:
    """Yields the existing packages and modules of a dotted name, outermost first.

    Same order as Python's: a package before a module, an extension before a .py, a folder without `__init__.py` last.
    """
    for depth, part in enumerate(parts, start=1):
        name, init = ".".join(parts[:depth]), folder / part / "__init__.py"
        plain = [folder / f"{part}{suffix}" for suffix in (*importlib.machinery.EXTENSION_SUFFIXES, ".py")]
        if init.is_file():
            yield Source(name, folder / part, init)
        elif (file := next((path for path in plain if path.is_file()), None)) is not None:
            yield Source(name, None, file)
            return
        elif (folder / part).is_dir():
            yield Source(name, folder / part, None)
        else:
            return
        folder = folder / part


def _follow_imports(sources: dict[str, tuple[Source, bytes]], root: Path) -> None:
    """Adds everything that the sources import from the same folder, recursively."""
    pending = list(sources.values())
    elsewhere: dict[str, bool] = {}
    while pending:
        source, content = pending.pop()
        for name in _imported(source, content):
            top = name.partition(".")[0]
            if top not in elsewhere:
                elsewhere[top] = top not in sources and _is_elsewhere(top, root)
            if elsewhere[top]:
                continue
            for found in _named(root, name):
                if found.module not in sources:
                    sources[found.module] = found, _read(found)
                    pending.append(sources[found.module])


def _named(root: Path, name: str) -> Iterator[Source]:
    """Yields the sources that importing a name executes; `package.*` stands for each module of a package."""
    parts = name.split(".")
    if parts[-1] != "*":
        yield from _walk(root, parts)
        return
    around = list(_walk(root, parts[:-1]))
    yield from around
    if len(around) == len(parts) - 1 and around[-1].folder is not None:
        for path in sorted(around[-1].folder.glob("*.py")):
            yield from _walk(root, [*parts[:-1], path.stem])


def _is_elsewhere(top: str, root: Path) -> bool:
    """Whether a name belongs to Python, to us, or to an installed package; local modules never replace these."""
    if top == OWN or top in sys.stdlib_module_names:
        return True
    others = [entry for entry in sys.path if Path(entry).absolute() != root]
    spec = importlib.machinery.PathFinder.find_spec(top, others)
    return spec is not None and spec.origin is not None


def _imported(source: Source, content: bytes) -> tuple[str, ...]:
    """The full names in the import statements of a source."""
    if source.file is None or source.is_extension:
        return ()
    package = source.module if source.folder is not None else source.module.rpartition(".")[0]
    return _imports_of(content, package)


@lru_cache(maxsize=512)
def _imports_of(content: bytes, package: str) -> tuple[str, ...]:
    import ast

    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # executing it will report the error
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names |= dict.fromkeys(alias.name for alias in node.names)
            case ast.ImportFrom():
                base = _absolute(node.module or "", node.level, package)
                names |= dict.fromkeys(f"{base}.{alias.name}" if base else alias.name for alias in node.names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(node) in ("import_module", "__import__"):
                level = len(name) - len(name.lstrip("."))
                names[_absolute(name[level:], level, package)] = None
    return tuple(name for name in names if all(part for part in name.split(".")))


def _called(call: object) -> str:
    """The last part of the name of the called function."""
    function = getattr(call, "func", None)
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def _absolute(name: str, level: int, package: str) -> str:
    """Resolves a relative name: its dots stand for a package around it."""
    if level == 0:
        return name
    around = package.split(".")[: len(package.split(".")) - (level - 1)]
    return ".".join(filter(None, [*around, name]))


def _read(source: Source) -> bytes:
    if source.file is None:
        return b""
    try:
        return source.file.read_bytes()
    except OSError as error:
        raise UserCodeError(f"cannot read {source.file}: {error.strerror}") from None
