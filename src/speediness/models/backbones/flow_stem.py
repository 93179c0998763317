"""What a network of two streams is given: RGB and the optical flow between neighbouring frames."""

# B batch, T frames, H W frame size, C channels

import torch
from torch import Tensor

from speediness.models.backbones.stems import FrameStem
from speediness.models.motion import LUMA_WEIGHTS, MotionCells

RGB, FLOW = slice(0, 3), slice(3, 5)
"""Channels of each in what :class:`FlowStem` gives."""

STEPS_PER_PX = 64


class FlowStem(FrameStem):
    """Normalised RGB, then displacements along x and y in pixels from each frame to the next.

    Paper (Simonyan and Zisserman 2014, section 3.1): flow of Brox et al. 2004, measured beforehand and
    stored. Here: the Lucas-Kanade flow of the project, measured from the very clip that is seen, so that
    crops, mirroring and size are those of the frames; it underestimates what moves by more than some
    6 pixels. As the paper's, which are stored in eight bits, the fields are rounded, so that what stands
    still has no flow at all.
    """

    out_channels = 5

    def __init__(self) -> None:
        super().__init__()
        self.motion = MotionCells()

    def forward(self, clips_BTHWC: Tensor) -> Tensor:
        """uint8 frames to (B, 5, T, H, W); the last frame repeats the flow that led to it.

        H and W are multiples of 8.
        """
        return torch.cat([super().forward(clips_BTHWC), self.measure(clips_BTHWC)], 1)

    @torch.no_grad()
    def measure(self, clips_BTHWC: Tensor) -> Tensor:
        """Flow (B, 2, T, H, W) of uint8 frames, in pixels."""
        n_clips, n_frames = clips_BTHWC.shape[:2]
        rgb_BTHW3 = clips_BTHWC.float().expand(-1, -1, -1, -1, 3) / 255
        luma_BT1HW = (rgb_BTHW3 * rgb_BTHW3.new_tensor(LUMA_WEIGHTS)).sum(4).unsqueeze(2)
        flow_P2HW, _ = self.motion.flow(luma_BT1HW[:, :-1].flatten(0, 1), luma_BT1HW[:, 1:].flatten(0, 1))
        flow_P2HW = (flow_P2HW * STEPS_PER_PX).round() / STEPS_PER_PX
        flow_B2SHW = flow_P2HW.unflatten(0, (n_clips, n_frames - 1)).transpose(1, 2)
        return torch.cat([flow_B2SHW, flow_B2SHW[:, :, -1:]], 2)
