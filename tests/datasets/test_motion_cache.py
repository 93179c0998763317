import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.motion_cache import STRIDES, MotionCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import OutputError, VideoError
from speediness.models.scene import features, trunk
from speediness.motion_field import SHORTEST_PAIR_S
from synthetic import drifting_frame, steady, write_video

SPEED_PX_S = 12.0  # at short side 56; the videos are made at twice that size
RATES = [24, 25, 30, 50, 60]


def drifting(folder: Path, rate: Fraction | int, seconds: float = 2) -> VideoItem:
    """A texture that moves to the right at SPEED_PX_S."""
    path = write_video(
        folder / f"drift-{float(rate):.2f}.mp4",
        steady(int(seconds * rate), rate),
        width_px=148,
        height_px=112,
        draw_frame=lambda i: drifting_frame(2 * SPEED_PX_S * i / float(rate)),
    )
    return VideoItem(path, f"source-{float(rate):.2f}")


@pytest.fixture(scope="module")
def drifters(tmp_path_factory: pytest.TempPathFactory) -> dict[int, VideoItem]:
    folder = tmp_path_factory.mktemp("drifters")
    return {rate: drifting(folder, rate) for rate in RATES}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> MotionCache:
    return MotionCache(tmp_path_factory.mktemp("motion"), 56)


@pytest.mark.parametrize("rate", RATES)
def test_known_motion_is_found_at_any_frame_rate_stride_and_factor(
    rate: int, drifters: dict[int, VideoItem], cache: MotionCache
) -> None:
    video = cache.video(drifters[rate])
    gap_s = 1 / rate if rate < 45 else 2 / rate
    for number, stride in enumerate(STRIDES):
        np.testing.assert_allclose(np.diff(video.times_s[number]), stride * gap_s, atol=1e-4)
        end_s = float(video.times_s[number][-1])
        field = video.field(number, 0.0, end_s)
        assert field is not None
        for factor in (0.5, 1.0, 1.7, 2.0, 4.0):
            bins = field.bins(0.0, factor / 8, int(end_s * 8 / factor))
            expected = SPEED_PX_S * factor / 8
            inside = bins[:, :, 2:-2, 2:-2]
            np.testing.assert_allclose(inside[:, 0].mean((1, 2)), expected, rtol=0.06)
            np.testing.assert_allclose(inside[:, 2].mean((1, 2)), expected, rtol=0.06)
            assert np.abs(inside[:, 1].mean((1, 2))).max() < 0.06 * expected
            assert 0.5 < inside[:, 3].mean() <= 1.02  # a mean over time, whatever the factor


@pytest.mark.parametrize("size_px", [32, 64])
def test_motion_is_counted_at_short_side_56_whatever_the_size_it_is_measured_at(
    size_px: int, drifters: dict[int, VideoItem], tmp_path: Path
) -> None:
    video = MotionCache(tmp_path, size_px).video(drifters[25])
    assert video.flow_grid[0].shape[2] == size_px // 4
    moved = video.flow_grid[0][:, 0, 2:-2, 2:-2].astype(np.float32).mean()
    assert moved == pytest.approx(SPEED_PX_S / 25, rel=0.1)


def test_a_stretch_holds_the_frames_around_it_and_no_others(
    drifters: dict[int, VideoItem], cache: MotionCache
) -> None:
    video = cache.video(drifters[25])
    for number, times_s in enumerate(video.times_s):
        for start_s, end_s in ((0.0, 0.5), (0.31, 1.0), (float(times_s[2]), float(times_s[4]))):
            field = video.field(number, start_s, end_s)
            assert field is not None
            before, after = times_s[times_s <= start_s + 1e-9], times_s[times_s >= end_s - 1e-9]
            assert (field.start_s, field.end_s) == (before[-1], after[0])
        whole = video.field(number, 0.0, float(times_s[-1]))
        part = video.field(number, 0.4, 1.2)
        assert whole is not None and part is not None
        np.testing.assert_allclose(part.bins(0.4, 0.1, 8), whole.bins(0.4, 0.1, 8), atol=1e-5)
        assert video.field(number, 0.0, float(times_s[-1]) + 0.01) is None
    assert video.end_s == min(float(times_s[-1]) for times_s in video.times_s)


def test_the_scene_is_seen_once_a_second_by_the_imagenet_network(
    drifters: dict[int, VideoItem], cache: MotionCache
) -> None:
    import torch

    from speediness.analysis.shot import SCENE_PX, fit
    from speediness.datasets.decoded_video import decode_video

    video = cache.video(drifters[24])
    np.testing.assert_allclose(video.scene_s, [0.5, 1.5], atol=1 / 24)
    scenes = decode_video(drifters[24], 56, 1, SCENE_PX).scenes
    with torch.inference_mode():
        for look, frame_HWC in enumerate(scenes.values()):
            (expected,) = features(trunk(), torch.from_numpy(fit(frame_HWC, 32)[None]))
            np.testing.assert_allclose(video.scene_NChw[look], expected, atol=2e-2, rtol=1e-2)


def test_pairs_are_no_shorter_than_the_product_takes_them(
    drifters: dict[int, VideoItem], cache: MotionCache
) -> None:
    for item in drifters.values():
        assert np.diff(cache.video(item).times_s[0]).min() >= SHORTEST_PAIR_S - 1e-6


def test_a_video_is_measured_once(drifters: dict[int, VideoItem], tmp_path: Path) -> None:
    first = MotionCache(tmp_path, 56).video(drifters[25])
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = MotionCache(tmp_path, 56).video(drifters[25])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert len(written) == 1
    for name in ("times_s", "flow_grid"):
        for one, other in zip(getattr(first, name), getattr(again, name), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.scene_NChw, again.scene_NChw)
    MotionCache(tmp_path, 32).video(drifters[25])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_processes_that_measure_at_the_same_time_share_what_they_find(
    drifters: dict[int, VideoItem], tmp_path: Path
) -> None:
    script = f"""
from pathlib import Path
from speediness.datasets.motion_cache import MotionCache
from speediness.datasets.video_list import VideoItem
item = VideoItem(Path({str(drifters[30].path)!r}), "source")
print(MotionCache(Path({str(tmp_path)!r}), 56).video(item).flow_grid[0].astype(float).sum())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {process.communicate(timeout=300)[0] for process in running}
    assert len(said) == 1 and all(process.returncode == 0 for process in running)
    assert [path.name.endswith(".motion.npz") for path in tmp_path.iterdir()] == [True]


def test_bad_videos_are_named_and_left_out(drifters: dict[int, VideoItem], tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    write_video(tmp_path / "short.mp4", steady(4))
    names = ("bad.mp4", "short.mp4", "missing.mp4")
    items = [VideoItem(tmp_path / name, name) for name in names]
    said: list[str] = []
    cache = MotionCache(tmp_path / "cache", 56)
    videos = cache.videos([items[0], drifters[25], *items[1:]], said.append)
    assert [video.item for video in videos] == [drifters[25]]
    assert len(said) == 3 and all(name in line for name, line in zip(names, said, strict=True))
    with pytest.raises(VideoError, match="holds 4 frames; motion needs 5"):
        cache.video(items[1])


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="choose another folder"):
        MotionCache(tmp_path / "file" / "cache", 56)
