"""What a backbone is given: normalised frames, or motion."""

# B batch, T frames, L bins of motion, H W frame size, C channels, h w cells

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
