"""Counts the FLOPs of matrix products, convolutions and attention, by the formulas of PyTorch's FlopCounterMode.

That class itself is not used: importing it imports Triton, some tenths of a second at the start of each run.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch

aten = torch.ops.aten


def flops_of(operator: Any, arguments: tuple[Any, ...], result: Any) -> int:
    """FLOPs of one call of an operator (2 for each multiplication with its addition); 0 for all other operators."""
    packet = operator._overloadpacket
    if packet is aten.mm or packet is aten.bmm:
        return _matmul(*arguments[:2])
    if packet is aten.addmm or packet is aten.baddbmm:
        return _matmul(*arguments[1:3])
    if packet is aten.convolution:
        return _convolution(arguments[0], arguments[1], result, transposed=arguments[6])
    if packet is aten.convolution_backward:
        gradient, inputs, weight = arguments[:3]
        products = sum(arguments[10][:2])  # whether the gradients of the inputs and of the weight are wanted
        return int(products) * _convolution(inputs, weight, gradient, transposed=arguments[7])
    if packet is aten._scaled_dot_product_flash_attention_for_cpu:
        return _attention(*arguments[:3])
    if packet is aten._scaled_dot_product_flash_attention_for_cpu_backward:
        # The scores are computed again; each of the two products has two gradients.
        query, key, value = arguments[1:4]
        return int(2 * _attention(query, key, value) + 2 * query.numel() * key.shape[-2])
    return 0


def _matmul(left: torch.Tensor, right: torch.Tensor) -> int:
    return 2 * left.numel() * right.shape[-1]


def _convolution(inputs: torch.Tensor, weight: torch.Tensor, output: torch.Tensor, *, transposed: bool) -> int:
    """Each position of the output (transposed: of the input) is multiplied with the whole weight."""
    positions = (inputs if transposed else output).shape[2:]
    return 2 * inputs.shape[0] * prod(positions) * weight.numel()


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> int:
    """Scores (queries × keys), and their product with the values."""
    return 2 * prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])
