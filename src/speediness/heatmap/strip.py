"""Key moments of a video and their heat maps in one image, in the manner of SpeedNet Figs. 8 and 9."""

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from speediness.heatmap.colours import colour_map
from speediness.heatmap.legend import WORDS
from speediness.heatmap.maps import HeatMaps
from speediness.heatmap.painter import Painter
from speediness.plots import new_figure, save_figure
from speediness.progress import clock
from speediness.video.frame_choice import choose
from speediness.video.reader import VideoReader
from speediness.video.yuv420 import Yuv420Converter

MOMENTS = 6
IMAGE_IN = 2.2  # long side of an image
DPI = 150


def key_moments(maps: HeatMaps) -> list[float]:
    """Of MOMENTS equal stretches of the video, the moment when the maps say most; ascending."""
    said = (np.abs(maps.maps.astype(np.float32)) * maps.moving).mean((1, 2))
    stretches = np.array_split(np.arange(len(said)), min(MOMENTS, len(said)))
    return [float(maps.times_s[stretch[said[stretch].argmax()]]) for stretch in stretches]


def draw_strip(video: str | Path, maps: HeatMaps, out_png: Path) -> None:
    """Draw the key moments, the video above and with its map below; replaces ``out_png``.

    Raises:
        VideoError: the video cannot be read.
        OutputError: the image cannot be written.
    """
    reader = VideoReader(Path(video))
    maker = Yuv420Converter(reader.info)
    painter = Painter(maps, reader.info, maker, "overlay", legend=False)
    scaler = VideoReformatter()
    long_px = max(maker.width_px, maker.height_px)
    scale = min(IMAGE_IN * DPI / long_px, 1)
    size_px = (round(maker.width_px * scale), round(maker.height_px * scale))

    def small(image: av.VideoFrame) -> NDArray[np.uint8]:
        width, height = size_px
        rgb = scaler.reformat(image, width=width, height=height, format="rgb24", interpolation="AREA")
        return np.asarray(rgb.to_ndarray(), np.uint8)

    moments_s = key_moments(maps)
    columns = []
    for (_, frame), moment_s in zip(choose(reader.decoded(), np.array(moments_s)), moments_s, strict=True):
        image = maker.make(frame)
        columns.append((moment_s, small(image), small(painter.paint(image, moment_s))))
    save_figure(_figure(maps, columns), out_png)


def _figure(maps: HeatMaps, columns: list[tuple[float, NDArray[np.uint8], NDArray[np.uint8]]]) -> Figure:
    height_px, width_px = columns[0][1].shape[:2]
    width_in = IMAGE_IN * min(width_px / height_px, 1)
    height_in = width_in * height_px / width_px
    figure = new_figure(len(columns) * width_in + 1.1, 2 * height_in + 0.5, DPI)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)  # pyright: ignore
    panels = figure.subplots(2, len(columns), squeeze=False)
    for (above, below), (moment_s, video, painted) in zip(panels.T, columns, strict=True):
        above.imshow(video)
        above.set_title(clock(moment_s), fontsize=10)
        below.imshow(painted)
        above.set_axis_off()
        below.set_axis_off()
    title, low, high = WORDS[maps.kind]
    lowest = -1 if maps.kind == "speed" else 0
    colours = ScalarMappable(Normalize(lowest, 1), colour_map(maps.kind))
    bar = figure.colorbar(colours, ax=panels.ravel().tolist(), aspect=30, fraction=0.04, pad=0.01)
    bar.set_ticks([lowest, 1], labels=[low, high], fontsize=9)
    bar.set_label(title, fontsize=9)
    return figure
