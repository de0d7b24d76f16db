"""Writes what is in memory into the run directory: on request, and when a GPU has run out of memory.

On a GPU that is PyTorch's snapshot, for pytorch.org/memory_viz, and a summary in text. It shows where a block was
allocated only if the memory history was recorded then, which costs some microseconds an allocation. So it is recorded
in the first steps of a process, where most runs that do not fit run out of memory, and in the steps before a
snapshot. PyTorch does not track the CPU's memory; there the summary lists the tensors that Python can reach.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from workbench.atomic_files import write_atomically, write_text_atomically
from workbench.devices.host import HostMonitor
from workbench.errors import StorageError
from workbench.files import make_folder
from workbench.runs.directory import RunDirectory
from workbench.runs.measurements import MemorySnapshot
from workbench.training.job import Job
from workbench.training.memory.snapshot_summary import Held, Owner, gpu_summary, host_summary
from workbench.units import count, size

MOST_ENTRIES = 200_000
"""Most allocations and frees in the memory history; each may take a kilobyte."""


def can_record(device: torch.device) -> bool:
    """Whether PyTorch can record where memory of the device was allocated."""
    return device.type == "cuda"


def start_recording() -> None:
    """Starts recording each allocation on a GPU with its Python frames."""
    torch.cuda.memory._record_memory_history("all", stacks="python", max_entries=MOST_ENTRIES)


def stop_recording() -> None:
    """Stops recording; blocks that are alive keep their frames, the history of the others is dropped."""
    torch.cuda.memory._record_memory_history(None)


def write_snapshot(job: Job, run: RunDirectory, step: int, steps: int) -> MemorySnapshot:
    """Writes what is in memory after a step. Raises StorageError. steps: in which allocations were recorded."""
    path = _path(run, step)
    if not can_record(job.device):
        make_folder(run.profiles)
        write_text_atomically(path, _host_text(job, step), parents=False)
        return MemorySnapshot(step=step, steps=0, file=_within(run, path))
    recorded = f" and in the {count(steps)} steps before it" if steps else ""
    pickled = _write_gpu(run, step, _index(job.device), job, f"GPU memory after step {count(step)}{recorded}")
    return MemorySnapshot(step=step, steps=steps, file=_within(run, path), pickle=_within(run, pickled))


def write_after_running_out(run: RunDirectory, step: int, device: torch.device | None, job: Job | None) -> Path | None:
    """Writes what is in the memory of a GPU that has run out of it; returns the summary's path, None if that failed.

    The frames of the failed step must still be alive (in the exception's traceback), or its memory is free already.
    """
    with suppress(StorageError, RuntimeError):
        index = _index(device) if device is not None else torch.cuda.current_device()
        _write_gpu(run, step, index, job, f"GPU memory when it ran out, after step {count(step)}")
        return _path(run, step)
    return None


def _write_gpu(run: RunDirectory, step: int, device: int, job: Job | None, title: str) -> Path:
    """Writes snapshot and summary; returns the snapshot's path."""
    snapshot = torch.cuda.memory._snapshot()
    owners = {} if job is None else {_address(tensor): owner for tensor, owner in owned_tensors(job)}
    pickled = _path(run, step).with_suffix(".pickle")
    where = f"the whole snapshot: {pickled.name}, for https://pytorch.org/memory_viz"
    summary = gpu_summary(snapshot, owners, device, f"{title}\n{where}")
    make_folder(run.profiles)
    write_text_atomically(_path(run, step), summary, parents=False)
    write_atomically(pickled, lambda file: pickle.dump(snapshot, file), parents=False)
    return pickled


def owned_tensors(job: Job) -> Iterator[tuple[Tensor, Owner]]:
    """The tensors that live as long as the job, and its gradients, each with what it is."""
    names = {id(parameter): name for name, parameter in job.model.named_parameters()}
    for name, parameter in job.model.named_parameters():
        yield parameter, Owner("parameters", name)
        if parameter.grad is not None:
            yield parameter.grad, Owner("gradients", name)
    for name, buffer in job.model.named_buffers():
        yield buffer, Owner("buffers of the model", name)
    for trained, state in job.optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                yield value, Owner("optimizer state", f"{name} of {names.get(id(trained), 'a parameter')}")
    for split, source in (("train", job.train), ("validation", job.validation), ("test", job.test)):
        for name, value in vars(source).items() if source is not None else ():
            if isinstance(value, Tensor):
                yield value, Owner("samples", f"{name.strip('_')} of the {split} split")


def _host_text(job: Job, step: int) -> str:
    owners = {_address(tensor): owner for tensor, owner in owned_tensors(job)}
    pieces: dict[int, Held] = {}
    gc.collect()  # garbage is not part of the job
    for tensor in _reachable_tensors():
        if (address := _address(tensor)) and address not in pieces:
            owner = owners.get(address)
            name = f"{' × '.join(map(str, tensor.shape)) or 'scalar'} {str(tensor.dtype).removeprefix('torch.')}"
            kind = "others" if owner is None else owner.kind
            pieces[address] = Held(
                tensor.untyped_storage().nbytes(), kind, f"{kind}: {name if owner is None else owner.name}"
            )
    host, peak = HostMonitor(os.getpid()).read(), 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resident = host.rss_bytes or 0
    facts = [("process", f"{size(resident)} resident, {size(max(peak, resident))} at most so far")]
    title = (
        f"Host memory between two steps, after step {count(step)}\n"
        "(PyTorch does not track the host's memory: these are the tensors that\n"
        "Python can reach. Activations live within a step only.)"
    )
    return host_summary(list(pieces.values()), facts, title)


def _reachable_tensors() -> Iterator[Tensor]:
    for item in gc.get_objects():
        # By type: asking some lazy objects for their class makes them import things.
        if issubclass(type(item), Tensor) and not issubclass(type(item), FakeTensor):
            with suppress(RuntimeError, NotImplementedError):  # without memory of their own: sparse, fake, wrapped
                if item.device.type == "cpu" and item.untyped_storage().nbytes():
                    yield item


def _address(tensor: Tensor) -> int:
    """Where the tensor's memory begins; 0 if it has none."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return 0


def _index(device: torch.device) -> int:
    return device.index if device.index is not None else torch.cuda.current_device()


def _path(run: RunDirectory, step: int) -> Path:
    return run.profiles / f"memory-{step}.txt"


def _within(run: RunDirectory, path: Path) -> str:
    return str(path.relative_to(run.path))
