"""Two colour maps that colour-blind people can read, as the numbers of a video's plot."""

# N levels of a value

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import NDArray

from speediness.heatmap.squares import MapKind
from speediness.video.info import ColourTags

LEVELS = 255  # odd: the middle one is 0 of the signed map
COVER = 0.8  # opacity of the strongest colour over the video

# Okabe and Ito's blue and orange, darkened or lightened outwards: told apart under every common kind
# of colour blindness, and from one another in grey.
NATURAL, NEUTRAL, SPED_UP = ("#0B2E59", "#0072B2", "#6DBBEA"), "#E9E9E4", ("#F5B041", "#E66100", "#7A2B00")

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Shares of red and blue in luma by matrix (ITU-T H.273): BT.709, BT.601 twice, BT.2020."""
HD_LINES = 720  # players take untagged plots this tall for BT.709, others for BT.601
FULL_RANGE = 2


def _diverging() -> Colormap:
    stops = [*NATURAL, NEUTRAL, *SPED_UP]
    return LinearSegmentedColormap.from_list("natural-sped-up", stops, LEVELS)


def _sequential() -> Colormap:
    return colormaps["inferno"].resampled(LEVELS)


COLOUR_MAPS: dict[MapKind, Callable[[], Colormap]] = {"drive": _sequential, "speed": _diverging}


def rgb_table(kind: MapKind) -> NDArray[np.float64]:
    """(N, 3) red, green and blue in 0..1 for values from the lowest to the highest."""
    return np.asarray(COLOUR_MAPS[kind]()(np.arange(LEVELS)))[:, :3]


def opacity_table(kind: MapKind) -> NDArray[np.float64]:
    """(N,) how much of the video a value hides, 0..COVER: what says nothing leaves it as it is."""
    strength = np.linspace(0, 1, LEVELS) if kind == "drive" else np.abs(np.linspace(-1, 1, LEVELS))
    return COVER * np.minimum(1.25 * strength, 1)


def to_yuv(rgb: NDArray[np.float64], colour: ColourTags, height_px: int) -> NDArray[np.uint8]:
    """(.., 3) RGB in 0..1 to luma, Cb and Cr in 0..255 as the video's tags have them.

    Args:
        rgb: gamma-coded, of the video's own primaries: colours here need not be exact.
        colour: tags of the video.
        height_px: of the plot; decides where the matrix is not told.
    """
    red, blue = WEIGHTS.get(colour.matrix, WEIGHTS[1 if height_px >= HD_LINES else 6])
    luma = rgb @ np.array([red, 1 - red - blue, blue])
    cb, cr = (rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)
    if colour.range == FULL_RANGE:
        planes = np.stack([255 * luma, 128 + 255 * cb, 128 + 255 * cr], -1)
    else:
        planes = np.stack([16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr], -1)
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)
