from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from speediness.video.reader import VideoReader
from speediness.video.yuv420 import BT709, Yuv420Converter, from_planes, planes
from synthetic import numbered_frame, read_number, steady, write_video


def made(path: Path) -> tuple[Yuv420Converter, list[av.VideoFrame], list[av.VideoFrame]]:
    reader = VideoReader(path)
    maker = Yuv420Converter(reader.info)
    decoded = [frame for _, frame in reader.decoded()]
    return maker, decoded, [maker.make(frame) for frame in decoded]


def luma(image: av.VideoFrame) -> np.ndarray:
    return planes(image)[0].copy()


def test_planes_and_back() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 255, size).astype(np.uint8) for size in ((6, 10), (3, 5), (3, 5))]
    for part, again in zip(parts, planes(from_planes(parts)), strict=True):
        np.testing.assert_array_equal(part, again)


def test_an_ordinary_frame_passes_untouched(tmp_path: Path) -> None:
    _, decoded, images = made(write_video(tmp_path / "film.mp4", steady(3)))
    assert all(image is frame for image, frame in zip(images, decoded, strict=True))


def test_odd_sides_lose_one_pixel_and_the_rest_stays_sharp(tmp_path: Path) -> None:
    path = write_video(tmp_path / "odd.mp4", steady(2), width_px=97, height_px=65, pixel_format="yuv444p")
    maker, decoded, images = made(path)
    assert (maker.width_px, maker.height_px) == (images[0].width, images[0].height) == (96, 64)
    memory: Any = decoded[0].planes[0]
    whole = np.frombuffer(memory, np.uint8).reshape(65, memory.line_size)[:64, :96]
    np.testing.assert_array_equal(luma(images[0]), whole)


def test_a_single_row_becomes_two(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "row.mkv",
        steady(1),
        width_px=30,
        height_px=1,
        pixel_format="bgr0",
        codec="ffv1",
        draw_frame=lambda i: np.full((1, 30, 3), 200, np.uint8),
    )
    maker, _, images = made(path)
    assert (maker.width_px, maker.height_px) == (images[0].width, images[0].height) == (30, 2)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_rotation_is_baked_into_all_planes(tmp_path: Path, turns: int) -> None:
    stored = np.ascontiguousarray(np.rot90(numbered_frame(5), -turns))
    path = write_video(
        tmp_path / "film.mp4",
        steady(1),
        width_px=stored.shape[1],
        height_px=stored.shape[0],
        draw_frame=lambda i: stored,
        rotate_deg=90 * turns,
    )
    pixels = made(path)[2][0].to_ndarray(format="rgb24")
    assert read_number(pixels.astype(np.uint8)) == 5
    assert np.abs(pixels.astype(int) - numbered_frame(5)).mean() < 6


def test_ten_bits_become_eight(tmp_path: Path) -> None:
    image = np.tile(np.linspace(0, 255, 96).astype(np.uint8)[None, :, None], (64, 1, 3))
    path = write_video(
        tmp_path / "ten.mp4", steady(1), pixel_format="yuv420p10le", draw_frame=lambda i: image
    )
    _, decoded, images = made(path)
    memory: Any = decoded[0].planes[0]
    deep = np.frombuffer(memory, np.uint16).reshape(64, -1)[:, :96]
    np.testing.assert_allclose(luma(images[0]), deep / 4, atol=1.01)


def test_full_range_numbers_and_tags_are_kept(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "full.mp4",
        steady(1),
        draw_frame=lambda i: np.full((64, 96, 3), 255, np.uint8),
        colour=(2, 1, 1, 1),
    )
    maker, _, images = made(path)
    assert maker.colour.range == 2
    assert np.median(luma(images[0])) >= 254


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("film.gif", "gif", "rgb8"), ("film.mkv", "ffv1", "bgr0"), ("film.mkv", "ffv1", "gray")],
)
def test_rgb_and_grey_become_limited_bt709(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    colour = (255, 0, 0) if pixel_format != "gray" else (255, 255, 255)
    path = write_video(
        tmp_path / name,
        steady(2),
        codec=codec,
        pixel_format=pixel_format,
        draw_frame=lambda i: np.full((64, 96, 3), colour, np.uint8),
    )
    maker, _, images = made(path)
    assert maker.colour == BT709
    # ITU-R BT.709: Y of red is 0.2126, of white 1, on 16..235.
    expected = 16 + 219 * (0.2126 if pixel_format != "gray" else 1)
    assert np.median(luma(images[0])) == pytest.approx(expected, abs=2)
