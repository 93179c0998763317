"""From a decoded frame to the image that is encoded: upright, even sides, 4:2:0, 8 or 10 bits."""

from collections.abc import Sequence
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from speediness.video.info import ColourTags, VideoInfo

BT709 = ColourTags(range=1, matrix=1, primaries=1, transfer=1)

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Shares of red and blue in luma by matrix (ITU-T H.273): BT.709, BT.601 twice, BT.2020."""
HD_LINES = 720  # players take untagged plots this tall for BT.709, others for BT.601
FULL_RANGE = 2


class Yuv420Converter:
    """Turns the frames of one video into upright images of one size.

    An odd side loses its last row or column (4:2:0 needs even sides, and cropping one pixel keeps
    the others sharp); pixels that are not square are made so. Luma, chroma and their tags are
    passed on as they are; RGB and grey videos become BT.709.

    Attributes:
        width_px: of the images made, even.
        height_px: of the images made, even.
        colour: what the numbers in the images mean.

    Args:
        info: of the video.
        pixel_format: of the images, yuv420p or yuv420p10le.
    """

    def __init__(self, info: VideoInfo, pixel_format: str = "yuv420p") -> None:
        self._pixel_format = pixel_format
        self._orientation = info.orientation
        self._stored_px = tuple(max(side - side % 2, 2) for side in info.stored_size_px)
        across, down = self._stored_px
        self.width_px, self.height_px = (down, across) if info.orientation.transposed else (across, down)
        pixels = av.VideoFormat(info.pixel_format)
        self._foreign = pixels.is_rgb or pixels.has_palette or len(pixels.components) < 3
        self.colour = BT709 if self._foreign else info.colour
        self._scaler = VideoReformatter()

    def make(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The image of a decoded frame; the frame itself where nothing needs doing."""
        across, down = self._stored_px
        crops = (frame.width - frame.width % 2, frame.height - frame.height % 2) == (across, down)
        image = self._scaler.reformat(
            frame,
            width=frame.width if crops else across,
            height=frame.height if crops else down,
            format=self._pixel_format,
            interpolation="BICUBIC",
            dst_colorspace=Colorspace.ITU709 if self._foreign else None,
            dst_color_range=ColorRange.MPEG if self._foreign else None,
        )
        upright = not (self._orientation.transposed or self._orientation.flip_x or self._orientation.flip_y)
        if upright and (image.width, image.height) == (across, down):
            return image
        sizes = ((down, across), (down // 2, across // 2), (down // 2, across // 2))
        return from_planes(
            [self._orientation.upright(p[:h, :w]) for p, (h, w) in zip(planes(image), sizes, strict=True)]
        )


def planes(image: av.VideoFrame) -> list[NDArray[Any]]:
    """Views of the Y, U and V planes of an image, ``(H, W)`` each, 16 bits a number where 8 are too few."""
    views, dtype = [], "<u2" if image.format.components[0].bits > 8 else "u1"
    for plane in image.planes:
        memory: Any = plane  # PyAV's planes are buffers, its type stubs do not say so
        rows = np.frombuffer(memory, dtype).reshape(plane.height, -1)
        views.append(rows[:, : plane.width])
    return views


def from_planes(planes_HW: Sequence[NDArray[Any]]) -> av.VideoFrame:
    """A yuv420p or yuv420p10le image from its Y, U and V planes; the inverse of :func:`planes`."""
    height_px, width_px = planes_HW[0].shape
    deep = planes_HW[0].itemsize > 1
    image = av.VideoFrame(width_px, height_px, "yuv420p10le" if deep else "yuv420p")
    for target, source in zip(planes(image), planes_HW, strict=True):
        target[:] = source
    return image


def to_yuv(rgb: NDArray[np.float64], colour: ColourTags, height_px: int) -> NDArray[np.uint8]:
    """(.., 3) RGB in 0..1 to luma, Cb and Cr in 0..255 as the video's tags have them.

    RGB is gamma-coded, of the video's own primaries: colours here need not be exact. The height of the
    plot decides where the matrix is not told.
    """
    red, blue = WEIGHTS.get(colour.matrix, WEIGHTS[1 if height_px >= HD_LINES else 6])
    luma = rgb @ np.array([red, 1 - red - blue, blue])
    cb, cr = (rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)
    if colour.range == FULL_RANGE:
        planes = np.stack([255 * luma, 128 + 255 * cb, 128 + 255 * cr], -1)
    else:
        planes = np.stack([16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr], -1)
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)
