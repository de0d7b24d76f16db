"""Runtime: the device, the precision and the engine that compute a step."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workbench.settings.base import Settings, setting

DevicePattern = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]


class Runtime(Settings):
    """The device, the precision and the engine that compute a step."""

    sense: ClassVar[str] = "device, engine"

    device: DevicePattern = setting(
        "auto",
        "auto, cpu, cuda, cuda:N or mps; auto uses a GPU if there is one",
        examples=["auto", "cpu", "cuda", "cuda:1", "mps"],
    )
    precision: Literal["float32", "tf32", "bf16", "fp16"] = setting(
        "float32",
        "number format of matrix multiplications: tf32 (NVIDIA, Ampere or later), bf16, fp16 with loss scaling",
    )
    engine: Literal["auto", "eager", "traced", "compiled", "cuda_graph"] = setting(
        "auto",
        "how a step is executed; auto picks the fastest that fits, eager is plain PyTorch, traced runs the same "
        "operators as a list, without autograd, cuda_graph replays whole steps as CUDA graphs, compiled does too, with "
        "steps by torch.compile (NVIDIA GPUs only; takes seconds to minutes, once)",
    )
    data_loading: Literal["auto", "on_device", "dataloader"] = setting(
        "auto", "samples kept on the device, or read batch by batch by a DataLoader; auto: on the device if they fit"
    )
    num_workers: int = setting(
        2,
        "worker processes of the DataLoader",
        unit="processes",
        only_if={"data_loading": ("auto", "dataloader")},
        ge=0,
        le=256,
    )
    num_threads: int = setting(
        0,
        "PyTorch CPU threads (torch.set_num_threads); 0 = automatic: one per core",
        unit="threads",
        empty="auto",
        ge=0,
        le=1024,
    )
    deterministic: bool = setting(
        False, "on a GPU: use only deterministic algorithms (on the CPU, results are always bit-identical)"
    )
    measure: bool = setting(True, "measure phase times and memory; turn this off only to see what measuring costs")
    tensorboard: bool = setting(
        False, "write TensorBoard logs to the run's folder tensorboard, by a process beside the trainer"
    )
