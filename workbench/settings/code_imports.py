"""Imports a user's modules from exactly the bytes that were trusted, and no other local modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from workbench.settings.code_files import OWN, Code, Source


def import_code(code: Code) -> ModuleType:
    """Imports the module of trusted code and the packages around it. Raises whatever these raise."""
    _finder.add(code)
    module: ModuleType | None = None
    for source in code.chain:
        module = sys.modules.get(source.module)
        if module is not None and _file_of(module) != source.file:
            del sys.modules[source.module]  # a module of the same name from a library
            module = None
        if module is None:
            module = importlib.import_module(source.module)
    assert module is not None
    return module


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file else None


class _TrustedFinder(MetaPathFinder):
    """Precedes Python's own finders: finds trusted modules, and refuses other local ones."""

    def __init__(self) -> None:
        self._trusted: dict[str, tuple[Source, bytes]] = {}
        self._roots: list[Path] = []
        self._installed: list[Path] = []
        """The search path before any user's code ran: modules there are the user's choice."""

    def add(self, code: Code) -> None:
        """Adds trusted code."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
            self._installed = [Path(entry).absolute() for entry in sys.path]
        self._trusted |= code.sources
        if not code.is_installed and code.root not in self._roots:
            self._roots.append(code.root)
            if str(code.root) not in sys.path:
                sys.path.append(str(code.root))  # for DataLoader workers, which unpickle its datasets

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in self._trusted:
            return _spec_of(*self._trusted[name])
        if name.partition(".")[0] == OWN or name in sys.builtin_module_names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not spec.has_location or self._is_installed(Path(spec.origin)):
            return None
        raise ImportError(
            f"{spec.origin} was not among the files that you trusted, because no plain import statement names it. "
            f"Write `import {name}` in the module, or put its folder on PYTHONPATH",
            name=name,
            path=spec.origin,
        )

    def _is_installed(self, file: Path) -> bool:
        """Whether the innermost known folder around a file contains installed packages."""
        for folder in file.absolute().parents:
            if folder in self._roots:
                return False
            if folder in self._installed:
                return True
        # Else a folder that the code itself added to the search path, or an archive, which is a file there.
        return any(entry.is_file() and entry in file.parents for entry in self._installed)


class _TrustedLoader(SourceFileLoader):
    """Executes exactly the trusted bytes, not the present content of the file and not a cached .pyc."""

    def __init__(self, source: Source, content: bytes) -> None:
        super().__init__(source.module, str(source.file))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._content, str(self.path), "exec", dont_inherit=True)
        return code

    def get_data(self, path: str) -> bytes:
        return self._content if path == self.path else super().get_data(path)


def _spec_of(source: Source, content: bytes) -> ModuleSpec:
    loader: ExtensionFileLoader | _TrustedLoader | None = None  # None for a package without a file
    if source.is_extension:
        loader = ExtensionFileLoader(source.module, str(source.file))
    elif source.file is not None:
        loader = _TrustedLoader(source, content)
    origin = str(source.file) if source.file else None
    spec = ModuleSpec(source.module, loader, origin=origin, is_package=source.folder is not None)
    spec.has_location = source.file is not None
    if source.folder is not None:
        spec.submodule_search_locations = [str(source.folder)]
    return spec


_finder = _TrustedFinder()
