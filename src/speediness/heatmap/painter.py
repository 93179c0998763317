"""Paints the map of a moment over its frame."""

# H W cells of a map, N levels of a value; h w pixels

from fractions import Fraction
from itertools import count
from typing import Literal

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.heatmap.colours import LEVELS, opacity_table, rgb_table
from speediness.heatmap.legend import legend_rgba
from speediness.heatmap.maps import HeatMaps
from speediness.video.info import VideoInfo
from speediness.video.yuv420 import Yuv420Converter, from_planes, planes, to_yuv

Layout = Literal["overlay", "side-by-side", "map"]
"""The map over the video, at its right, or alone."""

OPAQUE = 128  # of the legend
TICK = Fraction(1)  # filters want to know when; here only that both frames belong together
PER_CELL = 8  # colours are found at so many points in the length of a cell, linear in between
SMOOTH = 0.55  # deviation, in cells, of the Gaussian by which cells pass into one another
MARGIN = 0.02  # of the frame's height, around the legend

Planes = list[NDArray[np.uint8]]


class Painter:
    """Paints the frames of one video.

    Attributes:
        width_px: of the frames painted, even.
        height_px: of the frames painted, even.

    Args:
        maps: of the video.
        info: of the video.
        maker: of the video's frames.
        layout: of the frames painted.
        legend: a legend lies in the lower left corner of the map.
    """

    def __init__(
        self, maps: HeatMaps, info: VideoInfo, maker: Yuv420Converter, layout: Layout, legend: bool = True
    ) -> None:
        self._maps, self._layout = maps, layout
        width_px, self.height_px = maker.width_px, maker.height_px
        self.width_px = 2 * width_px if layout == "side-by-side" else width_px
        self._size_px = (width_px, self.height_px)
        opacity = opacity_table(maps.kind) if layout == "overlay" else np.ones(LEVELS)
        colours = to_yuv(rgb_table(maps.kind), maker.colour, self.height_px)
        self._table_N4 = np.column_stack([colours, np.rint(opacity * 255).astype(np.uint8)])
        left, top, right, bottom = maps.region
        height, width = maps.maps.shape[1:]
        # The frame may have lost its last row or column, the video's own size has not.
        self._rows_hH = _between(self.height_px, top * info.height_px, bottom * info.height_px, height)
        self._columns_wW = _between(width_px, left * info.width_px, right * info.width_px, width)
        self._grid = av.VideoFrame(len(self._columns_wW), len(self._rows_hH), "yuva444p")
        self._scaler = VideoReformatter()
        self._overlay = _Overlay(*self._size_px)
        self._legend: Planes = []
        if legend:
            rgba = legend_rgba(maps.kind, *self._size_px)
            yuv = to_yuv(rgba[..., :3] / 255, maker.colour, self.height_px)
            alpha = np.rint(rgba[..., 3] / 255 * OPAQUE).astype(np.uint8)
            self._legend = [yuv[..., 0], yuv[::2, ::2, 1], yuv[::2, ::2, 2], alpha]

    def paint(self, frame: av.VideoFrame, time_s: float) -> av.VideoFrame:
        """The yuv420p frame of a moment, painted; the one given is left as it is."""
        heat = self._heat(time_s)
        luma, *chroma = planes(frame)
        if self._layout == "overlay":
            # Half the video's own colour, so that it is not taken for the map's.
            pale = [(plane // np.uint8(2) + np.uint8(64)).astype(np.uint8) for plane in chroma]
            painted = self._overlay.lay(heat, from_planes([luma, *pale]))
        else:
            painted = from_planes(planes(heat)[:3])
        if self._legend:
            self._lay_legend(planes(painted))
        if self._layout == "side-by-side":
            pairs = zip((luma, *chroma), planes(painted), strict=True)
            painted = from_planes([np.concatenate(pair, 1) for pair in pairs])
        return painted

    def _heat(self, time_s: float) -> av.VideoFrame:
        """The map at the frame's size, yuva420p."""
        # Not by BLAS, whose threads wait for work at the encoder's expense.
        columns_Hw = np.einsum("HW,wW->Hw", self._maps.drawn(time_s), self._columns_wW)
        smooth = np.einsum("hH,Hw->hw", self._rows_hH, columns_Hw)
        lowest = -1.0 if self._maps.kind == "speed" else 0.0
        levels = np.rint((smooth - lowest) / (1 - lowest) * (LEVELS - 1)).astype(np.uint8)
        for target, table_N in zip(planes(self._grid), self._table_N4.T, strict=True):
            target[:] = table_N[levels]
        width_px, height_px = self._size_px
        return self._scaler.reformat(
            self._grid, width=width_px, height=height_px, format="yuva420p", interpolation="BILINEAR"
        )

    def _lay_legend(self, painted: Planes) -> None:
        height, width = self._legend[0].shape
        beside = self._size_px[0] - width  # in a narrow frame the legend is nearly as wide
        margin = min(round(MARGIN * self.height_px / 2) * 2, beside // 4 * 2)
        bottom = self.height_px - margin
        for k, plane in enumerate(painted):
            step = 2 if k else 1
            rows = slice((bottom - height) // step, bottom // step)
            place = plane[rows, margin // step : (margin + width) // step]
            alpha = self._legend[3][::step, ::step]
            place[:] = _mix(place, self._legend[k], alpha)


class _Overlay:
    """FFmpeg's filter, in a third of the time that numpy takes.

    Args:
        width_px: of both frames, even.
        height_px: of both frames, even.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self._graph = Graph()
        self._sources = [
            self._graph.add_buffer(
                width=width_px, height=height_px, format=av.VideoFormat(form), time_base=TICK
            )
            for form in ("yuv420p", "yuva420p")
        ]
        overlay, self._sink = self._graph.add("overlay", "format=yuv420"), self._graph.add("buffersink")
        for k, source in enumerate(self._sources):
            source.link_to(overlay, 0, k)
        overlay.link_to(self._sink)
        self._graph.configure()
        self._ticks = count()

    def lay(self, over: av.VideoFrame, under: av.VideoFrame) -> av.VideoFrame:
        """A yuva420p frame over a yuv420p one."""
        tick = next(self._ticks)
        for source, frame in zip(self._sources, (under, over), strict=True):
            frame.pts, frame.time_base = tick, TICK
            source.push(frame)
        painted = self._sink.pull()
        assert isinstance(painted, av.VideoFrame)
        return painted


def _between(length_px: int, first_px: float, end_px: float, cells: int) -> NDArray[np.float32]:
    """(grid, cells) weights by which points that divide a length take part in cells; rows sum to 1."""
    grid = min(PER_CELL * cells, length_px)
    middles_px = (np.arange(grid) + 0.5) * length_px / grid
    places = (middles_px - first_px) / (end_px - first_px) * cells - 0.5
    distance = np.clip(places, 0, cells - 1)[:, None] - np.arange(cells)
    weights = np.exp(-((distance / SMOOTH) ** 2) / 2)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _mix(under: NDArray[np.uint8], over: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Opacity 0..OPAQUE; the products just fit 16 bits."""
    change = over.astype(np.int16)
    change -= under
    change *= alpha
    change += OPAQUE // 2
    change >>= 7
    change += under
    return change.astype(np.uint8)
