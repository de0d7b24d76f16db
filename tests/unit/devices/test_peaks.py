"""What a card can do at most is known for the card itself, in the precision asked for, or not at all."""

from __future__ import annotations

import pytest

from workbench.devices.peaks import peak_flops


@pytest.mark.parametrize(
    ("name", "precision", "tera"),
    [
        ("Tesla T4", "fp16", 65.0),
        ("Tesla V100-SXM2-16GB", "float32", 15.7),
        ("NVIDIA A100-SXM4-80GB", "bf16", 312.0),
        ("NVIDIA A100 80GB PCIe", "tf32", 156.0),
        ("NVIDIA H100 80GB HBM3", "bf16", 989.4),
        ("NVIDIA H100 PCIe", "bf16", 756.5),
        ("NVIDIA H200", "float32", 67.0),
        ("NVIDIA B200", "bf16", 2250.0),
        ("NVIDIA L4", "bf16", 121.0),
        ("NVIDIA L40S", "bf16", 362.0),
        ("NVIDIA GeForce RTX 4090", "fp16", 165.2),
    ],
)
def test_known_cards(name: str, precision: str, tera: float) -> None:
    assert peak_flops(name, precision) == pytest.approx(tera * 1e12)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("CPU", "float32"),
        ("", "bf16"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bf16"),
        ("NVIDIA A10G", "bf16"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bf16"),
        ("Tesla V100-SXM2-16GB", "bf16"),
        ("Tesla T4", "tf32"),
    ],
)
def test_a_similar_name_or_a_precision_that_the_card_lacks_has_no_figure(name: str, precision: str) -> None:
    assert peak_flops(name, precision) is None
