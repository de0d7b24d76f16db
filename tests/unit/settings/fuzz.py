"""Randomly mutated presets and `--set` arguments, loaded as the command does.

    python -m tests.unit.settings.fuzz [--mutations 3200] [--seed 0]

Each is loaded as the command loads it, and a refusal is printed as the command prints it. An answer is a refusal in
words, or a preset that survives saving and loading; anything else is counted as a fault and shown.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from workbench import output
from workbench.errors import WorkbenchError
from workbench.launch import complain
from workbench.printable import is_printable
from workbench.settings import library
from workbench.settings.preset import FAMILIES, Preset

HANG_SECONDS = 20
LONGEST_MESSAGE = 20_000
"""In characters; nobody reads longer messages."""

HOSTILE = [
    "\x1b]52;c;cHduZWQ=\x07",
    "\x1b[31m",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "\x7f",
    "\u2028",
    "\x00",
    "\r",
    "\\u001b",
    "\\u009b",
]
VALUES = [
    "nan", "inf", "-inf", "1e999", "-1", "0", "0x10", "1_000", "9" * 400, "9" * 5_000, "1979-05-27T07:32:00Z",
    "07:32:00", "2", "0.5", "8", "0.001", "3",
    "true", '""', '"a"', "''", "[]", "[[]]", "{}", "{a = 1}", '"""', "[1, 'a']", "1.", ".5", "=", "[" * 60 + "]" * 60,
    "[" * 900 + "]" * 900, "{a=" * 60 + "1" + "}" * 60, "{a=" * 900 + "1" + "}" * 900, '"' + "x" * 50_000 + '"',
    "[" + "0," * 20_000 + "]", "[" + "'x'," * 5_000 + "]", '"/dev/zero"', '"mine:f"', '"../../etc"', '".."', '"-rf"',
    "None",
]  # fmt: skip


@dataclass
class Figures:
    """The results of the mutations."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, kind: str, mutation: str | bytes, output: str) -> None:
        """Counts what must not be, with what led to it."""
        self.counts[kind] += 1
        self.faults.append(f"{kind}: {mutation[:300]!r}\n{output[-2000:]}")

    def __str__(self) -> str:
        kinds = (
            "refused",
            "accepted",
            "tracebacks",
            "hangs",
            "raw control characters",
            "endless messages",
            "unfaithful",
        )
        return ", ".join(f"{self.counts[kind]} {kind}" for kind in kinds)


class _HangError(BaseException):
    """Not an Exception, so that no handler catches it."""


def mutated_presets(count: int, seed: int) -> Iterator[bytes]:
    """Preset files: the shipped ones and one of each choice, with mutations."""
    dice = random.Random(seed)
    bases = [path.read_text() for path in sorted(library.shipped_folder().glob("*.toml"))]
    bases += [f'[{name}]\n{family.tag} = "{label}"\n' for name, family in FAMILIES.items() for label in family.labels]
    bases.append(Preset().to_toml())
    for _ in range(count):
        text = dice.choice(bases)
        for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
            text = dice.choice(MUTATIONS)(text, dice)
        content = text.encode(errors="replace")
        if dice.random() < 0.05:
            place = dice.randrange(len(content) + 1)
            content = content[:place] + dice.randbytes(dice.randrange(1, 9)) + content[place:]
        yield content


def mutated_assignments(count: int, seed: int) -> Iterator[list[str]]:
    """Arguments of `--set`."""
    dice = random.Random(seed)
    paths = list(Preset().flat()) + [f"{name}.{family.tag}" for name, family in FAMILIES.items()]
    for _ in range(count):
        given = []
        for _ in range(dice.choice((1,) * 12 + (2, 5, 400))):
            path = dice.choice(paths)
            if dice.random() < 0.3:
                path = dice.choice(PATHS)(path, dice)
            value = dice.choice(VALUES + HOSTILE + [label for family in FAMILIES.values() for label in family.labels])
            if dice.random() < 0.2:
                value = _insert(value, dice)
            given.append(dice.choice(("=", "=", "=", "=", " = ", "", "==")).join((path, value)))
        yield given


def _insert(text: str, dice: random.Random) -> str:
    place = dice.randrange(len(text) + 1)
    return text[:place] + dice.choice(HOSTILE) + text[place:]


def _cut(text: str, dice: random.Random) -> str:
    place = dice.randrange(len(text) + 1)
    return text[:place] + text[place + dice.randrange(1, 30) :]


def _shuffle(text: str, dice: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    dice.shuffle(lines)
    return "".join(lines)


def _repeat(text: str, dice: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    place = dice.randrange(len(lines))
    return "".join(lines[:place] + [lines[place]] * dice.choice((2, 3, 2_000)) + lines[place:])


def _other_value(text: str, dice: random.Random) -> str:
    lines = text.splitlines() or [""]
    place = dice.randrange(len(lines))
    lines[place] = f"{lines[place].partition('=')[0]} = {dice.choice(VALUES)}"
    return "\n".join(lines)


def _other_character(text: str, dice: random.Random) -> str:
    place = dice.randrange(len(text) + 1)
    return text[:place] + chr(dice.choice((dice.randrange(128), dice.randrange(0x3000)))) + text[place + 1 :]


def _unknown_keys(text: str, dice: random.Random) -> str:
    keys = "".join(f"unknown{index} = {index}\n" for index in range(dice.choice((1, 20, 21, 500, 5_000))))
    return dice.choice((text + "\n" + keys, keys + text))


def _deep(text: str, dice: random.Random) -> str:
    key = ".".join([dice.choice(("a", '"a b"', "data", "optimizer"))] * dice.choice((2, 8, 31, 32, 90, 500, 3_000)))
    return text + "\n" + dice.choice((f"[{key}]\n", f"[[{key}]]\n", f"{key} = 1\n", f"x = {{{key} = 1}}\n"))


MUTATIONS: list[Callable[[str, random.Random], str]] = [
    _insert, _cut, _shuffle, _repeat, _other_value, _other_value, _other_character, _unknown_keys, _deep,
    lambda text, dice: text[: dice.randrange(len(text) + 1)],
    lambda text, dice: text.replace("name", dice.choice(("Name", "nam", "name.x", '"n\\u0061me"'))),
    lambda text, dice: text.replace("\n", dice.choice(("\r\n", "\r", "\u2028"))),
    lambda text, dice: "\ufeff" + text,
    lambda text, dice: text + "\n" + dice.choice(list(FAMILIES)) + " = " + dice.choice(VALUES),
]  # fmt: skip

PATHS: list[Callable[[str, random.Random], str]] = [
    _insert, _cut, _other_character,
    lambda path, dice: f"{path}.{path}",
    lambda path, dice: ".".join([path] * dice.choice((3, 9, 600))),
    lambda path, dice: path.rpartition(".")[0],
    lambda path, dice: f".{path}",
    lambda path, dice: path.upper(),
    lambda path, dice: path + "x" * dice.choice((1, 40_000)),
]  # fmt: skip


def judge(load: Callable[[], Preset], mutation: str | bytes, figures: Figures) -> None:
    """Loads a mutation as the command does, and counts the result."""
    old = signal.signal(signal.SIGALRM, _on_alarm)
    signal.alarm(HANG_SECONDS)
    try:
        preset = load()
        printed = _printed(lambda: print(preset.description, preset.differences(Preset())))
        if Preset.from_toml(preset.to_toml(), "saved") != preset:
            figures.fault("unfaithful", mutation, preset.to_toml())
        figures.counts["accepted"] += 1
    except WorkbenchError as error:
        found = error
        printed = _printed(lambda: complain(found))
        figures.counts["refused"] += 1
    except _HangError:
        figures.fault("hangs", mutation, traceback.format_exc())
        return
    except Exception:
        figures.fault("tracebacks", mutation, traceback.format_exc())
        return
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    if not is_printable(printed):
        figures.fault("raw control characters", mutation, repr(printed))
    if len(printed) > LONGEST_MESSAGE and "error:" in printed:
        figures.fault("endless messages", mutation, printed[:300])


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    raise _HangError


def _printed(show: Callable[[], None]) -> str:
    """The text that reaches the terminal."""
    written = io.BytesIO()
    edge = output.Edge(io.TextIOWrapper(written, encoding="utf-8"))
    with contextlib.redirect_stdout(edge), contextlib.redirect_stderr(edge):
        show()
        edge.flush()
    return written.getvalue().decode()


def fuzz_presets(count: int, seed: int) -> Figures:
    """Mutated preset files, in their own folder."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated.toml"
        for content in mutated_presets(count, seed):
            path.write_bytes(content)
            judge(lambda: library.load(str(path)).with_absolute_paths(), content, figures)
    return figures


def fuzz_assignments(count: int, seed: int) -> Figures:
    """Mutated arguments of `--set`."""
    figures = Figures()
    for given in mutated_assignments(count, seed):
        judge(lambda given=given: Preset().override(given), " ".join(given), figures)  # type: ignore[misc]
    return figures


def main() -> int:
    """Prints the figures; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=3_200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = []
    for name, fuzz in (("presets", fuzz_presets), ("--set", fuzz_assignments)):
        figures = fuzz(options.mutations, options.seed)
        print(f"{options.mutations} {name}: {figures}")
        faults += figures.faults
    print("\n\n".join(faults[:20]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
