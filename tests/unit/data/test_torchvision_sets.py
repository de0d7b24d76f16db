"""torchvision's data sets: tiny versions of them, from disk and from a local server."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import pickle
import socket
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets

from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Samples
from workbench.data.torchvision_sets import torchvision_set
from workbench.errors import DataError, StorageError

IMAGES = np.arange(20 * 4 * 4, dtype=np.uint8).reshape(20, 4, 4)
LABELS = np.arange(20, dtype=np.uint8) % 10
REAL_DATA = Path(os.environ.get("WORKBENCH_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array of bytes in MNIST's file format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


FILES = {
    "train-images-idx3-ubyte": idx(IMAGES),
    "train-labels-idx1-ubyte": idx(LABELS),
    "t10k-images-idx3-ubyte": idx(IMAGES[:10]),
    "t10k-labels-idx1-ubyte": idx(LABELS[:10]),
}


def nothing(progress: Progress) -> None:
    pass


def in_memory(samples: Samples) -> tuple[InMemory, InMemory]:
    assert isinstance(samples.train, InMemory)
    assert isinstance(samples.test, InMemory)
    return samples.train, samples.test


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The folder of MNIST's files in tmp_path, with all files."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, bytes]], str]]:
    """Serves files locally; the call returns the server's address, with a slash."""
    servers: list[ThreadingHTTPServer] = []

    def start(files: dict[str, bytes]) -> str:
        folder = tmp_path_factory.mktemp("served")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closed_port() -> str:
    """A local address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, closed_port: str) -> None:
    """All data sets are downloaded from the closed port, that is, not at all."""
    for family in (datasets.MNIST, datasets.FashionMNIST, datasets.KMNIST):
        monkeypatch.setattr(family, "mirrors", [closed_port])
    for family in (datasets.CIFAR10, datasets.CIFAR100):
        monkeypatch.setattr(family, "url", f"{closed_port}archive.tar.gz")
    split_list = {name: [closed_port + name, *rest] for name, (_, *rest) in datasets.SVHN.split_list.items()}
    monkeypatch.setattr(datasets.SVHN, "split_list", split_list)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, serve: Callable[[dict[str, bytes]], str]) -> None:
    """Our small MNIST is on the server."""
    archives = {f"{name}.gz": gzip.compress(content) for name, content in FILES.items()}
    monkeypatch.setattr(datasets.MNIST, "mirrors", [serve(archives)])
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in archives.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", sums)


@pytest.mark.parametrize(
    ("name", "class_name"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")]
)
def test_existing_files_are_read_without_network_or_writing(
    tmp_path: Path, raw: Path, offline: None, name: str, class_name: str
) -> None:
    raw.parent.rename(tmp_path / class_name)
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    samples = torchvision_set(name, tmp_path, nothing)
    train, test = in_memory(samples)
    assert torch.equal(train.inputs, torch.from_numpy(IMAGES).unsqueeze(1))
    assert train.targets.tolist() == LABELS.tolist()
    assert test.inputs.shape == (10, 1, 4, 4)
    assert samples.task.classes == tuple(getattr(datasets, class_name).classes)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before


def test_missing_files_are_downloaded_with_progress_and_without_printing(
    tmp_path: Path, online: None, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[Progress] = []
    train, _ = in_memory(torchvision_set("mnist", tmp_path / "new", heard.append))
    assert torch.equal(train.inputs, torch.from_numpy(IMAGES).unsqueeze(1))
    sizes = [len(gzip.compress(content)) for content in FILES.values()]
    assert [progress.done for progress in heard if progress.done == progress.total] == sizes
    assert {(progress.what, progress.unit) for progress in heard} == {("downloading mnist", "bytes")}
    assert capfd.readouterr() == ("", "")


def test_torchvision_is_restored_after_a_download(tmp_path: Path, online: None) -> None:
    before = datasets.utils.tqdm, socket.getdefaulttimeout()
    torchvision_set("mnist", tmp_path, nothing)
    assert (datasets.utils.tqdm, socket.getdefaulttimeout()) == before


def test_a_silent_server_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.download.TIMEOUT_S", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        with pytest.raises(DataError, match=r"cannot be downloaded .*timed out"):
            torchvision_set("mnist", tmp_path, nothing)


@pytest.mark.parametrize(
    ("name", "place", "file"),
    [
        ("mnist", "MNIST/raw", "train-images-idx3-ubyte, train-labels-idx1-ubyte"),
        ("fashion_mnist", "FashionMNIST/raw", "t10k-labels-idx1-ubyte"),
        ("kmnist", "KMNIST/raw", "t10k-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-py", "data_batch_1"),
        ("cifar100", "cifar-100-python", "train, test, meta"),
        ("svhn", "it", "train_32x32.mat, test_32x32.mat"),
    ],
)
def test_the_offline_error_lists_files_and_their_folder(
    tmp_path: Path, offline: None, name: str, place: str, file: str
) -> None:
    with pytest.raises(DataError) as caught:
        torchvision_set(name, tmp_path, nothing)
    message = str(caught.value)
    assert message.startswith(f"{name} is not complete in {tmp_path} and cannot be downloaded (")
    assert "refused" in message
    assert file in message
    assert f"into {tmp_path if place == 'it' else tmp_path / place}, or set data.folder" in message
    assert message.endswith(f"has them in {place}")


def test_forbidden_downloads_fetch_nothing_and_make_no_folder(
    tmp_path: Path, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    with pytest.raises(DataError, match="the first run downloads it"):
        torchvision_set("mnist", tmp_path / "data", nothing)
    assert not (tmp_path / "data").exists()


def test_a_download_with_wrong_content_is_reported(
    tmp_path: Path, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.MNIST, "resources", [(name, "0" * 32) for name, _ in datasets.MNIST.resources])
    with pytest.raises(DataError, match=r"cannot be downloaded .*corrupted"):
        torchvision_set("mnist", tmp_path, nothing)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, online: None) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"could not be downloaded: cannot write .*file.* data.folder sets where"):
        torchvision_set("mnist", tmp_path / "file" / "folder", nothing)


def test_a_full_disk_is_reported(tmp_path: Path, online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **keywords: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(datasets.utils, "_urlretrieve", full)
    with pytest.raises(StorageError, match=r"No space left on device"):
        torchvision_set("mnist", tmp_path, nothing)


@pytest.mark.parametrize("damaged", sorted(FILES))
@pytest.mark.parametrize(
    "kept", [0, 3, 10, -1], ids=["empty", "in the magic number", "in the header", "one byte short"]
)
def test_a_truncated_file_is_named(tmp_path: Path, raw: Path, offline: None, damaged: str, kept: int) -> None:
    (raw / damaged).write_bytes(FILES[damaged][:kept])
    with pytest.raises(DataError, match=rf"^mnist: {raw / damaged} is damaged .*; delete it"):
        torchvision_set("mnist", tmp_path, nothing)


def test_labels_that_are_not_classes_are_reported(tmp_path: Path, raw: Path, offline: None) -> None:
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(LABELS + 1))
    with pytest.raises(DataError, match="labels are not all from 0 to 9"):
        torchvision_set("mnist", tmp_path, nothing)


def cifar10(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of a small CIFAR-10; torchvision is patched to expect their checksums."""
    generator = np.random.default_rng(0)

    def batch() -> bytes:
        pixels = generator.integers(0, 256, (4, 3072), dtype=np.uint8)
        return pickle.dumps({"data": pixels, "labels": [0, 1, 2, 9]})

    files = {name: batch() for name in ("data_batch_1", "test_batch")}
    files["batches.meta"] = pickle.dumps({"label_names": [f"class {index}" for index in range(10)]})
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return files


def test_cifar_is_downloaded_extracted_and_has_channels_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[[dict[str, bytes]], str]
) -> None:
    files = cifar10(monkeypatch)
    unpacked = tmp_path / "made" / "cifar-10-batches-py"
    unpacked.mkdir(parents=True)
    for name, content in files.items():
        (unpacked / name).write_bytes(content)
    with tarfile.open(tmp_path / "made.tar.gz", "w:gz") as archive:
        archive.add(unpacked, arcname=unpacked.name)
    archive_bytes = (tmp_path / "made.tar.gz").read_bytes()
    monkeypatch.setattr(datasets.CIFAR10, "url", serve({"c.tar.gz": archive_bytes}) + "c.tar.gz")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(archive_bytes).hexdigest())

    samples = torchvision_set("cifar10", tmp_path / "data", nothing)
    train, test = in_memory(samples)
    pixels = pickle.loads(files["data_batch_1"])["data"]
    assert torch.equal(train.inputs, torch.from_numpy(pixels).reshape(4, 3, 32, 32))
    assert train.inputs.is_contiguous()
    assert train.targets.tolist() == [0, 1, 2, 9]
    assert len(test) == 4
    assert samples.task.classes[9] == "class 9"


def test_the_offline_error_names_a_damaged_file_of_cifar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, content in cifar10(monkeypatch).items():
        (folder / name).write_bytes(content)
    (folder / "test_batch").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"cannot be downloaded .*Damaged: test_batch\. Put"):
        torchvision_set("cifar10", tmp_path, nothing)


def test_svhn_is_read_with_the_digit_zero_as_class_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    split_list = {}
    for split in ("train", "test"):
        file = tmp_path / f"{split}_32x32.mat"
        scipy_io.savemat(file, {"X": pixels, "y": np.array([[10], [1], [2], [9]], dtype=np.uint8)})
        split_list[split] = ["unused", file.name, hashlib.md5(file.read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", split_list)
    samples = torchvision_set("svhn", tmp_path, nothing)
    train, _ = in_memory(samples)
    assert torch.equal(train.inputs, torch.from_numpy(pixels).permute(3, 2, 0, 1))
    assert train.targets.tolist() == [0, 1, 2, 9]
    assert samples.task.classes == tuple("0123456789")


@pytest.mark.skipif(not (REAL_DATA / "MNIST").is_dir(), reason="needs the real MNIST, see WORKBENCH_TEST_DATA")
def test_the_real_mnist_is_read(offline: None) -> None:
    train, test = in_memory(torchvision_set("mnist", REAL_DATA, nothing))
    assert train.inputs.shape == (60_000, 1, 28, 28)
    assert test.inputs.shape == (10_000, 1, 28, 28)
    assert train.targets.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
