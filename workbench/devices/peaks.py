"""The peak FLOP/s of known GPUs, to compare a run with.

Dense figures from NVIDIA's papers (those with sparsity, which no run here uses, are twice as high), in TFLOP/s, at the
boost clock: float32 outside the tensor cores, the others in them, with sums in float32. A GPU that is not in the table,
or lacks a precision, has no figure: it is never guessed from a similar name.
"""

from __future__ import annotations

import re

TERA = 1e12

_CARDS: tuple[tuple[str, dict[str, float]], ...] = (
    # NVIDIA V100 datasheet (2020).
    (r"V100-SXM2-\d+GB", {"float32": 15.7, "fp16": 125.0}),
    (r"V100-PCIE-\d+GB", {"float32": 14.0, "fp16": 112.0}),
    # NVIDIA T4 datasheet (2019).
    (r"T4", {"float32": 8.1, "fp16": 65.0}),
    # NVIDIA A100 datasheet (2021): the same for SXM and PCIe, 40 and 80 GB.
    (r"A100-(SXM4|PCIE)-\d+GB|A100 80GB PCIe", {"float32": 19.5, "tf32": 156.0, "bf16": 312.0, "fp16": 312.0}),
    # NVIDIA A30 and A10 datasheets (2021).
    (r"A30", {"float32": 10.3, "tf32": 82.0, "bf16": 165.0, "fp16": 165.0}),
    (r"A10", {"float32": 31.2, "tf32": 62.5, "bf16": 125.0, "fp16": 125.0}),
    # NVIDIA A40 and RTX A6000 datasheets (2021).
    (r"A40", {"float32": 37.4, "tf32": 74.8, "bf16": 149.7, "fp16": 149.7}),
    (r"RTX A6000", {"float32": 38.7, "tf32": 77.4, "bf16": 154.8, "fp16": 154.8}),
    # NVIDIA L4, L40 and L40S datasheets (2023): given with sparsity, halved.
    (r"L4", {"float32": 30.3, "tf32": 60.0, "bf16": 121.0, "fp16": 121.0}),
    (r"L40", {"float32": 90.5, "tf32": 90.5, "bf16": 181.0, "fp16": 181.0}),
    (r"L40S", {"float32": 91.6, "tf32": 183.0, "bf16": 362.0, "fp16": 362.0}),
    # NVIDIA H100 datasheet (2023) and H100 NVL (2024): given with sparsity, halved.
    (r"H100 80GB HBM3", {"float32": 67.0, "tf32": 494.7, "bf16": 989.4, "fp16": 989.4}),
    (r"H100 PCIe", {"float32": 51.0, "tf32": 378.0, "bf16": 756.5, "fp16": 756.5}),
    (r"H100 NVL", {"float32": 60.0, "tf32": 417.5, "bf16": 835.5, "fp16": 835.5}),
    # NVIDIA H200 datasheet (2024): given with sparsity, halved.
    (r"H200", {"float32": 67.0, "tf32": 494.7, "bf16": 989.4, "fp16": 989.4}),
    (r"H200 NVL", {"float32": 60.0, "tf32": 417.5, "bf16": 835.5, "fp16": 835.5}),
    # NVIDIA Blackwell datasheet (2024), HGX B200 with eight cards: given with sparsity, halved.
    (r"B200", {"float32": 75.0, "tf32": 1100.0, "bf16": 2250.0, "fp16": 2250.0}),
    # NVIDIA Ampere GA102 whitepaper (2021), appendix A: half precision with sums in float32.
    (r"GeForce RTX 3080", {"float32": 29.8, "tf32": 29.8, "bf16": 59.5, "fp16": 59.5}),
    (r"GeForce RTX 3090", {"float32": 35.6, "tf32": 35.6, "bf16": 71.0, "fp16": 71.0}),
    # NVIDIA Ada whitepaper (2022), appendix A.
    (r"GeForce RTX 4080", {"float32": 48.7, "tf32": 48.7, "bf16": 97.5, "fp16": 97.5}),
    (r"GeForce RTX 4090", {"float32": 82.6, "tf32": 82.6, "bf16": 165.2, "fp16": 165.2}),
    # NVIDIA RTX Blackwell whitepaper (2025), appendices A to C.
    (r"GeForce RTX 5070", {"float32": 30.9, "tf32": 30.9, "bf16": 61.7, "fp16": 61.7}),
    (r"GeForce RTX 5070 Ti", {"float32": 43.9, "tf32": 43.9, "bf16": 87.9, "fp16": 87.9}),
    (r"GeForce RTX 5080", {"float32": 56.3, "tf32": 56.3, "bf16": 112.6, "fp16": 112.6}),
    (r"GeForce RTX 5090", {"float32": 104.8, "tf32": 104.8, "bf16": 209.5, "fp16": 209.5}),
)


def peak_flops(device_name: str, precision: str) -> float | None:
    """The peak FLOP per second of a GPU in a precision of `runtime.precision`; None where it is not known.

    device_name: from PyTorch or NVML, such as `NVIDIA H100 80GB HBM3` or `Tesla T4`.
    """
    name = device_name.removeprefix("NVIDIA ").removeprefix("Tesla ")
    for pattern, figures in _CARDS:
        if re.fullmatch(pattern, name):
            return figures[precision] * TERA if precision in figures else None
    return None
