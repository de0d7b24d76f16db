"""A user's code runs only after a yes to what it holds now, and whatever it does wrong is told in words."""

from __future__ import annotations

import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.errors import DataError, UntrustedCodeError, UserCodeError
from workbench.settings import code
from workbench.settings.preset import Preset

RAN = "ran"
"""A file that a module leaves behind when it is executed."""
LEAVES_A_TRACE = f"from pathlib import Path\nPath({RAN!r}).touch()\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, a user without any trust so far, and an interpreter left as it was."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
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


def test_the_question_names_the_function_the_file_and_the_way_to_say_yes() -> None:
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


def test_trust_outlives_the_process_that_was_told() -> None:
    """It is in a file of the user's and nowhere else."""
    write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:make")
    [store] = [path for path in Path("../config").rglob("*") if path.is_file()]
    kept = store.read_text()
    store.unlink()
    assert not code.is_trusted("mine:make")
    store.write_text(kept)
    assert code.is_trusted("mine:make")


def test_a_file_that_changed_after_the_yes_is_asked_about_again() -> None:
    file = write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:make")
    file.write_text(LEAVES_A_TRACE + "def make():\n    return 2\n")
    with pytest.raises(UntrustedCodeError):
        code.call("mine:make")
    assert not Path(RAN).exists()
    code.trust("mine:make")
    assert code.call("mine:make") == 2


def test_a_yes_to_one_module_is_no_yes_to_another() -> None:
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


def test_a_package_itself_can_hold_the_function() -> None:
    file = write("outer/__init__.py", "def make():\n    return 5\n")
    assert code.locate("outer:make") == file.absolute()
    code.trust("outer:make")
    assert code.call("outer:make") == 5


def test_a_package_that_changed_after_the_yes_to_its_module_is_not_executed() -> None:
    """Importing outer.mine executes outer/__init__.py as well."""
    package = write("outer/__init__.py", "")
    write("outer/mine.py", "def make():\n    return 6\n")
    code.trust("outer.mine:make")
    package.write_text(LEAVES_A_TRACE)
    with pytest.raises(UntrustedCodeError):
        code.call("outer.mine:make")
    assert not Path(RAN).exists()


def test_the_file_that_is_executed_is_the_one_that_was_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another folder comes before the working folder on the search path."""
    write("mine.py", "def make():\n    return 'here'\n")
    write("elsewhere/mine.py", LEAVES_A_TRACE + "def make():\n    return 'elsewhere'\n")
    monkeypatch.setattr(sys, "path", [str(Path("elsewhere").absolute()), *sys.path, str(Path.cwd())])
    code.trust("mine:make")
    assert code.call("mine:make") == "here"
    assert not Path(RAN).exists()


@pytest.mark.parametrize("reference", ["missing:make", "missing.inner:make", "mine.inner:make"])
def test_a_module_that_is_not_there_is_told_in_words(reference: str) -> None:
    write("mine.py", "")
    for ask in (code.locate, code.is_trusted, code.trust, code.call):
        with pytest.raises(UserCodeError, match=f"there is no module {reference.partition(':')[0]} "):
            ask(reference)


def test_a_function_that_is_not_there_is_told_in_words() -> None:
    write("mine.py", "def make():\n    return 1\n")
    code.trust("mine:forge")
    with pytest.raises(UserCodeError, match="has no function forge"):
        code.call("mine:forge")


def test_what_is_no_function_is_told_in_words() -> None:
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
def test_a_module_that_fails_to_import_is_told_in_words(body: str, words: str) -> None:
    write("mine.py", body)
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match=f"mine:make failed to import.*{words}") as failed:
        code.call("mine:make")
    assert "\n" not in str(failed.value)


def test_a_function_that_raises_is_told_in_words_and_keeps_the_cause() -> None:
    write("mine.py", "def make():\n    raise ValueError('no such\\nthing')\n")
    code.trust("mine:make")
    with pytest.raises(UserCodeError, match=r"^mine:make raised ValueError: no such$") as failed:
        code.call("mine:make")
    assert isinstance(failed.value.__cause__, ValueError)


def test_an_error_in_the_words_of_workbench_comes_through_as_it_is() -> None:
    write("mine.py", "from workbench.errors import DataError\ndef make():\n    raise DataError('row 7 is empty')\n")
    code.trust("mine:make")
    with pytest.raises(DataError, match=r"^row 7 is empty$"):
        code.call("mine:make")


def test_a_preset_says_which_functions_it_would_call() -> None:
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
