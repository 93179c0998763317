"""The legend of a heat map, drawn once for a video."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from speediness.heatmap.colours import colour_map
from speediness.heatmap.squares import MapKind

WORDS: dict[MapKind, tuple[str, str, str]] = {
    "drive": ("weight in the prediction", "none", "most"),
    "speed": ("motion looks", "natural", "sped up"),
}
SHARE, LEAST_PX = 0.3, 150  # of the image's long side
SHAPE = 0.2  # height over width
BOX, INK = (0.08, 0.08, 0.08, 0.7), "#F4F4F0"


def legend_rgba(kind: MapKind, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """(h, w, 4) red, green, blue, opacity for an image of this size; sides are even."""
    wanted = max(SHARE * max(width_px, height_px), LEAST_PX)
    width = max(round(min(wanted, 0.94 * width_px, 0.9 * height_px / SHAPE) / 2), 1) * 2
    height = max(round(width * SHAPE / 2), 1) * 2
    dpi = 100
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor=BOX)
    canvas = FigureCanvasAgg(figure)
    points = 0.062 * width * 72 / dpi
    title, low, high = WORDS[kind]
    text = {"color": INK, "fontsize": points}
    figure.text(0.5, 0.9, title, ha="center", va="top", **text)
    figure.text(0.04, 0.3, low, ha="left", va="center", **text)
    figure.text(0.96, 0.3, high, ha="right", va="center", **text)
    axes = figure.add_axes((0.29, 0.2, 0.42, 0.22))
    axes.set_axis_off()
    axes.imshow(np.linspace(0, 1, 256)[None], cmap=colour_map(kind), aspect="auto")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:height, :width].copy()
