from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.heatmap.colours import COVER, opacity_table, rgb_table
from speediness.heatmap.maps import HeatMaps
from speediness.heatmap.painter import Layout, Painter
from speediness.heatmap.squares import MapKind
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.yuv420 import Yuv420Converter, planes, to_yuv
from synthetic import Image, steady, write_video

COLOUR = (1, 1, 1, 1)


def grey(number: int) -> Image:
    return np.full((130, 256, 3), 128, np.uint8)


def maps(values_HW: NDArray, region: tuple[float, float, float, float] = (0, 0, 1, 1)) -> HeatMaps:
    values = values_HW[None].astype(np.float16)
    return HeatMaps("speed", np.zeros(1), values, np.ones_like(values), region, (0,), (0.0,), 1.0)


def painted(
    tmp_path: Path, found: HeatMaps, layout: Layout, legend: bool = False, rotate_deg: int = 0
) -> NDArray[np.float64]:
    """RGB of the painted frame of a grey video, 0..1, by way of the writer's numbers."""
    video = write_video(
        tmp_path / "grey.mp4",
        steady(2),
        width_px=256,
        height_px=130,
        draw_frame=grey,
        colour=COLOUR,
        rotate_deg=rotate_deg,
    )
    reader = VideoReader(video)
    _, frame = next(iter(reader.decoded()))
    maker = Yuv420Converter(reader.info)
    painter = Painter(found, reader.info, maker, layout, legend)
    frame = painter.paint(maker.make(frame), 0.0)
    assert (frame.width, frame.height) == (painter.width_px, painter.height_px)
    luma, cb, cr = (plane.astype(np.float64) for plane in planes(frame))
    cb, cr = (plane.repeat(2, 0).repeat(2, 1) - 128 for plane in (cb, cr))
    luma = (luma - 16) / 219
    red, blue = luma + 1.5748 / 224 * cr, luma + 1.8556 / 224 * cb
    return np.stack([red, (luma - 0.2126 * red - 0.0722 * blue) / 0.7152, blue], -1)


def test_colours_come_out_as_they_are_in_the_table(tmp_path: Path) -> None:
    rgb = painted(tmp_path, maps(np.full((16, 32), 99.0)), "map")
    assert np.abs(rgb - rgb_table("speed")[-1]).max() < 0.03
    rgb = painted(tmp_path, maps(np.full((16, 32), -99.0)), "overlay")
    video = 128 / 255
    assert np.abs(rgb - (video + COVER * (rgb_table("speed")[0] - video))).max() < 0.04


def test_where_the_map_says_nothing_the_video_is_as_it_was(tmp_path: Path) -> None:
    rgb = painted(tmp_path, maps(np.zeros((16, 32))), "overlay")
    assert np.abs(rgb - 128 / 255).max() < 0.02


@pytest.mark.parametrize("rotate_deg", [0, 90])
def test_a_cell_lies_where_it_was_measured(tmp_path: Path, rotate_deg: int) -> None:
    width, height = (256, 130) if not rotate_deg else (130, 256)
    region = (0.1, 0.05, 0.9, 0.95)
    values = np.zeros((10, 20))
    values[2, 15] = 9
    rgb = painted(tmp_path, maps(values, region), "map", rotate_deg=rotate_deg)
    assert rgb.shape[:2] == (height, width)
    warm = np.clip(rgb[..., 0] - rgb[..., 2] - 0.1, 0, None)
    rows, columns = np.indices(warm.shape)
    middle = [float((place * warm).sum() / warm.sum()) for place in (columns + 0.5, rows + 0.5)]
    cell_px = ((region[2] - region[0]) / 20 * width, (region[3] - region[1]) / 10 * height)
    assert middle[0] == pytest.approx((region[0] * width) + 15.5 * cell_px[0], abs=2.5)
    assert middle[1] == pytest.approx((region[1] * height) + 2.5 * cell_px[1], abs=2.5)


def test_side_by_side_keeps_the_video_at_the_left(tmp_path: Path) -> None:
    rgb = painted(tmp_path, maps(np.full((16, 32), 99.0)), "side-by-side")
    assert rgb.shape == (130, 512, 3)
    assert np.abs(rgb[:, :256] - 128 / 255).max() < 0.02
    assert np.abs(rgb[:, 256:] - rgb_table("speed")[-1]).max() < 0.03


def test_the_legend_lies_in_the_lower_left_corner(tmp_path: Path) -> None:
    found = maps(np.full((16, 32), 99.0))
    plain, with_legend = (painted(tmp_path, found, "map", legend) for legend in (False, True))
    changed = np.abs(plain - with_legend).max(-1) > 0.05
    rows, columns = np.nonzero(changed)
    assert rows.min() > 65
    assert columns.max() < 215
    assert changed.mean() > 0.05


@pytest.mark.parametrize(
    ("width_px", "height_px"), [(120, 480), (240, 800), (64, 640), (640, 64), (32, 32)]
)
def test_the_legend_fits_a_frame_of_any_shape(tmp_path: Path, width_px: int, height_px: int) -> None:
    video = write_video(tmp_path / "film.mp4", steady(2), width_px=width_px, height_px=height_px)
    reader = VideoReader(video)
    _, frame = next(iter(reader.decoded()))
    maker = Yuv420Converter(reader.info)
    for layout in get_args(Layout):
        painter = Painter(maps(np.full((8, 8), 99.0)), reader.info, maker, layout, True)
        frame = painter.paint(maker.make(frame), 0.0)
        assert (frame.width, frame.height) == (painter.width_px, painter.height_px)


def test_the_scales_can_be_told_apart_without_seeing_hue() -> None:
    drive = rgb_table("drive") @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(drive) > -1e-3).all()
    speed = rgb_table("speed")
    # Blue against red channel: what every common kind of colour blindness keeps.
    assert (speed[:100, 2] > speed[:100, 0]).all()
    assert (speed[-100:, 2] < speed[-100:, 0]).all()
    for kind in get_args(MapKind):
        opacity = opacity_table(kind)
        assert opacity.max() == pytest.approx(COVER)
        assert opacity[127 if kind == "speed" else 0] == 0


@pytest.mark.parametrize(
    ("tags", "white", "red"),
    [
        (ColourTags(1, 1, 1, 1), (235, 128, 128), (63, 102, 240)),
        (ColourTags(2, 1, 1, 1), (255, 128, 128), (54, 99, 255)),
        (ColourTags(1, 6, 6, 6), (235, 128, 128), (81, 90, 240)),
    ],
)
def test_numbers_follow_the_tags(tags: ColourTags, white: tuple[int, ...], red: tuple[int, ...]) -> None:
    rgb = np.array([[1.0, 1, 1], [1, 0, 0]])
    assert to_yuv(rgb, tags, 480) == pytest.approx(np.array([white, red]), abs=1)
