import numpy as np
import pytest
from numpy.typing import NDArray

from speed_judge import mean_speed_judge
from speediness.analysis.curve import STILL_PX
from speediness.clip import ClipSpec
from speediness.engines.judge import Answers, Floats, Judge, Pixels
from speediness.heatmap.squares import FINE, Squares

CLIP = ClipSpec(n_frames=4, size_px=64)


def maps_of(squares: Squares, picture: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """The map and what moves, (h, w), of a film whose frames are all alike."""
    frames = np.stack([squares.cut(picture)] * CLIP.n_frames)
    cells = squares.judge.motion(frames[:-1], frames[1:])
    maps = squares.judge.windows(None, cells[None], np.ones((1, CLIP.n_frames - 1), np.float32)).maps
    assert maps.shape == (1, CLIP.n_frames, 2, squares.height, squares.width)
    return maps[0, 0, 0], maps[0, 0, 1]


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
    squares = Squares(mean_speed_judge(CLIP.n_frames), CLIP, (128, 224), "speed")
    found, _ = maps_of(squares, grey.repeat(8, 0).repeat(8, 1)[:, :, None])
    # Means of pixels are rounded to whole grey levels in the coarse look; here cells are plain.
    assert found == pytest.approx(slow_speed_map(grey.astype(np.float32)), abs=0.3)


def test_a_frame_gets_the_mean_answer_of_the_windows_around_it() -> None:
    grey_L = np.random.default_rng(0).integers(0, 20, 9).astype(np.uint8)
    squares = Squares(mean_speed_judge(CLIP.n_frames, context=2), CLIP, (128, 128), "speed")
    assert squares.judge.context == 2 + CLIP.n_frames - 1
    frames = grey_L[:, None, None, None] * np.ones((1, 128, 128, 1), np.uint8)
    cells = squares.judge.motion(frames[:-1], frames[1:])
    answers = squares.judge.windows(None, cells[None], np.ones((1, len(frames) - 1), np.float32))
    assert answers.maps.shape == (1, len(frames), 2, squares.height, squares.width)
    for frame in range(len(frames)):
        total = weight = 0.0
        for first in range(len(frames) - CLIP.n_frames + 1):
            if first <= frame < first + CLIP.n_frames:
                near = min(frame - first + 1, first + CLIP.n_frames - frame)
                total += near * grey_L[first + 1 : first + CLIP.n_frames].mean()
                weight += near
        assert answers.maps[0, frame, 0] == pytest.approx(total / weight, rel=1e-3)


def test_a_place_is_judged_by_what_is_near() -> None:
    picture = np.zeros((128, 256, 1), np.uint8)
    picture[:, 128:] = 40
    found, _ = maps_of(Squares(mean_speed_judge(CLIP.n_frames), CLIP, (128, 256), "speed"), picture)
    assert found[:, :7] == pytest.approx(0, abs=1e-3)
    assert found[:, -7:] == pytest.approx(40, abs=0.1)


def test_the_map_that_drives_is_the_absolute_one_of_the_whole_picture() -> None:
    picture = np.full((128, 224, 1), 7, np.uint8)
    picture[:, 112:] = 9
    found, _ = maps_of(Squares(mean_speed_judge(CLIP.n_frames), CLIP, (128, 224), "drive"), picture)
    assert found[:, :13] == pytest.approx(7)
    assert found[:, 15:] == pytest.approx(9)


def test_maps_of_a_network_that_sees_pictures_and_makes_them_smaller() -> None:
    seen: list[tuple[int, ...]] = []

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
        assert clips is not None
        seen.append(clips.shape[2:4])
        maps = -clips[:, :, ::32, ::32, 0].astype(np.float32)
        none = np.zeros((len(clips), 1, 2), np.float32)
        return Answers(none, none, maps.mean((2, 3))[..., None], maps)

    judge = Judge(mean_speed_judge(CLIP.n_frames).motion, windows, sees_pictures=True)
    picture = np.repeat([5, 9], 112).astype(np.uint8)[None, :, None] * np.ones((128, 1, 1), np.uint8)
    squares = Squares(judge, CLIP, (128, 224), "drive")
    frames = np.stack([squares.cut(picture)] * CLIP.n_frames)
    cells = squares.judge.motion(frames[:-1], frames[1:])
    intervals = np.ones((1, CLIP.n_frames - 1), np.float32)
    maps = squares.judge.windows(frames[None], cells[None], intervals).maps
    assert seen == [(64, 128), (128, 256)]
    assert maps.shape == (1, CLIP.n_frames, 2, 16, 28)
    assert maps[..., 0, :, :11] == pytest.approx(5)
    assert maps[..., 0, :, 18:] == pytest.approx(9)


@pytest.mark.parametrize("side", [1, 3, 4, 14])
def test_maps_of_any_size_are_spread_over_the_picture(side: int) -> None:
    """At 112 px a picture has 14 cells, and the last map of a ResNet 4 x 4, of S3D 3 x 3."""
    clip = ClipSpec(n_frames=4, size_px=112)
    fine = mean_speed_judge(clip.n_frames)

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
        answers = fine.windows(clips, cells, intervals)
        ramp = np.arange(1, side + 1, dtype=np.float32)
        return answers._replace(maps=np.tile(np.outer(ramp, ramp), (*answers.maps.shape[:2], 1, 1)))

    squares = Squares(Judge(fine.motion, windows, False), clip, (224, 224), "drive")
    cells = squares.judge.motion(*(np.zeros((3, 256, 256, 1), np.uint8),) * 2)
    assert cells.shape[-2:] == (squares.height, squares.width) == (28, 28)
    maps = squares.judge.windows(None, cells[None], np.ones((1, 3), np.float32)).maps[0, 0, 0]
    for corner, expected in (((0, 0), 1), ((0, -1), side), ((-1, -1), side**2)):
        assert maps[corner] == pytest.approx(expected)


def test_what_moves_is_told_cell_by_cell() -> None:
    picture = np.zeros((128, 128, 1), np.uint8)
    picture[:64] = 1
    _, moving = maps_of(Squares(mean_speed_judge(CLIP.n_frames), CLIP, (128, 128), "speed"), picture)
    # One pixel on the fine look is half a pixel of the network's.
    assert moving[0, 0] == pytest.approx(0.25 / (0.25 + STILL_PX**2))
    assert moving[-1, 0] == 0


@pytest.mark.parametrize(
    ("picture_px", "cells", "region"),
    [
        ((128, 228), (16, 28), (2 / 228, 0, 226 / 228, 1)),
        ((128, 128), (16, 16), (0, 0, 1, 1)),
        ((171, 128), (20, 16), (0, 5 / 171, 1, 165 / 171)),
    ],
)
def test_maps_cover_all_but_less_than_a_cell_at_each_side(
    picture_px: tuple[int, int], cells: tuple[int, int], region: tuple[float, ...]
) -> None:
    squares = Squares(mean_speed_judge(CLIP.n_frames), CLIP, picture_px, "speed")
    assert (squares.height, squares.width) == cells
    assert squares.region == pytest.approx(region)
    picture = np.arange(np.prod(picture_px), dtype=np.uint32).astype(np.uint8).reshape(*picture_px, 1)
    cut = squares.cut(picture)
    assert cut.shape[0] % 64 == cut.shape[1] % 64 == 0
    top, left = round(region[1] * picture_px[0]), round(region[0] * picture_px[1])
    height, width = cells[0] * 8, cells[1] * 8
    assert (cut[:height, :width] == picture[top : top + height, left : left + width]).all()
