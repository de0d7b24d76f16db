"""A user's code runs only if its present content is trusted, and its errors are reported."""

from __future__ import annotations

import multiprocessing
import os
import py_compile
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from workbench.errors import DataError, StorageError, UntrustedCodeError, UserCodeError
from workbench.settings import code, code_imports
from workbench.settings.preset import Preset

RAN = "ran"
"""A file that a module creates when it is executed."""
LEAVES_A_TRACE = f"from pathlib import Path\nPath({RAN!r}).touch()\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder and an empty store of trusted code; restores the interpreter afterwards."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(code_imports, "_finder", code_imports._TrustedFinder())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield here
    for name in set(sys.modules) - before:
        del sys.modules[name]
    sys.path_importer_cache.clear()


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_an_untrusted_module_is_never_executed() -> None:
    write("mine.py", LEAVES_A_TRACE + "def make():\n    return 1\n")
    assert not code.is_trusted("mine:make")
    code.question("mine:make")
    code.locate("mine:make")
    with pytest.raises(UntrustedCodeError):
        code.call("mine:make")
    assert not Path(RAN).exists()
    assert "mine" not in sys.modules


def test_the_question_names_the_function_the_file_and_the_option() -> None:
    file = write("mine.py", "def make():\n    return 1\n")
    with pytest.raises(UntrustedCodeError) as refused:
        code.call("mine:make")
    for part in ("mine:make", str(file.absolute()), "--trust-code"):
        assert part in str(refused.value)


def test_a_trusted_function_is_called_with_its_arguments() -> None:
    write("mine.py", "def make(first, *, second):\n    return first, second\n")
    code.trust("mine:make")
    assert code.is_trusted("mine:make")
    assert code.call("mine:make", 1, second=2) == (1, 2)


def test_trust_is_stored_beyond_the_process() -> None:
    """It is stored in a file of the user and nowhere else."""
    write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:make")
    [store] = [path for path in Path("../config").rglob("*") if path.is_file()]
    kept = store.read_text()
    store.unlink()
    assert not code.is_trusted("mine:make")
    store.write_text(kept)
    assert code.is_trusted("mine:make")


def test_a_file_that_changed_needs_trust_again() -> None:
    file = write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:make")
    file.write_text(LEAVES_A_TRACE + "def make():\n    return 2\n")
    with pytest.raises(UntrustedCodeError):
        code.call("mine:make")
    assert not Path(RAN).exists()
    code.trust("mine:make")
    assert code.call("mine:make") == 2


def test_trusting_one_function_does_not_trust_another_of_its_module() -> None:
    """A stranger's preset must not choose among the functions of a module that is trusted."""
    write("mine.py", "def make():\n    return 1\n\n\ndef wipe():\n    return 2\n")
    code.trust("mine:make")
    assert not code.is_trusted("mine:wipe")
    with pytest.raises(UntrustedCodeError, match="mine:wipe"):
        code.call("mine:wipe")


def test_trusting_one_module_does_not_trust_another() -> None:
    write("mine.py", "def make():\n    return 1\n")
    write("theirs.py", LEAVES_A_TRACE + "def make():\n    return 1\n")
    code.trust("mine:make")
    with pytest.raises(UntrustedCodeError):
        code.call("theirs:make")
    code.trust("theirs:make")
    assert code.is_trusted("mine:make")
    assert code.is_trusted("theirs:make")


def test_an_unreadable_store_trusts_nothing() -> None:
    write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:make")
    [store] = [path for path in Path("../config").rglob("*") if path.is_file()]
    store.write_bytes(b"\xff\xfe\x00")
    assert not code.is_trusted("mine:make")


def test_modules_in_packages_are_found_without_executing_the_packages() -> None:
    write("outer/__init__.py", LEAVES_A_TRACE)
    write("outer/inner/__init__.py", LEAVES_A_TRACE)
    file = write("outer/inner/mine.py", "def make():\n    return 3\n")
    assert code.locate("outer.inner.mine:make") == file.absolute()
    assert not Path(RAN).exists()
    code.trust("outer.inner.mine:make")
    assert code.call("outer.inner.mine:make") == 3


@pytest.mark.parametrize("package", ["outer", "outer/inner"])
def test_modules_in_packages_without_an_init_file_are_found(package: str) -> None:
    file = write(f"{package}/mine.py", "def make():\n    return 4\n")
    reference = f"{package.replace('/', '.')}.mine:make"
    assert code.locate(reference) == file.absolute()
    code.trust(reference)
    assert code.call(reference) == 4


def test_a_package_can_contain_the_function() -> None:
    file = write("outer/__init__.py", "def make():\n    return 5\n")
    assert code.locate("outer:make") == file.absolute()
    code.trust("outer:make")
    assert code.call("outer:make") == 5


def test_a_package_that_changed_after_its_module_was_trusted_is_not_executed() -> None:
    """Importing outer.mine executes outer/__init__.py as well."""
    package = write("outer/__init__.py", "")
    write("outer/mine.py", "def make():\n    return 6\n")
    code.trust("outer.mine:make")
    package.write_text(LEAVES_A_TRACE)
    with pytest.raises(UntrustedCodeError):
        code.call("outer.mine:make")
    assert not Path(RAN).exists()


def test_the_executed_file_is_the_trusted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another folder comes before the working folder on the search path."""
    write("mine.py", "def make():\n    return 'here'\n")
    write("elsewhere/mine.py", LEAVES_A_TRACE + "def make():\n    return 'elsewhere'\n")
    monkeypatch.setattr(sys, "path", [str(Path("elsewhere").absolute()), *sys.path, str(Path.cwd())])
    code.trust("mine:make")
    assert code.call("mine:make") == "here"
    assert not Path(RAN).exists()


@pytest.mark.parametrize("reference", ["missing:make", "missing.inner:make", "mine.inner:make"])
def test_a_missing_module_is_reported(reference: str) -> None:
    write("mine.py", "")
    for ask in (code.locate, code.is_trusted, code.trust, code.call):
        with pytest.raises(UserCodeError, match=f"there is no module {reference.partition(':')[0]} "):
            ask(reference)


def test_a_missing_function_is_reported() -> None:
    write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:forge")
    with pytest.raises(UserCodeError, match="has no function forge"):
        code.call("mine:forge")


def test_something_that_is_not_a_function_is_reported() -> None:
    write("mine.py", "make = 3\n")
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match="is not a function, but int"):
        code.call("mine:make")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("def make(:\n", "SyntaxError"),
        ("import math\nmath.no_such_number\n", "no_such_number"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
    ],
    ids=["missing import", "raises", "syntax error", "attribute error", "exits"],
)
def test_a_module_that_fails_to_import_is_reported(body: str, words: str) -> None:
    write("mine.py", body)
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match=f"mine:make failed to import.*{words}") as failed:
        code.call("mine:make")
    assert "\n" not in str(failed.value)


def test_a_function_that_raises_is_reported_with_the_cause() -> None:
    write("mine.py", "def make():\n    raise ValueError('no such\\nthing')\n")
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match=r"^mine:make raised ValueError: no such$") as failed:
        code.call("mine:make")
    assert isinstance(failed.value.__cause__, ValueError)


def test_an_error_of_workbench_is_passed_on_unchanged() -> None:
    write("mine.py", "from workbench.errors import DataError\ndef make():\n    raise DataError('row 7 is empty')\n")
    code.trust("mine:make")
    with pytest.raises(DataError, match=r"^row 7 is empty$"):
        code.call("mine:make")


def test_a_preset_lists_the_functions_that_it_would_call() -> None:
    preset = Preset().override(
        ["data.name=module", "data.function=mine:read", "model.name=module", "model.function=mine:net"]
    )
    assert preset.code_references() == ["mine:read", "mine:net"]
    assert Preset().code_references() == []


def test_a_cached_pyc_is_not_executed_in_place_of_the_trusted_source() -> None:
    source = write("mine.py", LEAVES_A_TRACE + "def make():\n    return 'cached'\n")
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    write("mine.py", "def make():\n    return 'source'\n")
    code.trust("mine:make")
    assert code.call("mine:make") == "source"
    assert not Path(RAN).exists()


def test_a_function_that_the_module_imports_is_refused(folder: Path) -> None:
    """A preset must not call os.system through a module that was trusted."""
    write("mine.py", "from os import system\nfrom functools import partial\nmake = partial(system)\n")
    for name in ("system", "make", "partial"):
        code.trust(f"mine:{name}")
        with pytest.raises(UserCodeError, match="is not defined in mine, but comes from"):
            code.call(f"mine:{name}", f"touch {RAN}")
    assert not Path(RAN).exists()


def test_classes_lambdas_and_reexports_of_a_package_are_its_own() -> None:
    write("mine.py", "class Make:\n    pass\nnew = lambda: 1\n")
    write("outer/__init__.py", "from outer.inner import make\n")
    write("outer/inner.py", "def make():\n    return 7\n")
    for reference in ("mine:Make", "mine:new", "outer:make"):
        code.trust(reference)
        code.call(reference)


def test_the_question_shows_the_arguments_and_the_other_files() -> None:
    """The user trusts everything that will run."""
    write("mine.py", "import helper\ndef make(command):\n    pass\n")
    write("helper.py", "")
    with pytest.raises(UntrustedCodeError) as refused:
        code.call("mine:make", command="touch X")
    for part in ("mine:make(command='touch X')", "helper.py"):
        assert part in str(refused.value)


def test_a_copy_elsewhere_needs_trust_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside another helper module, they do something else."""
    for place, body in (("home", ""), ("stranger", LEAVES_A_TRACE)):
        write(f"{place}/mine.py", "import helper\ndef make():\n    return 1\n")
        write(f"{place}/helper.py", body)
    monkeypatch.chdir(folder / "home")
    code.trust("mine:make")
    assert code.is_trusted("mine:make")
    monkeypatch.chdir(folder / "stranger")
    with pytest.raises(UntrustedCodeError):
        code.call("mine:make")
    assert not Path(RAN).exists()


IMPORTS = {
    "import": ("import helper", "helper.py"),
    "import as": ("import helper as h", "helper.py"),
    "from": ("from helper import thing", "helper.py"),
    "in the function": ("def make():\n    import helper\n    return 1", "helper.py"),
    "in a try": ("try:\n    import helper\nexcept ImportError:\n    pass", "helper.py"),
    "a package": ("import tools.deep.helper", "tools/deep/helper.py"),
    "the file of a package": ("import tools.helper", "tools/__init__.py"),
    "a module from a package": ("from tools import helper", "tools/helper.py"),
    "all of a package": ("from tools import *", "tools/helper.py"),
    "through another": ("import between", "helper.py"),
    "by its name as text": ("import importlib\nimportlib.import_module('helper')", "helper.py"),
    "by a built-in": ("__import__('helper')", "helper.py"),
}


@pytest.mark.parametrize(("statement", "file"), IMPORTS.values(), ids=IMPORTS)
def test_a_change_to_an_imported_module_needs_trust_again(statement: str, file: str) -> None:
    write("between.py", "import helper\n")
    for path in ("helper.py", "tools/__init__.py", "tools/helper.py", "tools/deep/helper.py"):
        write(path, "thing = 1\n")
    write("tools/__init__.py", "__all__ = ['helper']\n")
    write("mine.py", statement + ("" if "def make" in statement else "\ndef make():\n    return 1") + "\n")
    code.trust("mine:make")
    assert code.call("mine:make") == 1
    write(file, LEAVES_A_TRACE)
    with pytest.raises(UntrustedCodeError):
        code.call("mine:make")
    assert not Path(RAN).exists()


def test_relative_imports_are_covered() -> None:
    write("outer/__init__.py", "")
    write("outer/inner/__init__.py", "")
    write(
        "outer/inner/mine.py",
        "from . import near\nfrom .. import far\nfrom ..far import x\ndef make():\n    return x\n",
    )
    write("outer/inner/near.py", "")
    write("outer/far.py", "x = 8\n")
    code.trust("outer.inner.mine:make")
    assert code.call("outer.inner.mine:make") == 8
    for file in ("outer/inner/near.py", "outer/far.py"):
        before = Path(file).read_text()
        write(file, before + "# changed\n")
        assert not code.is_trusted("outer.inner.mine:make")
        write(file, before)
        assert code.is_trusted("outer.inner.mine:make")


DYNAMIC = {
    "a name that is put together": "import importlib\nimportlib.import_module('hel' + 'per')\n",
    "from a folder put on the path": "import sys, os\nsys.path.insert(0, os.path.abspath('lib'))\nimport hidden\n",
    "in a package": "import tools, importlib\nimportlib.import_module('.helper', 'tools')\n".replace(
        "'.helper'", "'.' + 'helper'"
    ),
    "without its source": "import compiled\n",
}


@pytest.mark.parametrize("body", DYNAMIC.values(), ids=DYNAMIC)
def test_untrusted_modules_are_not_imported(body: str) -> None:
    """Imports that parsing does not find are refused."""
    for path in ("helper.py", "lib/hidden.py", "tools/helper.py"):
        write(path, LEAVES_A_TRACE)
    write("tools/__init__.py", "")
    source = write("compiled_source.py", LEAVES_A_TRACE)
    py_compile.compile(str(source), cfile="compiled.pyc")
    write("mine.py", body + "def make():\n    return 1\n")
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match="was not among the files that you trusted, because no plain import"):
        code.call("mine:make")
    assert not Path(RAN).exists()


def test_the_bytes_that_were_read_are_imported_not_those_of_a_later_change() -> None:
    """A file that changes between trust and import."""
    write("helper.py", "thing = 'read'\n")
    write("mine.py", "def make():\n    import helper\n    return helper.thing\n")
    write("first.py", "def make():\n    from pathlib import Path\n    Path('helper.py').write_text('thing = 2')\n")
    code.trust("mine:make")
    write(
        "mine.py", "from pathlib import Path\nPath('helper.py').write_text('thing = 2')\n" + Path("mine.py").read_text()
    )
    code.trust("mine:make")
    assert code.call("mine:make") == "read"


def test_a_local_file_never_replaces_a_library() -> None:
    write("wave.py", LEAVES_A_TRACE)
    write("platformdirs.py", LEAVES_A_TRACE)
    write("mine.py", "import wave, platformdirs\ndef make():\n    return 1\n")
    code.trust("mine:make")
    assert code.call("mine:make") == 1
    assert not Path(RAN).exists()


def test_a_function_of_an_installed_package_can_be_called() -> None:
    code.trust("textwrap:dedent")
    assert code.call("textwrap:dedent", "  a") == "a"
    assert not code.is_trusted("textwrap:wrap")  # nobody has read all of a library


def test_data_files_of_a_module_can_be_read() -> None:
    write("outer/__init__.py", "")
    write("outer/words.txt", "word")
    write(
        "outer/mine.py",
        "import importlib.resources, inspect, pkgutil\nfrom pathlib import Path\n"
        "def make():\n"
        "    found = importlib.resources.files('outer').joinpath('words.txt').read_text()\n"
        "    assert 'inspect' in inspect.getsource(make)\n"
        "    return found, pkgutil.get_data('outer', 'words.txt'), (Path(__file__).parent / 'words.txt').read_text()\n",
    )
    code.trust("outer.mine:make")
    assert code.call("outer.mine:make") == ("word", b"word", "word")


def test_a_spawned_dataloader_worker_finds_the_module() -> None:
    """It unpickles datasets; Python 3.14 does not fork by default."""
    write("mine.py", "class Rows:\n    def __len__(self): return 3\ndef make():\n    return Rows()\n")
    code.trust("mine:make")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(len, code.call("mine:make")).result(60) == 3


def test_a_module_with_hundreds_of_imports_and_a_cycle_is_read() -> None:
    write("mine.py", "".join(f"import part{index}\n" for index in range(300)) + "def make():\n    return 1\n")
    for index in range(300):
        write(f"part{index}.py", "import mine, part0\n")
    code.trust("mine:make")
    assert code.call("mine:make") == 1
    assert "and 292 more" in code.question("mine:make")


def test_only_the_user_can_write_the_store_whatever_the_umask(tmp_path: Path) -> None:
    write("mine.py", "def make():\n    return 1\n")
    before = os.umask(0)
    try:
        code.trust("mine:make")
    finally:
        os.umask(before)
    [store] = [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
    assert store.stat().st_mode & 0o777 == 0o600
    assert store.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_a_store_that_others_can_write_is_refused(tmp_path: Path, what: str) -> None:
    """Somebody else may have added a key."""
    write("mine.py", LEAVES_A_TRACE + "def make():\n    return 1\n")
    code.trust("mine:make")
    [store] = [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
    if what == "link":
        store.rename(tmp_path / "elsewhere")
        store.symlink_to(tmp_path / "elsewhere")
    else:
        (store if what == "file" else store.parent).chmod(0o777)
    for ask in (code.is_trusted, code.call, code.trust):
        with pytest.raises(UntrustedCodeError, match="others can write"):
            ask("mine:make")
    assert not Path(RAN).exists()


def test_many_processes_can_store_trust_at_once() -> None:
    """None of 40 keys is lost."""
    for index in range(12):
        write(f"mine{index}.py", f"def make():\n    return {index}\n")
    script = "import sys\nfrom workbench.settings import code\nfor name in sys.argv[1:]: code.trust(name)\n"
    names = [f"mine{index}:make" for index in range(12)]
    processes = [subprocess.Popen([sys.executable, "-c", script, *names[first::4], names[0]]) for first in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert all(map(code.is_trusted, names))


def test_without_a_home_folder_nothing_is_trusted_and_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder called ~ in the working folder is not a home folder: a stranger may have made it."""
    write("mine.py", "def make():\n    return 1\n")
    monkeypatch.setattr("platformdirs.user_config_path", lambda _: Path("~/.config/workbench"))
    assert not code.is_trusted("mine:make")
    with pytest.raises(StorageError, match="XDG_CONFIG_HOME"):
        code.trust("mine:make")
