"""Batch norm over the clips of all processes that train together, on any device."""

# B clips of this process, C channels, T H W their size

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncBatchNorm(nn.BatchNorm3d):
    """``nn.SyncBatchNorm``, which runs on CUDA alone, for processes on CPUs.

    In evaluation it is plain batch norm, as it is in a process on its own. Every process must
    hold as many clips as the others.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, T, H, W), normalised by the statistics of all processes' clips."""
        if not self.training or not dist.is_initialized():
            return super().forward(input)
        assert self.momentum is not None and self.running_mean is not None and self.running_var is not None
        count = input.numel() // input.shape[1] * dist.get_world_size()
        # Two passes, mean first: a difference of large sums would cost half of the digits.
        mean_C = _sum_over_all(input) / count
        centred = input - mean_C.view(1, -1, 1, 1, 1)
        variance_C = _sum_over_all(centred.square()) / count
        with torch.no_grad():
            assert self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean_C.detach(), self.momentum)
            self.running_var.lerp_(variance_C.detach() * count / (count - 1), self.momentum)
        scale_C = self.weight * torch.rsqrt(variance_C + self.eps)
        return centred * scale_C.view(1, -1, 1, 1, 1) + self.bias.view(1, -1, 1, 1, 1)


def _sum_over_all(values_BCTHW: Tensor) -> Tensor:
    """Sums per channel over the clips of all processes, differentiable."""
    return all_reduce(values_BCTHW.sum((0, 2, 3, 4)))


def synchronise_norms(network: nn.Module, device: torch.device) -> nn.Module:
    """Replace every batch norm by one over all processes; parameters and statistics stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm3d):
            norm = SyncBatchNorm(child.num_features, child.eps, child.momentum).to(child.weight)
            norm.load_state_dict(child.state_dict())
            setattr(network, name, norm)
        else:
            synchronise_norms(child, device)
    return network
