"""torch: for a GPU, and for networks in training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime
from speediness.models.checkpoint import load_speednet
from speediness.models.speednet import SpeedNet

FRAMES = 512  # of sequences at once


def open_runtime(path: Path) -> Runtime:
    """Both steps of the network whose safetensors lie beside the exported file ``path``."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return runtime_for(load_speednet(path.with_suffix(".safetensors")).to(device))


def compiled(function: Callable[..., Any], dynamic: bool | None = None) -> Callable[..., Any]:
    """The same as graphs; what cannot be compiled here, as without a C compiler, runs as it is.

    Args:
        function: a network, or a method of one.
        dynamic: whether one graph serves inputs of all sizes, see :func:`torch.compile`.
    """
    from torch._dynamo import config  # takes a second, which only those pay who compile

    config.suppress_errors = True
    return torch.compile(function, dynamic=dynamic)


def runtime_for(network: SpeedNet) -> Runtime:
    """A network, shipped or in training, as what analysis and evaluation call.

    On CUDA the windows are scored in bfloat16 by compiled graphs, the motion in single precision.
    """
    device = next(network.parameters()).device
    fast: Callable[..., tuple[Tensor, ...]] = network.score_windows
    if device.type == "cuda":
        fast = compiled(network.score_windows, dynamic=True)

    def given(array: Pixels | Floats) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    def motion(before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        with torch.inference_mode():
            flow_grid = [
                network.motion(given(before_PHWC[i : i + FRAMES]), given(after_PHWC[i : i + FRAMES])).cpu()
                for i in range(0, len(before_PHWC), FRAMES)
            ]
        return torch.cat(flow_grid).numpy()

    def windows(clips: Pixels | None, flow_grid: Floats, intervals: Floats) -> Outputs:
        network.eval()
        outputs: list[tuple[Tensor, ...]] = []
        step = max(1, FRAMES // (flow_grid.shape[1] + 1))
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, device.type == "cuda"):
            for i in range(0, len(flow_grid), step):
                part = slice(i, i + step)
                seen = None if clips is None else given(clips[part])
                outputs.append(fast(seen, given(flow_grid[part]), given(intervals[part])))
        columns = zip(*outputs, strict=True)
        return Outputs(*(torch.cat(column).float().cpu().numpy() for column in columns))

    return Runtime(motion, windows, network.stem.uses_frames, network.context)
