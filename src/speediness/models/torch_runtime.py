"""torch: for a GPU, and for networks in training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness.models.checkpoint import load_speednet
from speediness.models.speednet import SpeedNet
from speediness.runtime.protocol import Floats, Indices, Outputs, Pixels, Runtime

FRAMES = 512  # of sequences at once


def open_runtime(path: Path) -> Runtime:
    """All steps of the network whose safetensors lie beside the exported file ``path``."""
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

    On CUDA windows are classified in bfloat16 by compiled graphs, motion in single precision.
    """
    device = next(network.parameters()).device

    def call(method: Callable[..., tuple[Tensor, ...]], *arrays: NDArray | None) -> Outputs:
        network.eval()
        inputs = (None if array is None else _given(array, device) for array in arrays)
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, device.type == "cuda"):
            return Outputs(*(output.float().cpu().numpy() for output in method(*inputs)))

    if network.stem.sees_frames:
        clips = compiled(network.classify_clips, True) if device.type == "cuda" else network.classify_clips

        def classify_clips(clips_BTHWC: Pixels) -> Outputs:
            step = max(1, FRAMES // clips_BTHWC.shape[1])
            parts = [call(clips, clips_BTHWC[i : i + step]) for i in range(0, len(clips_BTHWC), step)]
            return Outputs(*map(np.concatenate, zip(*parts, strict=True)))

        return Runtime(classify_clips=classify_clips)
    motion = compiled(network.classify, True) if device.type == "cuda" else network.classify

    def measure(before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        return _by_parts(network.motion, device, before_PHWC, after_PHWC)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        return call(motion, motion_BL4hw, scene_NKhw, scene_BL)

    scene = network.scene
    see = None if scene is None else lambda frames_NHWC: _by_parts(scene, device, frames_NHWC)
    return Runtime(measure, classify, see)


def _by_parts(module: torch.nn.Module, device: torch.device, *arrays: Pixels) -> Floats:
    """The answers of a module in evaluation mode, FRAMES at a time."""
    module.eval()
    with torch.inference_mode():
        parts = [
            module(*(_given(array[i : i + FRAMES], device) for array in arrays)).cpu()
            for i in range(0, len(arrays[0]), FRAMES)
        ]
    return torch.cat(parts).numpy()


def _given(array: NDArray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
