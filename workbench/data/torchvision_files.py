"""Finds the files of torchvision's data sets and those that are damaged; each data set stores them differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def open_dataset(dataset: Any, folder: Path, split: str, *, download: bool) -> Any:
    """Instantiates torchvision's class `dataset` for the split "train" or "test" in `folder`."""
    if hasattr(dataset, "split_list"):
        return dataset(folder, split=split, download=download)
    return dataset(folder, train=split == "train", download=download)


def files_of(dataset: Any, folder: Path) -> dict[Path, str | None]:
    """The files that torchvision reads, each with its MD5 if torchvision checks it."""
    if hasattr(dataset, "resources"):
        raw = folder / dataset.__name__ / "raw"
        return {raw / Path(archive).stem: None for archive, _ in dataset.resources}
    if hasattr(dataset, "base_folder"):
        lists = [*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])]
        return {folder / dataset.base_folder / file: md5 for file, md5 in lists}
    return {folder / file: md5 for _, file, md5 in (dataset.split_list[split] for split in ("train", "test"))}


def damaged_files(dataset: Any, folder: Path) -> list[Path]:
    """The existing files whose content is wrong."""
    return [file for file, md5 in files_of(dataset, folder).items() if file.is_file() and not _intact(file, md5)]


def _intact(file: Path, md5: str | None) -> bool:
    from torchvision.datasets.mnist import read_image_file, read_label_file
    from torchvision.datasets.utils import check_integrity

    if md5 is not None:
        return bool(check_integrity(file, md5))
    try:
        read_image_file(str(file)) if "images" in file.name else read_label_file(str(file))
    except Exception:
        # AssertionError, ValueError or KeyError, depending on where the file is broken.
        return False
    return True
