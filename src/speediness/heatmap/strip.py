"""Key moments of a film and their heat maps in one picture, in the manner of SpeedNet Figs. 8 and 9."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from speediness.heatmap.colours import COLOUR_MAPS
from speediness.heatmap.legend import WORDS
from speediness.heatmap.maps import HeatMaps
from speediness.heatmap.painter import Painter
from speediness.plots import new_figure, save_figure
from speediness.progress import clock
from speediness.speedup.frame_choice import choose
from speediness.video.picture import PictureMaker
from speediness.video.reader import VideoReader

MOMENTS = 6
PICTURE_IN = 2.2  # long side of a picture
DPI = 150


def key_moments(maps: HeatMaps) -> list[float]:
    """Of MOMENTS equal stretches of the film, the moment when the maps say most; ascending."""
    said = (np.abs(maps.maps.astype(np.float32)) * maps.moving).mean((1, 2))
    stretches = np.array_split(np.arange(len(said)), min(MOMENTS, len(said)))
    return [float(maps.times_s[stretch[said[stretch].argmax()]]) for stretch in stretches]


def draw_strip(video: str | Path, maps: HeatMaps, out_png: Path) -> None:
    """Draw the key moments, the film above and with its map below.

    Args:
        video: the film.
        maps: found in this film.
        out_png: replaced if it exists.

    Raises:
        VideoError: the film cannot be read.
        OutputError: the picture cannot be written.
    """
    reader = VideoReader(Path(video))
    maker = PictureMaker(reader.info)
    painter = Painter(maps, reader.info, maker, "overlay", legend=False)
    scaler = VideoReformatter()
    long_px = max(maker.width_px, maker.height_px)
    scale = min(PICTURE_IN * DPI / long_px, 1)
    size_px = (round(maker.width_px * scale), round(maker.height_px * scale))

    def small(picture: av.VideoFrame) -> NDArray[np.uint8]:
        width, height = size_px
        rgb = scaler.reformat(picture, width=width, height=height, format="rgb24", interpolation="AREA")
        return np.asarray(rgb.to_ndarray(), np.uint8)

    moments_s = key_moments(maps)
    columns = []
    for (_, frame), moment_s in zip(choose(reader.decoded(), np.array(moments_s)), moments_s, strict=True):
        picture = maker.make(frame)
        columns.append((moment_s, small(picture), small(painter.paint(picture, moment_s))))
    save_figure(_figure(maps, columns), out_png)


def _figure(maps: HeatMaps, columns: list[tuple[float, NDArray[np.uint8], NDArray[np.uint8]]]) -> Figure:
    height_px, width_px = columns[0][1].shape[:2]
    width_in = PICTURE_IN * min(width_px / height_px, 1)
    height_in = width_in * height_px / width_px
    figure = new_figure(len(columns) * width_in + 1.1, 2 * height_in + 0.5, DPI)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)  # pyright: ignore
    panels = figure.subplots(2, len(columns), squeeze=False)
    for (above, below), (moment_s, film, painted) in zip(panels.T, columns, strict=True):
        above.imshow(film)
        above.set_title(clock(moment_s), fontsize=10)
        below.imshow(painted)
        above.set_axis_off()
        below.set_axis_off()
    title, low, high = WORDS[maps.kind]
    lowest = -1 if maps.kind == "speed" else 0
    colours = ScalarMappable(Normalize(lowest, 1), COLOUR_MAPS[maps.kind]())
    bar = figure.colorbar(colours, ax=panels.ravel().tolist(), aspect=30, fraction=0.04, pad=0.01)
    bar.set_ticks([lowest, 1], labels=[low, high], fontsize=9)
    bar.set_label(title, fontsize=9)
    return figure
