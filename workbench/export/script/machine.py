"""How a script computes: threads, small numbers, and which library multiplies matrices, all as in the run."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.export.script.part import Code, Part
from workbench.export.script.templates import fill


@dataclass(frozen=True)
class Machine:
    """How a run was computed."""

    run: str
    """Its name."""
    torch: str
    """PyTorch's version; empty where it is not known."""
    cpu: str
    """The processor's name; empty where it is not known."""
    num_threads: int
    """CPU threads of PyTorch."""
    by_onednn: bool
    """Whether oneDNN multiplies float32 matrices here, see `workbench.training.matmul_backend`."""
    traced: bool
    """Whether the traced engine computed the run's steps."""
    on_gpu: bool = False
    """Whether an NVIDIA GPU computed them."""
    deterministic: bool = False
    """Whether only deterministic algorithms may be used on it."""


CONFIGURE = '''
def configure() -> None:
    """Has PyTorch compute as in the run, to the last bit."""
    torch.set_num_threads($threads)  # another number adds up in another order  #? !gpu
    torch.set_flush_denormal(True)  # numbers below 1e-38 are slow
    torch.set_float32_matmul_precision("medium")  # oneDNN multiplies, in float32; MKL is slower here  #? onednn
    torch.set_float32_matmul_precision("highest")  #? gpu
    torch.backends.cudnn.allow_tf32 = False  #? gpu
    torch.backends.cudnn.benchmark = True  # takes the fastest convolutions  #? gpu !deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  #? gpu deterministic
    torch.use_deterministic_algorithms(True)  #? gpu deterministic
'''

AS_IN_THE_RUN = '''
class AsInTheRun(TorchDispatchMode):
    """Multiplies large matrices by oneDNN and small ones by MKL while training, as the run did: they round differently.

    Without it training is faster, and differs in the last bits.
    """

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        if operator in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default):
            is_large = 2 * args[-2].numel() * args[-1].shape[1] >= 1_000_000
            by_onednn = is_large or torch.is_inference_mode_enabled()
            torch.set_float32_matmul_precision("medium" if by_onednn else "highest")
        return operator(*args, **(kwargs or {}))
'''


def machine_part(machine: Machine) -> Part:
    """The function `configure`, and the mode `AsInTheRun` where the run chose a library for each multiplication."""
    holds = {"onednn": machine.by_onednn, "gpu": machine.on_gpu, "deterministic": machine.deterministic}
    codes = [fill(CONFIGURE, holds, threads=str(machine.num_threads))]
    imports = ["import torch"] + ["import os"] * (machine.on_gpu and machine.deterministic)
    if chooses_library(machine):
        codes.append(fill(AS_IN_THE_RUN))
        imports.append("from torch.utils._python_dispatch import TorchDispatchMode")
    device = Code('"cuda" if torch.cuda.is_available() else "cpu"')
    return Part("\n\n\n".join(codes), tuple(imports), (("DEVICE", device),) if machine.on_gpu else ())


def chooses_library(machine: Machine) -> bool:
    """Whether the run's traced steps multiplied small matrices by another library, see `graphs.fused_linear`."""
    return machine.by_onednn and machine.traced
