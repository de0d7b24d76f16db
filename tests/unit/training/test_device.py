"""An unavailable device or precision is reported in words; the available ones train."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from tests.unit.training.scripted import of_type
from workbench.errors import DeviceError
from workbench.runs.events import EpochEnd
from workbench.settings.preset import Preset
from workbench.settings.runtime import Runtime
from workbench.training.device import Precision, configure_torch, device_name, resolve_device
from workbench.training.job import build_job
from workbench.training.memory.out_of_memory import explain_out_of_memory
from workbench.training.trainer import Trainer

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def pretend(
    patch: pytest.MonkeyPatch, gpus: int = 0, *, built: bool = True, metal: bool = False, major: int = 9
) -> None:
    """Makes PyTorch see a machine with this many GPUs of a generation (8 is Ampere)."""
    patch.setattr(torch.backends.cuda, "is_built", lambda: built)
    patch.setattr(torch.cuda, "is_available", lambda: built and gpus > 0)
    patch.setattr(torch.cuda, "device_count", lambda: gpus)
    patch.setattr(torch.cuda, "get_device_name", lambda device=None: "NVIDIA T1000")
    patch.setattr(torch.cuda, "get_device_capability", lambda device=None: (major, 0))
    patch.setattr(torch.backends.mps, "is_available", lambda: metal)


def test_auto_takes_a_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=2, metal=True)
    assert resolve_device("auto") == torch.device("cuda", 0)
    pretend(monkeypatch, metal=True)
    assert resolve_device("auto") == torch.device("mps")
    pretend(monkeypatch)
    assert resolve_device("auto") == CPU


def test_a_gpu_is_meant_by_its_number_and_the_first_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=2)
    assert resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("requested", ["cuda:1", "cuda:7", "cuda:200", "cuda:256", "cuda:99999999999999999999"])
def test_a_gpu_beyond_those_that_are_there_is_reported_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    pretend(monkeypatch, gpus=1)
    with pytest.raises(DeviceError) as error:
        resolve_device(requested)
    message = str(error.value)
    assert f'"{requested}"' in message
    assert "cuda:0 (NVIDIA T1000)" in message


def test_without_a_gpu_or_driver_the_message_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    for requested in ("cuda", "cuda:0", "cuda:7"):
        with pytest.raises(DeviceError, match=f'runtime.device = "{requested}".*no usable NVIDIA GPU.*nvidia-smi'):
            resolve_device(requested)


def test_a_build_without_cuda_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, built=False)
    with pytest.raises(DeviceError, match="built without CUDA"):
        resolve_device("cuda")


def test_metal_that_is_not_there_is_reported_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    with pytest.raises(DeviceError, match="no Metal device"):
        resolve_device("mps")
    pretend(monkeypatch, metal=True)
    assert resolve_device("mps") == torch.device("mps")


def test_devices_are_called_what_people_call_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=1)
    assert [device_name(torch.device(kind)) for kind in ("cpu", "cuda", "mps")] == ["CPU", "NVIDIA T1000", "Apple GPU"]


def test_a_preset_for_a_gpu_that_is_not_there_is_refused_before_any_data_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch)
    preset = Preset().override(["data.name=csv", "data.file=nowhere.csv", "data.target=x", "runtime.device=cuda"])
    with pytest.raises(DeviceError):
        build_job(preset, lambda progress: None)


def test_tf32_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=1, major=7)
    for device in (CPU, GPU):
        with pytest.raises(DeviceError, match=r'"tf32" needs an NVIDIA GPU of the Ampere generation.*"float32"'):
            Precision("tf32", device)
    pretend(monkeypatch, gpus=1, major=8)
    assert Precision("tf32", GPU).scaler is None


def test_bf16_is_refused_on_older_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=1, major=7)
    with pytest.raises(DeviceError, match=r'"bf16" needs.*not NVIDIA T1000; use "fp16"'):
        Precision("bf16", GPU)
    assert Precision("bf16", CPU).name == "bf16"


def test_fp16_is_refused_on_metal() -> None:
    with pytest.raises(DeviceError, match='"fp16" needs loss scaling'):
        Precision("fp16", torch.device("mps"))


def test_fp16_alone_scales_its_losses() -> None:
    assert [Precision(name, CPU).scaler is not None for name in ("float32", "bf16", "fp16")] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_matrix_products_are_in_the_precision_that_was_chosen(name: str, dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(3, 2)
    with Precision(name, CPU).autocast():
        assert layer(torch.ones(4, 3)).dtype == dtype
    assert layer(torch.ones(4, 3)).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize(
    "data", [["data.name=iris"], ["data.name=diabetes", "loss.name=mse"]], ids=lambda data: data[0]
)
def test_lower_precisions_train_on_the_cpu(
    make_trainer: Callable[..., Trainer], precision: str, data: list[str]
) -> None:
    chosen = ["training.epochs=6", "optimizer.learning_rate=0.01", f"runtime.precision={precision}"]
    trainer = make_trainer(*data, *chosen)
    trainer.train()
    ends = of_type(trainer, EpochEnd)
    losses = [end.train["loss"] for end in ends]
    assert losses[-1] < 0.9 * losses[0]
    assert ends[-1].validation is not None
    assert ends[0].validation is not None
    assert ends[-1].validation["loss"] < ends[0].validation["loss"]
    assert all(parameter.dtype == torch.float32 for parameter in trainer.job.model.parameters())


def test_fp16_passes_over_steps_whose_gradients_overflow(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer("runtime.precision=fp16")
    scaler = trainer.job.precision.scaler
    assert scaler is not None
    scaler.load_state_dict(scaler.state_dict() | {"scale": 2.0**60})
    before = [parameter.clone() for parameter in trainer.job.model.parameters()]
    trainer.engine.start_epoch(torch.arange(109))
    trainer.engine.run_steps(1)
    after = list(trainer.job.model.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert scaler.get_scale() < 2.0**60
    trainer.train()
    assert all(bool(parameter.isfinite().all()) for parameter in trainer.job.model.parameters())


@pytest.fixture
def _settings_of_torch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts back what PyTorch keeps globally."""
    threads, benchmark = torch.get_num_threads(), torch.backends.cudnn.benchmark
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = benchmark


@pytest.mark.usefixtures("_settings_of_torch")
def test_threads_and_determinism_are_set_as_the_preset_says() -> None:
    configure_torch(Runtime(num_threads=1, deterministic=True), CPU)
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    configure_torch(Runtime(num_threads=0, deterministic=False), CPU)
    assert torch.get_num_threads() == 1  # 0 leaves the choice where it is
    assert not torch.are_deterministic_algorithms_enabled()


# Running out of memory.


def explained(error: Exception, *assignments: str) -> str | None:
    found = explain_out_of_memory(error, Preset().override(list(assignments)), CPU)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_host_without_memory_is_reported_with_the_batch_size_and_what_to_try(error: Exception) -> None:
    message = explained(error, "data.batch_size=64", "training.gradient_accumulation=3")
    assert message is not None
    for part in ("batch size 64", "data.batch_size = 32", "training.gradient_accumulation = 6", "a smaller model"):
        assert part in message


def test_a_gpu_without_memory_is_reported_with_its_name_and_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=1)
    properties: Any = type("Properties", (), {"total_memory": 8 * 2**30})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7 * 2**30)
    found = explain_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"), Preset(), GPU)
    assert found is not None
    for part in ("NVIDIA T1000, 8.0 GiB", "7.00 GiB", "batch size 64", "data.batch_size = 32", "bf16", "loader"):
        assert part in str(found)


@pytest.mark.parametrize("setting", ['runtime.precision = "bf16"', 'runtime.data_loading = "dataloader"'])
def test_what_is_set_already_is_not_advised(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    error = torch.OutOfMemoryError("CUDA out of memory")
    assert setting in str(explained(error))
    assert setting not in str(explained(error, setting.replace(" ", "")))


def test_a_batch_of_one_sample_is_not_advised_to_be_halved() -> None:
    message = explained(MemoryError(), "data.batch_size=1")
    assert message is not None
    assert "data.batch_size =" not in message
    assert "training.gradient_accumulation" not in message


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError(), KeyError("memory")])
def test_other_errors_are_not_taken_for_want_of_memory(error: Exception) -> None:
    assert explained(error) is None


@pytest.mark.slow
def test_denormals_are_flushed_in_every_thread_that_computes() -> None:
    """In a process of its own: threads take the setting from the one that starts them."""
    script = """
import torch
from workbench.settings.runtime import Runtime
from workbench.training.device import configure_torch
configure_torch(Runtime(num_threads=2), torch.device("cpu"))
assert torch.get_num_threads() == 2
print(int((torch.full((4_000_000,), 2e-38) * 0.1).count_nonzero()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
