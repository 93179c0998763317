"""The baseline of Table 1 (SpeedNet §5.1.2): a small network on the mean flow of every frame."""

# B batch, T frames, S = T - 1 pairs of neighbours, H W frame size, C channels

from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speediness.motion_field import REFERENCE_PX
from speediness.runtime.protocol import BOUNDARY, Outputs, Pixels, Runtime

HIDDEN = 64


class MeanFlowNet(nn.Module):
    """Two fully connected layers with ReLU and batch norm on the magnitudes of :func:`flow_magnitudes`.

    Paper: a vector of T magnitudes. Here: S = T - 1, as many as a clip of T frames has. The first batch
    norm brings pixels to a common scale.

    Attributes:
        layers: magnitudes (B, S) to logits (B, 2).
    """

    def __init__(self, n_pairs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(n_pairs),
            nn.Linear(n_pairs, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 2),
        )

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        """The rate (B, 2) of clips, as :meth:`speediness.models.speednet.SpeedNet.forward` has it."""
        logits_B2 = self.layers(torch.from_numpy(flow_magnitudes(clips_BTHWC.numpy())))
        mean_B = logits_B2[:, 1] - logits_B2[:, 0] + BOUNDARY
        return (torch.stack([mean_B, torch.zeros_like(mean_B)], 1),)


def flow_magnitudes(clips_BTHWC: Pixels) -> NDArray[np.float32]:
    """Mean magnitude (B, S) of DIS flow (Kroeger et al. 2016) between neighbouring frames.

    Args:
        clips_BTHWC: uint8 luma or RGB, at the very size the network sees.

    Returns:
        Pixels per pair of neighbours on a frame of short side REFERENCE_PX.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pixels_BS = np.empty((len(clips_BTHWC), clips_BTHWC.shape[1] - 1), np.float32)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # sharing out frames this small takes longer than the work (measured: 1.6x)
    try:
        for b, clip_THWC in enumerate(clips_BTHWC):
            luma_THW = [luma(frame) for frame in clip_THWC]
            for s, (before, after) in enumerate(pairwise(luma_THW)):
                flow_HW2 = estimator.calc(before, after, np.empty(0, np.float32))
                pixels_BS[b, s] = np.linalg.norm(flow_HW2, axis=2).mean()
    finally:
        cv2.setNumThreads(threads)
    return pixels_BS * (REFERENCE_PX / min(clips_BTHWC.shape[2:4]))


def runtime_by_rate(network: nn.Module) -> Runtime:
    """A baseline that gives the rate of clips alone, as evaluation calls it: no features, no maps."""

    @torch.inference_mode()
    def classify_clips(clips_BTHWC: Pixels) -> Outputs:
        rate_B2: Tensor = network.eval()(torch.from_numpy(clips_BTHWC))[0]
        nothing_BT = np.zeros(clips_BTHWC.shape[:2], np.float32)
        return Outputs(rate_B2[:, None].numpy(), nothing_BT[..., None], nothing_BT[..., None, None])

    return Runtime(classify_clips=classify_clips)


def luma(frame_HWC: Pixels) -> Pixels:
    """The brightness (H, W) of a frame of one channel or of RGB (BT.601)."""
    if frame_HWC.shape[2] == 1:
        return np.ascontiguousarray(frame_HWC[:, :, 0])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(frame_HWC), cv2.COLOR_RGB2GRAY), np.uint8)
