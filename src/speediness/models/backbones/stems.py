"""What a backbone is given: normalised frames, or motion."""

# B batch, T frames, L bins of motion, H W frame size, C channels, h w cells

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.motion import LUMA_WEIGHTS, MotionCells

# ImageNet mean and deviation of RGB in 0..1, as in the RSPNet code.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

NOISE_PX, LOG_FLOOR_PX = 0.05, 0.02  # pixels per bin; less is noise of sensor and coding, not motion


def normalised(frames_HWC: Tensor) -> Tensor:
    """uint8 frames (B, .., H, W, C) as networks of ImageNet see them (B, 3, .., H, W); luma is repeated."""
    rgb = frames_HWC.float() / 255
    return ((rgb - rgb.new_tensor(RGB_MEAN)) / rgb.new_tensor(RGB_STD)).movedim(-1, 1)


class FrameStem(nn.Module):
    """The paper's input: RGB, normalised."""

    out_channels = 3
    sees_frames = True
    margin = 0

    def forward(self, clips_BTHWC: Tensor) -> Tensor:
        """uint8 frames to normalised RGB (B, 3, T, H, W); luma is repeated."""
        return normalised(clips_BTHWC)


class MotionStem(nn.Module):
    """Motion in bins, twice: as it is, and relative to the mean over the frame around that time.

    The second copy is the same however near the camera stands: in it speed shows only in how
    motion changes with time, which is what tells a fast walk from a near one (SpeedNet Fig. 2).

    Attributes:
        margin: bins at either end that only serve as context.
    """

    out_channels = 8
    sees_frames = False
    margin = 1

    def forward(self, motion_B4Lhw: Tensor) -> Tensor:
        """(B, 8, L - 2, h, w): motion, its length, confidence, relative motion, log of its mean.

        Args:
            motion_B4Lhw: displacement along x and y and its length in pixels per bin at short side
                REFERENCE_PX, and confidence.
        """
        moved, seen = motion_B4Lhw[:, :3, 1:-1], motion_B4Lhw[:, 3:, 1:-1]
        power_B1L11 = motion_B4Lhw[:, 2:3].square().mean((3, 4), keepdim=True)
        around_B1L11 = F.avg_pool3d(power_B1L11, (3, 1, 1), 1)
        relative = moved / torch.sqrt(around_B1L11 + NOISE_PX**2)
        mean = torch.log(torch.sqrt(around_B1L11 + LOG_FLOOR_PX**2)).expand_as(seen)
        return torch.cat([_compressed(2 * moved), seen, _compressed(relative), mean], 1)


def _compressed(values: Tensor) -> Tensor:
    """asinh, written out: the runtime's own is five times slower."""
    return values.sign() * torch.log(values.abs() + torch.sqrt(values.square() + 1))


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
