"""How a script reads texts: docstrings, Python's help, and the user's files."""

from __future__ import annotations

from workbench.export.script.facts import Facts
from workbench.export.script.files import written_splits
from workbench.export.script.part import Code, Part
from workbench.export.script.templates import fill
from workbench.export.script.written import literal
from workbench.settings.preset import Preset
from workbench.settings.text_data import Docstrings, LongText, TextFile, TextFolder, TextTable

DOCSTRINGS = r'''
def load_data() -> dict[str, Split]:
    """First paragraphs of docstrings of installed packages, and which package wrote each."""
    owners: dict[str, set[int]] = {}
    for number, package in enumerate(PACKAGES):
        for paragraph in paragraphs(Path(find_spec(package).submodule_search_locations[0])):
            owners.setdefault(paragraph, set()).add(number)
    own = {paragraph: min(numbers) for paragraph, numbers in owners.items() if len(numbers) == 1}
    return {"train": (np.array(list(own), dtype=object), torch.tensor(list(own.values())))}


def paragraphs(folder: Path) -> list[str]:
    """The different first paragraphs of the docstrings below a folder, at most $most_written, with names masked."""
    found: dict[str, None] = {}
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).parts
        if any(part in SKIPPED or part.startswith("test_") for part in parts):
            continue
        for docstring in docstrings(file):
            paragraph = NAMES.sub($mask, " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split()))
            if len(paragraph) >= $shortest:
                found[paragraph] = None
        if len(found) >= $most:
            break
    return list(found)[:$most]


def docstrings(file: Path) -> list[str]:
    """All docstrings of a file; none where it is not Python that this Python can parse."""
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    found = [ast.get_docstring(node, clean=False) for node in nodes if isinstance(node, kinds)]
    return [docstring for docstring in found if docstring]
'''

LONG = '''
def load_text() -> str:
    """$what."""
    return "\\n\\n".join(text.strip() for _, text in sorted(topics.items()))  #? topics
    return Path(FILE).read_text(encoding="utf-8-sig")  #? file
    return "\\n".join(Path(file).read_text(encoding="utf-8-sig") for file in FILES)  #? files


def load_data() -> dict[str, Split]:
    """Windows of ids (n, CONTEXT), and the id that follows each of them."""
    text = load_text()
    validation = round(len(text) * (1 - TEST_PART - VALIDATION_PART))
    test = round(len(text) * (1 - TEST_PART))
    parts = {"train": text[:validation]}
    parts["validation"] = text[validation:test]  #? validates
    parts["test"] = text[test:]  #? tests
    vocabulary = fit_vocabulary([parts["train"]])  #? vocabulary
    splits = {}
    for name, part in parts.items():
        ids = torch.tensor([vocabulary.get(token, 1) for token in tokens_of(part)])  #? vocabulary
        ids = torch.tensor([2 + byte for byte in tokens_of(part)])  #? !vocabulary
        windows = (len(ids) - 1) // CONTEXT
        end = windows * CONTEXT
        splits[name] = (ids[:end].view(windows, CONTEXT), ids[1 : end + 1].view(windows, CONTEXT))
    return splits
'''

TABLE = '''
def load_data() -> dict[str, Split]:
    """The texts of a table, and what to predict."""
    csv.field_size_limit(sys.maxsize)
    with open(FILE, encoding=$encoding, newline="") as file:
        lines = csv.reader(file, delimiter=DELIMITER, skipinitialspace=True)
        rows = [[value.strip() for value in line] for line in lines]
    header, *rows = [row for row in rows if row not in ([], [""])]
    rows = [row for row in rows if row[header.index(TARGET)] not in MISSING]  #? drops
    texts = np.array([row[header.index(TEXT)] for row in rows], dtype=object)
    targets = torch.tensor([CLASSES.index(row[header.index(TARGET)]) for row in rows])  #? classes
    targets = torch.tensor([[float(row[header.index(TARGET)])] for row in rows], dtype=torch.float64)  #? !classes
    return {"train": (texts, targets)}
'''

FOLDER = '''
def read_folder(folder: Path) -> Split:
    """The texts of folder/<class>/, and the numbers of their classes."""
    texts, targets = [], []
    for target, name in enumerate(CLASSES):
        for path in sorted((folder / name).glob("[!.]*")):
            if path.suffix.lower() in SUFFIXES:
                texts.append(path.read_text(encoding="utf-8-sig"))
                targets.append(target)
    return np.array(texts, dtype=object), torch.tensor(targets)


def load_data() -> dict[str, Split]:
    """The texts of each split."""
    return {$splits}
'''


def docstrings_part(preset: Preset, facts: Facts) -> Part:
    """Docstrings of packages."""
    assert isinstance(preset.data, Docstrings)
    found = facts.docstrings
    assert found is not None
    names = Code(f're.compile(\n    r"{found.names}",\n    re.IGNORECASE,\n)')
    settings = (("PACKAGES", tuple(found.modules)), ("SKIPPED", tuple(found.skipped)), ("NAMES", names))
    code = fill(
        DOCSTRINGS,
        mask=literal(found.mask),
        most=str(found.most),
        most_written=f"{found.most:,}",
        shortest=str(found.shortest),
    )
    imports = ["import ast", "import inspect", "import re", "from importlib.util import find_spec"]
    return Part(code, (*imports, "from pathlib import Path", "import numpy as np"), settings)


def long_text_part(preset: Preset, facts: Facts) -> Part:
    """One long text, for a language model."""
    data = preset.data
    assert isinstance(data, LongText)
    files = facts.files
    holds = {"topics": not isinstance(data, TextFile), "file": len(files) == 1, "files": len(files) > 1}
    holds |= {"validates": data.validation_fraction > 0, "tests": data.test_fraction > 0}
    what = "All topics of Python's help()" if holds["topics"] else "The text of the file" + "s" * holds["files"]
    code = fill(LONG, holds | {"vocabulary": data.tokens != "bytes"}, what=what)
    settings: list[tuple[str, object]] = [("CONTEXT", data.context)]
    settings += [("VALIDATION_PART", data.validation_fraction), ("TEST_PART", data.test_fraction)]
    if files:
        settings.append(("FILE", files[0]) if len(files) == 1 else ("FILES", files))
    imports = "from pydoc_data.topics import topics" if holds["topics"] else "from pathlib import Path"
    return Part(code, (imports,), tuple(settings))


def text_table_part(preset: Preset, facts: Facts) -> Part:
    """A table of texts."""
    data, table = preset.data, facts.table
    assert isinstance(data, TextTable)
    assert table is not None
    classes = facts.task == "classification"
    code = fill(TABLE, {"drops": table.drops_missing, "classes": classes}, encoding=literal(table.encoding))
    settings: list[tuple[str, object]] = [("FILE", data.file), ("DELIMITER", table.delimiter), ("TEXT", data.text)]
    settings += [("TARGET", data.target)] + [("CLASSES", facts.classes)] * classes
    settings += [("MISSING", data.missing_values)] * table.drops_missing
    return Part(code, ("import csv", "import sys", "import numpy as np"), tuple(settings))


def text_folder_part(preset: Preset, facts: Facts) -> Part:
    """A folder of texts for each class."""
    data, folder = preset.data, facts.folder
    assert isinstance(data, TextFolder)
    assert folder is not None
    code = fill(FOLDER, splits=written_splits(facts))
    settings: list[tuple[str, object]] = [("FOLDER", Code(f"Path({literal(data.folder)})")), ("CLASSES", facts.classes)]
    settings.append(("SUFFIXES", tuple(folder.suffixes)))
    return Part(code, ("import numpy as np", "from pathlib import Path"), tuple(settings))
