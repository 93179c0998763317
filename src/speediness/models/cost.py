"""How large a network is and what it costs to run."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(network: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of the convolutions and linear layers for one input.

    Runs on torch's meta device, where there are shapes and no numbers, so that it takes no time.

    Args:
        network: in any mode; left as it is.
        shape: of the input, for a backbone (B, C, T, H, W).
    """
    shapes = deepcopy(network).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shapes(torch.empty(shape, device="meta"))
    return counter.get_total_flops() // 2
