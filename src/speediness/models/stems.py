"""What a backbone is given: normalised frames, or velocities."""

# B batch, T frames, H W frame size, C channels, h w cells of 8 x 8 pixels

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# ImageNet mean and deviation of RGB in 0..1, as in the RSPNet code.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Displacements below this many pixels per frame (at N = 64) are sensor noise, not motion.
NOISE_PX = 0.03


class FrameStem(nn.Module):
    """The paper's input: RGB, normalised."""

    out_channels = 3
    uses_frames = True
    context = 0

    def forward(self, clips_BTHWC: Tensor, velocity_B4Thw: Tensor | None) -> Tensor:
        """uint8 frames to normalised RGB (B, 3, T, H, W); luma is repeated."""
        frames = (clips_BTHWC.permute(0, 4, 1, 2, 3).float() / 255).expand(-1, 3, -1, -1, -1)
        mean = frames.new_tensor(RGB_MEAN).view(1, 3, 1, 1, 1)
        std = frames.new_tensor(RGB_STD).view(1, 3, 1, 1, 1)
        return (frames - mean) / std


class MotionStem(nn.Module):
    """Velocities alone, twice: as they are, and relative to the video's own speed around that time.

    The second copy is the same however near the camera stands: in it speed shows only in how
    motion changes with time, which is what tells a fast walk from a near one (SpeedNet Fig. 2).
    """

    out_channels = 6
    uses_frames = False
    context = 7

    def forward(self, clips_BTHWC: Tensor | None, velocity_B4Thw: Tensor) -> Tensor:
        """(B, 6, T, h, w): velocity, speed, relative velocity, confidence; needs no frames."""
        velocity, speed, seen = velocity_B4Thw.split([2, 1, 1], 1)
        power_B1T = speed.square().mean((3, 4))
        # Beyond the ends of what is given there is nothing, so the mean is over fewer frames there.
        around_B1T = F.avg_pool1d(power_B1T, 2 * self.context + 1, 1, self.context, count_include_pad=False)
        relative = velocity / torch.sqrt(around_B1T[..., None, None] + NOISE_PX**2)
        return torch.cat([_compressed(velocity), _compressed(speed), _compressed(relative), seen], 1)


def _compressed(values: Tensor) -> Tensor:
    """asinh, written out: the runtime's own is five times slower."""
    return values.sign() * torch.log(values.abs() + torch.sqrt(values.square() + 1))
