from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from scripted_runtime import grey_motion_runtime
from speediness.analysis.analyse import STILL_PX
from speediness.analysis.shot import REPORTED_PX, shot_scorer
from speediness.clip import ClipSpec
from speediness.heatmap.squares import CELL_PX, FINE, MapKind, ShotMaps, Squares, resized
from speediness.motion_field import REFERENCE_PX
from speediness.runtime.protocol import BOUNDARY, Floats, Indices, Outputs, Pixels, Runtime
from speediness.video.reader import Frame

CLIP = ClipSpec(n_frames=4, frame_rate=Fraction(8), size_px=56)
HIGH = FINE * CLIP.size_px // CELL_PX  # rows of a map


def maps_of(runtime: Runtime, kind: MapKind, frames: NDArray[np.uint8], clip: ClipSpec = CLIP) -> ShotMaps:
    """The maps of frames an eighth of a second apart."""
    squares = Squares(runtime, clip, kind)
    shot = shot_scorer(squares.runtime, squares.clip, (1.0,), to_the_ends=False)
    for number, pixels in enumerate(frames):
        shot.add(Frame(Fraction(number, 8), pixels))
    shot.close()
    maps = squares.take()
    assert maps is not None
    assert squares.take() is None
    assert maps.maps_Lhw.shape == maps.moving_Lhw.shape
    return maps


def still_frames(grey_hw: NDArray[np.uint8], count: int = CLIP.n_frames + 1) -> NDArray[np.uint8]:
    """The same frame many times, a grey level for each cell of a map."""
    return np.stack([grey_hw.repeat(CELL_PX, 0).repeat(CELL_PX, 1)[..., None]] * count)


def slow_speed_map(grey_hw: Floats) -> Floats:
    """Cell by cell: the mean over both looks of the mean over squares, near middles first."""
    looks = []
    height, width = grey_hw.shape
    for enlarged in (1, FINE):
        side = HIGH // enlarged
        total, weight = np.zeros_like(grey_hw), np.zeros_like(grey_hw)
        for top in np.linspace(0, height - side, 1 + int(np.ceil((height - side) / side * 2))).round():
            for left in np.linspace(0, width - side, 1 + int(np.ceil((width - side) / side * 2))).round():
                rows, columns = int(top) + np.arange(side), int(left) + np.arange(side)
                score = enlarged * grey_hw[np.ix_(rows, columns)].mean()
                for i in range(side):
                    for j in range(side):
                        near = min(i + 1, side - i) * min(j + 1, side - j)
                        total[rows[i], columns[j]] += near * score
                        weight[rows[i], columns[j]] += near
        looks.append(total / weight)
    return np.mean(looks, 0)


def test_signed_map_is_the_mean_answer_of_the_squares_around_a_place() -> None:
    grey = np.random.default_rng(0).integers(0, 20, (HIGH, 24)).astype(np.uint8)
    found = maps_of(grey_motion_runtime(CLIP), "speed", still_frames(grey)).maps_Lhw
    assert found.shape == (CLIP.n_frames, HIGH, 24)
    assert found[0] == pytest.approx(slow_speed_map(grey.astype(np.float32)), rel=2e-3)


def test_a_bin_gets_the_mean_answer_of_the_windows_around_it() -> None:
    grey_L = np.random.default_rng(0).integers(0, 20, 10).astype(np.uint8)
    frames = grey_L[:, None, None, None] * np.ones((1, 112, 112, 1), np.uint8)
    found = maps_of(grey_motion_runtime(CLIP), "speed", frames).maps_Lhw
    assert len(found) == 9
    for at in range(9):
        total = weight = 0.0
        for first in range(9 - CLIP.n_frames + 1):
            if first <= at < first + CLIP.n_frames:
                near = min(at - first + 1, first + CLIP.n_frames - at)
                # A square of the enlarged frame sees twice the motion.
                total += near * 1.5 * grey_L[first : first + CLIP.n_frames].mean()
                weight += near
        assert found[at] == pytest.approx(total / weight, rel=3e-3)


def test_a_place_is_scored_by_what_is_near() -> None:
    grey = np.zeros((HIGH, 42), np.uint8)
    grey[:, 21:] = 40
    found = maps_of(grey_motion_runtime(CLIP), "speed", still_frames(grey)).maps_Lhw
    assert found[:, :, :7] == pytest.approx(0, abs=1e-3)
    assert found[:, :, -7:] == pytest.approx(60, rel=1e-3)


def test_the_map_that_drives_is_the_absolute_one_of_the_whole_frame() -> None:
    grey = np.full((HIGH, 24), 6, np.uint8)
    grey[:, 12:] = 8
    found = maps_of(grey_motion_runtime(CLIP), "drive", still_frames(grey)).maps_Lhw
    assert found[:, :, :11] == pytest.approx(9)
    assert found[:, :, 13:] == pytest.approx(12)


def test_bins_at_the_ends_that_are_context_have_the_map_of_the_nearest() -> None:
    frames = np.arange(1, 12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 112, 112, 1), np.uint8)
    found = maps_of(grey_motion_runtime(CLIP, margin=1), "drive", frames).maps_Lhw
    assert found[:, 0, 0].tolist() == [1.5 * n for n in (2, 2, 3, 4, 5, 6, 7, 8, 9, 9)]


def test_what_moves_is_told_cell_by_cell() -> None:
    grey = np.zeros((HIGH, 20), np.uint8)
    grey[:7] = 1
    moving = maps_of(grey_motion_runtime(CLIP), "drive", still_frames(grey)).moving_Lhw
    squared = (REPORTED_PX / REFERENCE_PX) ** 2
    assert moving[:, :7] == pytest.approx(squared / (squared + STILL_PX**2), rel=1e-3)
    assert (moving[:, 7:] == 0).all()


@pytest.mark.parametrize("kind", ["drive", "speed"])
def test_a_square_is_told_of_its_own_part_of_the_scene(kind: MapKind) -> None:
    """The scene is bright on the right; every bin is told of the frame that was seen last."""
    plain = grey_motion_runtime(CLIP)
    assert plain.classify is not None
    classify, told = plain.classify, []

    def see(frames: Pixels) -> Floats:
        return frames[:, 16::32, 16::32].transpose(0, 3, 1, 2).astype(np.float32)

    def seeing(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        assert scene_NKhw is not None and scene_BL is not None
        told.append(scene_NKhw[scene_BL].mean((2, 3, 4)))
        return classify(motion_BL4hw)

    squares = Squares(Runtime(plain.measure, seeing, see), CLIP, kind)
    shot = shot_scorer(squares.runtime, squares.clip, (1.0,), to_the_ends=False)
    for number in range(17):
        scene = np.zeros((224, 448, 3), np.uint8)
        scene[:, 224:] = 100 + number // 8
        seen = scene if number % 8 == 4 else None
        shot.add(Frame(Fraction(number, 8), np.zeros((112, 224, 1), np.uint8), seen))
    shot.close()
    coarse_BL, fine_BL = told
    if kind == "drive":
        assert coarse_BL.tolist() == fine_BL.tolist() == [[50] * 12 + [50.5] * 4]
    else:
        assert coarse_BL[:, 0] == pytest.approx([0, 50, 100], abs=4)
        assert coarse_BL[2, -1] - coarse_BL[2, 0] == pytest.approx(1, abs=0.1)
        assert len(fine_BL) == 21
        assert fine_BL[[0, 6], 0] == pytest.approx([0, 100])


def grey_clips_runtime(seen: list[tuple[int, ...]]) -> Runtime:
    """Log-odds are the mean grey level; the map is minus that of every 32 x 32 pixels."""

    def classify_clips(clips: Pixels) -> Outputs:
        seen.append(clips.shape[2:4])
        mean = clips.mean((1, 2, 3, 4), dtype=np.float32) + np.float32(BOUNDARY)
        cam = -clips[:, :, 16::32, 16::32, 0].astype(np.float32)
        return Outputs(np.stack([mean, 0 * mean], 1)[:, None], cam.mean((2, 3))[..., None], cam)

    return Runtime(classify_clips=classify_clips)


def test_a_network_that_sees_frames_is_asked_about_them_or_about_squares_of_them() -> None:
    clip = ClipSpec(n_frames=4, frame_rate=Fraction(8), size_px=64)
    grey = np.full((8, 16), 20, np.uint8)
    grey[:, 8:] = 60
    seen: list[tuple[int, ...]] = []
    drive = maps_of(grey_clips_runtime(seen), "drive", still_frames(grey), clip)
    assert set(seen) == {(64, 128)}
    assert drive.maps_Lhw.shape == (2, 8, 16)  # clips of four frames of five
    assert drive.maps_Lhw[:, :, :6] == pytest.approx(20)
    assert drive.maps_Lhw[:, :, 10:] == pytest.approx(60)
    assert (drive.moving_Lhw == 0).all()
    seen.clear()
    speed = maps_of(grey_clips_runtime(seen), "speed", still_frames(grey.repeat(2, 0).repeat(2, 1)), clip)
    assert set(seen) == {(64, 64)}
    assert speed.maps_Lhw[:, :, :8] == pytest.approx(20)
    assert speed.maps_Lhw[:, :, -8:] == pytest.approx(60)


def test_frames_that_change_move() -> None:
    clip = ClipSpec(n_frames=4, frame_rate=Fraction(8), size_px=64)
    frames = np.full((5, 64, 64, 1), 100, np.uint8)
    frames[1::2, :32] += 40
    moving = maps_of(grey_clips_runtime([]), "drive", frames, clip).moving_Lhw
    assert (moving[:, :4] > 0.95).all()
    assert (moving[:, 4:] == 0).all()


@pytest.mark.parametrize("side", [1, 3, 4, 7, 14])
def test_maps_of_any_size_are_spread_over_the_frame(side: int) -> None:
    ramp = np.arange(1, side + 1, dtype=np.float32)
    large = resized(np.outer(ramp, ramp)[None], (14, 28))
    assert large.shape == (1, 14, 28)
    for corner, expected in (((0, 0), 1), ((0, -1), side), ((-1, -1), side**2)):
        assert large[0][corner] == pytest.approx(expected)
    assert (np.diff(large, axis=2) >= 0).all()
