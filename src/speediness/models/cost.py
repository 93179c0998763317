"""How large a network is and what it costs to run."""

from copy import deepcopy

import torch
from torch import Tensor, nn
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


def count_saved_bytes(network: nn.Module, *inputs: Tensor) -> int:
    """What a training step keeps of these inputs until the gradient is known, weights not counted.

    Args:
        network: in training mode or not; run once.
        inputs: of its ``forward``, on its device.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}
    held = []  # storage that is freed may come again at the same place

    def pack(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(saved)
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        network(*inputs)
    return sum(kept.values())
