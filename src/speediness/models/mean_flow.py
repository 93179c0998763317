"""The baseline of Table 1 (SpeedNet §5.1.2): a small network on the mean flow of every frame."""

# B batch, T frames, S = T - 1 pairs of neighbours, H W frame size, C channels

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speediness.engines.runtime import ClipClassifier

HIDDEN = 64
MIN_INTERVAL = 0.25  # as in SpeedNet.velocity: a frame paired with itself has not moved, whatever 0 / 0 is


class MeanFlowNet(nn.Sequential):
    """Two fully connected layers with ReLU and batch norm: magnitudes (B, S) to logits (B, 2).

    Paper: a vector of T magnitudes. Here: T - 1, as many as a clip of T frames has. The first
    batch norm brings pixels to a common scale.

    Args:
        n_pairs: S.
    """

    def __init__(self, n_pairs: int) -> None:
        super().__init__(
            nn.BatchNorm1d(n_pairs),
            nn.Linear(n_pairs, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 2),
        )


def flow_magnitudes(
    clips_BTHWC: NDArray[np.uint8], intervals_BS: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean magnitude (B, S) of DIS flow (Kroeger et al. 2016) between neighbouring frames.

    Args:
        clips_BTHWC: uint8 luma or RGB, at the very size the network sees.
        intervals_BS: spacing of the frames in reference intervals; the displacements are divided
            by it as the network's own are, so that uneven frame rates do not count as motion.

    Returns:
        Pixels per reference interval on a frame of short side 64, as
        :meth:`speediness.models.speednet.SpeedNet.velocity` has them.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pixels_BS = np.empty(intervals_BS.shape, np.float32)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # sharing out frames this small takes longer than the work (measured: 1.6x)
    try:
        for b, clip_THWC in enumerate(clips_BTHWC):
            luma_THW = [_luma(frame) for frame in clip_THWC]
            for s, (before, after) in enumerate(pairwise(luma_THW)):
                flow_HW2 = estimator.calc(before, after, np.empty(0, np.float32))
                pixels_BS[b, s] = np.linalg.norm(flow_HW2, axis=2).mean()
    finally:
        cv2.setNumThreads(threads)
    size_px = min(clips_BTHWC.shape[2:4])
    return pixels_BS * (64 / size_px) / np.maximum(intervals_BS, MIN_INTERVAL)


def classify_by_flow(network: MeanFlowNet) -> ClipClassifier:
    """The baseline as the function that evaluation calls; its flow is the mean, given twice."""

    def classify(
        clips: NDArray[np.uint8], intervals: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        magnitudes_BS = flow_magnitudes(clips, intervals)
        network.eval()
        with torch.inference_mode():
            logits_B2: Tensor = network(torch.from_numpy(magnitudes_BS))
        mean_B = magnitudes_BS.mean(1)
        return logits_B2.numpy(), np.stack([mean_B, mean_B], 1)

    return classify


def _luma(frame_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frame_HWC.shape[2] == 1:
        return np.ascontiguousarray(frame_HWC[:, :, 0])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(frame_HWC), cv2.COLOR_RGB2GRAY), np.uint8)
