"""Tables, arrays and folders of images are read alike by a script."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.export.script.alike import assert_trains_alike, script_of
from workbench.errors import UsageError
from workbench.settings.preset import Preset

SMALL = ("model.hidden=[8]", "data.batch_size=16", "training.epochs=2", "runtime.device=cpu")

ROWS = 60


def table(delimiter: str = ",", number: str = "{:.3f}") -> str:
    """Numbers, large numbers, a flag, words, some missing; a class and a number to predict."""
    generator = np.random.default_rng(0)
    lines = [delimiter.join(["size", "time", "flag", "city", "kind", "price"])]
    for row in range(ROWS):
        size = "" if row % 20 == 7 else number.format(generator.normal())
        city = ["Bonn", "Ulm", "Köln"][int(generator.integers(3))]
        fields = [size, str(20230101 + row), str(row % 2), city, "abc"[row % 3], f"{generator.normal(100, 9):.2f}"]
        lines.append(delimiter.join(fields))
    return "\n".join(lines) + "\n"


def alike(folder: Path, *assignments: str) -> str:
    return assert_trains_alike(Preset().override([*SMALL, *assignments]), folder)


@pytest.mark.parametrize("more", [["data.target=kind"], ["data.target=price", "loss.name=mse"]], ids=" ".join)
def test_csv(tmp_path: Path, more: list[str]) -> None:
    (tmp_path / "rows.csv").write_text(table(), encoding="utf-8")
    text = alike(tmp_path, "data.name=csv", f"data.file={tmp_path / 'rows.csv'}", "data.missing=drop", *more)
    assert '["Bonn", "Köln", "Ulm"]' in text


def test_csv_in_utf_16_and_compressed_tsv(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv.gz").write_bytes(gzip.compress(table("\t").encode("utf-16")))
    alike(tmp_path, "data.name=csv", f"data.file={tmp_path / 'rows.tsv.gz'}", "data.missing=drop", "data.target=kind")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (table(";").replace(".", ","), "another way than 1234.5"),
        ("# made by hand\n" + table(), "lines above its header"),
        (
            table().replace("Bonn", "True", 9).replace("Ulm", "False").replace("Köln", "true"),
            "one word in several ways",
        ),
    ],
)
def test_csv_that_takes_more_lines_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rows.csv").write_text(text.replace("Bonn", "false"), encoding="utf-8")
    where = f"data.file={tmp_path / 'rows.csv'}"
    preset = Preset().override([*SMALL, "data.name=csv", where, "data.missing=drop", "data.target=kind"])
    with pytest.raises(UsageError, match=said):
        script_of(preset)


@pytest.mark.parametrize(
    "kind", ["rows", "pixels in rows", "grey", "channels last", "splits", "one-hot", "gaps", "numbers"]
)
def test_npz(tmp_path: Path, kind: str) -> None:
    generator = np.random.default_rng(0)
    y: np.ndarray[Any, Any] = np.arange(48) % 3
    x: np.ndarray[Any, Any] = generator.normal(size=(48, 5)) + y[:, None]
    more = []
    match kind:
        case "rows":
            x = x.astype(np.float32)
        case "pixels in rows":
            x = generator.integers(0, 255, (48, 5)).astype(np.uint8)
        case "grey":
            x = generator.integers(0, 255, (48, 6, 6)).astype(np.uint8)
        case "channels last":
            x = generator.normal(size=(48, 6, 6, 3)).astype(np.float32)
        case "one-hot":
            y = np.eye(3)[y]
        case "gaps":
            y = y * 10 - 10
        case "numbers":
            y, more = np.stack([x.sum(1), x[:, 0]], axis=1), ["loss.name=mse"]
    splits = {"x": x, "y": y}
    if kind == "splits":
        splits = {"x_train": x, "y_train": y, "x_val": x[:20] + 0.1, "y_val": y[:20], "x_test": x[:9], "y_test": y[:9]}
        more = ["validation.method=predefined"]
    np.savez(tmp_path / "arrays.npz", allow_pickle=False, **splits)
    alike(tmp_path, "data.name=npz", f"data.file={tmp_path / 'arrays.npz'}", *more)


@pytest.mark.parametrize("more", [["data.size=9"], ["data.colors=gray"]], ids=" ".join)
@pytest.mark.parametrize("splits", [[""], ["train", "val", "Test"]], ids=" ".join)
def test_image_folder(tmp_path: Path, splits: list[str], more: list[str]) -> None:
    generator = np.random.default_rng(0)
    for split in splits:
        for number, name in enumerate(("cat", "dog")):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            for image in range(20):
                pixels = generator.integers(0, 128, (12, 12, 3)) + 100 * number
                file = f"{image}.{'jpg' if image % 2 else 'png'}"
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "images" / split / name / file)
    alike(tmp_path, "data.name=image_folder", f"data.folder={tmp_path / 'images'}", *more)
