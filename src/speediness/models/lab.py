"""CIE Lab of sRGB under D65, the colour space in which colours are compared and quantised."""

import torch
from torch import Tensor

# IEC 61966-2-1: linear sRGB to XYZ; its rows are divided by the white point, so that white is 1, 1, 1.
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
LUMA = (0.299, 0.587, 0.114)  # BT.601, as videos are decoded to
THRESHOLD, SLOPE = (6 / 29) ** 3, (29 / 6) ** 2 / 3


def lab(rgb: Tensor) -> Tensor:
    """(.., 3) sRGB in 0..1 to L in 0..100, a and b in about -110..110."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = rgb.new_tensor(TO_XYZ)
    xyz = linear @ (matrix / matrix.sum(1, keepdim=True)).T
    curved = torch.where(xyz > THRESHOLD, xyz.clamp(min=THRESHOLD) ** (1 / 3), SLOPE * xyz + 4 / 29)
    x, y, z = curved.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
