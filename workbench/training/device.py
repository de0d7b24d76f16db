"""Where and in which number format a step is computed."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from workbench.errors import DeviceError
from workbench.settings.runtime import Runtime
from workbench.training.matmul_backend import use_onednn_for_matmul


def resolve_device(requested: str) -> torch.device:
    """The device that `runtime.device` asks for; auto is a GPU if there is one. Raises DeviceError."""
    if requested == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = requested.partition(":")
    if kind == "cuda":
        return _cuda_device(requested, int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError('runtime.device = "mps", but this machine has no Metal device; use "auto" or "cpu"')
    return torch.device(kind)


def _cuda_device(requested: str, index: int) -> torch.device:
    if not torch.backends.cuda.is_built():
        raise DeviceError(
            f'runtime.device = "{requested}", but this PyTorch ({torch.__version__}) is built without CUDA; '
            'install a CUDA build, or use "auto" or "cpu"'
        )
    if not torch.cuda.is_available():
        raise DeviceError(
            f'runtime.device = "{requested}", but PyTorch finds no usable NVIDIA GPU or driver here; '
            'look at nvidia-smi, or use "auto" or "cpu"'
        )
    names = [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if index >= len(names):
        raise DeviceError(f'runtime.device = "{requested}", but there is only {", ".join(names)}')
    return torch.device("cuda", index)


def device_name(device: torch.device) -> str:
    """Its name for the user."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else "CPU"


def device_uuid(device: torch.device) -> str | None:
    """The UUID of a GPU, without NVML's prefix GPU-; None for other devices, and where PyTorch does not know it."""
    if device.type != "cuda":
        return None
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return None if uuid is None else str(uuid)


class Precision:
    """The number format of the matrix products: autocast and, for fp16, loss scaling."""

    def __init__(self, name: str, device: torch.device) -> None:
        """Raises DeviceError where the device cannot compute in that format."""
        _check_precision(name, device)
        self.name = name
        self._device_type = device.type
        self._autocast_dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name)
        self.scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the model runs forward."""
        if self._autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self._device_type, self._autocast_dtype)


def _check_precision(name: str, device: torch.device) -> None:
    if name == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise DeviceError(
            f'runtime.precision = "tf32" needs an NVIDIA GPU of the Ampere generation or later, not {device}; '
            'use "float32"'
        )
    if name == "bf16" and device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        raise DeviceError(
            f'runtime.precision = "bf16" needs an NVIDIA GPU of the Ampere generation or later, not '
            f'{device_name(device)}; use "fp16"'
        )
    if name == "fp16" and device.type == "mps":
        raise DeviceError('runtime.precision = "fp16" needs loss scaling, which Metal lacks; use "float32"')


def configure_torch(runtime: Runtime, device: torch.device) -> None:
    """Sets what PyTorch keeps globally: threads, denormals, deterministic algorithms, how it multiplies matrices.

    Called before anything is computed: the threads that PyTorch starts then inherit the flushing of denormals.
    """
    for kind in (np.float32, np.float64):
        np.finfo(kind)  # numpy 2.0 finds the smallest number by computing, once, and warns where it is flushed
    # The moments of weights that see no gradient (MNIST's black border) decay into numbers below 1e-38, which many CPUs
    # handle in microcode: a fused Adam step was measured at 2.0 ms with them and at 0.2 ms without.
    torch.set_flush_denormal(True)
    if runtime.num_threads:
        torch.set_num_threads(runtime.num_threads)
    if runtime.deterministic:
        # cuBLAS reads this when its handle is made; without it deterministic algorithms raise.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(runtime.deterministic)
    torch.backends.cudnn.benchmark = not runtime.deterministic
    if device.type == "cpu":
        use_onednn_for_matmul()
    if device.type == "cuda":
        # Events and streams are made on the current device.
        torch.cuda.set_device(device)
        tf32 = runtime.precision != "float32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
