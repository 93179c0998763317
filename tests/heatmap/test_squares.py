import numpy as np
import pytest
from numpy.typing import NDArray

from speed_runtime import mean_speed_runtime
from speediness.analysis.curve import STILL_PX
from speediness.clip import ClipSpec
from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime
from speediness.heatmap.squares import FINE, Squares

CLIP = ClipSpec(n_frames=4, size_px=64)


def maps_of(squares: Squares, frame: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """The map and what moves, (h, w), of a video whose frames are all alike."""
    frames = np.stack([squares.cut(frame)] * CLIP.n_frames)
    cells = squares.runtime.motion(frames[:-1], frames[1:])
    cam = squares.runtime.windows(None, cells[None], np.ones((1, CLIP.n_frames - 1), np.float32)).cam
    assert cam.shape == (1, CLIP.n_frames, 2, squares.height, squares.width)
    return cam[0, 0, 0], cam[0, 0, 1]


def slow_speed_map(grey_hw: Floats) -> Floats:
    """Cell by cell: the mean over both looks of the mean over squares, near middles first."""
    looks = []
    for step in (FINE, 1):
        cells = grey_hw.reshape(grey_hw.shape[0] // step, step, -1, step).mean((1, 3))
        height, width = cells.shape
        total, weight = np.zeros_like(cells), np.zeros_like(cells)
        for top in np.linspace(0, height - 8, 1 + -(-(height - 8) // 4)).round().astype(int):
            for left in np.linspace(0, width - 8, 1 + -(-(width - 8) // 4)).round().astype(int):
                answer = cells[top : top + 8, left : left + 8].mean()
                for i in range(8):
                    for j in range(8):
                        near = min(i + 1, 8 - i) * min(j + 1, 8 - j)
                        total[top + i, left + j] += near * answer
                        weight[top + i, left + j] += near
        looks.append((total / weight, step))
    (coarse, step), (fine, _) = looks
    places = [(np.arange(n) + 0.5) / step - 0.5 for n in fine.shape]
    rows = np.stack([np.interp(places[0], np.arange(coarse.shape[0]), column) for column in coarse.T], 1)
    large = np.stack([np.interp(places[1], np.arange(coarse.shape[1]), row) for row in rows])
    return (large + fine) / 2


def test_signed_map_is_the_mean_answer_of_the_squares_around_a_cell() -> None:
    grey = np.random.default_rng(0).integers(0, 20, (16, 28)).astype(np.uint8)
    squares = Squares(mean_speed_runtime(CLIP.n_frames), CLIP, (128, 224), "speed")
    found, _ = maps_of(squares, grey.repeat(8, 0).repeat(8, 1)[:, :, None])
    # Means of pixels are rounded to whole grey levels in the coarse look; here cells are plain.
    assert found == pytest.approx(slow_speed_map(grey.astype(np.float32)), abs=0.3)


def test_a_frame_gets_the_mean_answer_of_the_windows_around_it() -> None:
    grey_L = np.random.default_rng(0).integers(0, 20, 9).astype(np.uint8)
    squares = Squares(mean_speed_runtime(CLIP.n_frames, context=2), CLIP, (128, 128), "speed")
    assert squares.runtime.context == 2 + CLIP.n_frames - 1
    frames = grey_L[:, None, None, None] * np.ones((1, 128, 128, 1), np.uint8)
    cells = squares.runtime.motion(frames[:-1], frames[1:])
    answers = squares.runtime.windows(None, cells[None], np.ones((1, len(frames) - 1), np.float32))
    assert answers.cam.shape == (1, len(frames), 2, squares.height, squares.width)
    for frame in range(len(frames)):
        total = weight = 0.0
        for first in range(len(frames) - CLIP.n_frames + 1):
            if first <= frame < first + CLIP.n_frames:
                near = min(frame - first + 1, first + CLIP.n_frames - frame)
                total += near * grey_L[first + 1 : first + CLIP.n_frames].mean()
                weight += near
        assert answers.cam[0, frame, 0] == pytest.approx(total / weight, rel=1e-3)


def test_a_place_is_scored_by_what_is_near() -> None:
    frame = np.zeros((128, 256, 1), np.uint8)
    frame[:, 128:] = 40
    found, _ = maps_of(Squares(mean_speed_runtime(CLIP.n_frames), CLIP, (128, 256), "speed"), frame)
    assert found[:, :7] == pytest.approx(0, abs=1e-3)
    assert found[:, -7:] == pytest.approx(40, abs=0.1)


def test_the_map_that_drives_is_the_absolute_one_of_the_whole_frame() -> None:
    frame = np.full((128, 224, 1), 7, np.uint8)
    frame[:, 112:] = 9
    found, _ = maps_of(Squares(mean_speed_runtime(CLIP.n_frames), CLIP, (128, 224), "drive"), frame)
    assert found[:, :13] == pytest.approx(7)
    assert found[:, 15:] == pytest.approx(9)


def test_maps_of_a_network_that_sees_frames_and_makes_them_smaller() -> None:
    seen: list[tuple[int, ...]] = []

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Outputs:
        assert clips is not None
        seen.append(clips.shape[2:4])
        cam = -clips[:, :, ::32, ::32, 0].astype(np.float32)
        none = np.zeros((len(clips), 1, 2), np.float32)
        return Outputs(none, none, cam.mean((2, 3))[..., None], cam)

    runtime = Runtime(mean_speed_runtime(CLIP.n_frames).motion, windows, uses_frames=True)
    frame = np.repeat([5, 9], 112).astype(np.uint8)[None, :, None] * np.ones((128, 1, 1), np.uint8)
    squares = Squares(runtime, CLIP, (128, 224), "drive")
    frames = np.stack([squares.cut(frame)] * CLIP.n_frames)
    cells = squares.runtime.motion(frames[:-1], frames[1:])
    intervals = np.ones((1, CLIP.n_frames - 1), np.float32)
    cam = squares.runtime.windows(frames[None], cells[None], intervals).cam
    assert seen == [(64, 128), (128, 256)]
    assert cam.shape == (1, CLIP.n_frames, 2, 16, 28)
    assert cam[..., 0, :, :11] == pytest.approx(5)
    assert cam[..., 0, :, 18:] == pytest.approx(9)


@pytest.mark.parametrize("side", [1, 3, 4, 14])
def test_maps_of_any_size_are_spread_over_the_frame(side: int) -> None:
    """At 112 px a frame has 14 cells, and the last map of a ResNet 4 x 4, of S3D 3 x 3."""
    clip = ClipSpec(n_frames=4, size_px=112)
    fine = mean_speed_runtime(clip.n_frames)

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Outputs:
        answers = fine.windows(clips, cells, intervals)
        ramp = np.arange(1, side + 1, dtype=np.float32)
        return answers._replace(cam=np.tile(np.outer(ramp, ramp), (*answers.cam.shape[:2], 1, 1)))

    squares = Squares(Runtime(fine.motion, windows, False), clip, (224, 224), "drive")
    cells = squares.runtime.motion(*(np.zeros((3, 256, 256, 1), np.uint8),) * 2)
    assert cells.shape[-2:] == (squares.height, squares.width) == (28, 28)
    cam = squares.runtime.windows(None, cells[None], np.ones((1, 3), np.float32)).cam[0, 0, 0]
    for corner, expected in (((0, 0), 1), ((0, -1), side), ((-1, -1), side**2)):
        assert cam[corner] == pytest.approx(expected)


def test_what_moves_is_told_cell_by_cell() -> None:
    frame = np.zeros((128, 128, 1), np.uint8)
    frame[:64] = 1
    _, moving = maps_of(Squares(mean_speed_runtime(CLIP.n_frames), CLIP, (128, 128), "speed"), frame)
    # One pixel on the fine look is half a pixel of the network's.
    assert moving[0, 0] == pytest.approx(0.25 / (0.25 + STILL_PX**2))
    assert moving[-1, 0] == 0


@pytest.mark.parametrize(
    ("frame_px", "cells", "region"),
    [
        ((128, 228), (16, 28), (2 / 228, 0, 226 / 228, 1)),
        ((128, 128), (16, 16), (0, 0, 1, 1)),
        ((171, 128), (20, 16), (0, 5 / 171, 1, 165 / 171)),
    ],
)
def test_maps_cover_all_but_less_than_a_cell_at_each_side(
    frame_px: tuple[int, int], cells: tuple[int, int], region: tuple[float, ...]
) -> None:
    squares = Squares(mean_speed_runtime(CLIP.n_frames), CLIP, frame_px, "speed")
    assert (squares.height, squares.width) == cells
    assert squares.region == pytest.approx(region)
    frame = np.arange(np.prod(frame_px), dtype=np.uint32).astype(np.uint8).reshape(*frame_px, 1)
    cut = squares.cut(frame)
    assert cut.shape[0] % 64 == cut.shape[1] % 64 == 0
    top, left = round(region[1] * frame_px[0]), round(region[0] * frame_px[1])
    height, width = cells[0] * 8, cells[1] * 8
    assert (cut[:height, :width] == frame[top : top + height, left : left + width]).all()
