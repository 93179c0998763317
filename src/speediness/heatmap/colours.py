"""Two colour maps that colour-blind people can read, as the numbers of a video's plot."""

# N levels of a value

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import NDArray

from speediness.heatmap.squares import MapKind

LEVELS = 255  # odd: the middle one is 0 of the signed map
COVER = 0.8  # opacity of the strongest colour over the video

# Okabe and Ito's blue and orange, darkened or lightened outwards: told apart under every common kind
# of colour blindness, and from one another in grey.
NATURAL, NEUTRAL, SPED_UP = ("#0B2E59", "#0072B2", "#6DBBEA"), "#E9E9E4", ("#F5B041", "#E66100", "#7A2B00")


def colour_map(kind: MapKind) -> Colormap:
    """From one colour to another for drive, from blue over grey to orange for speed."""
    if kind == "drive":
        return colormaps["inferno"].resampled(LEVELS)
    stops = [*NATURAL, NEUTRAL, *SPED_UP]
    return LinearSegmentedColormap.from_list("natural-sped-up", stops, LEVELS)


def rgb_table(kind: MapKind) -> NDArray[np.float64]:
    """(N, 3) red, green and blue in 0..1 for values from the lowest to the highest."""
    return np.asarray(colour_map(kind)(np.arange(LEVELS)))[:, :3]


def opacity_table(kind: MapKind) -> NDArray[np.float64]:
    """(N,) how much of the video a value hides, 0..COVER: what says nothing leaves it as it is."""
    strength = np.linspace(0, 1, LEVELS) if kind == "drive" else np.abs(np.linspace(-1, 1, LEVELS))
    return COVER * np.minimum(1.25 * strength, 1)
