"""How a script computes: threads, small numbers, and which library multiplies matrices, all as in the run."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.export.script.part import Part
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


CONFIGURE = '''
def configure() -> None:
    """Has PyTorch compute as in the run, to the last bit."""
    torch.set_num_threads($threads)  # another number adds up in another order
    torch.set_flush_denormal(True)  # numbers below 1e-38 are slow
    torch.set_float32_matmul_precision("medium")  # oneDNN multiplies, in float32; MKL is slower here  #? onednn
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
    codes = [fill(CONFIGURE, {"onednn": machine.by_onednn}, threads=str(machine.num_threads))]
    imports = ["import torch"]
    if chooses_library(machine):
        codes.append(fill(AS_IN_THE_RUN))
        imports.append("from torch.utils._python_dispatch import TorchDispatchMode")
    return Part("\n\n\n".join(codes), tuple(imports))


def chooses_library(machine: Machine) -> bool:
    """Whether the run's traced steps multiplied small matrices by another library, see `graphs.fused_linear`."""
    return machine.by_onednn and machine.traced
