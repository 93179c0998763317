import dataclasses
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from measured_motion import motion_video
from speediness.clip import ClipSpec
from speediness.datasets.motion_cache import MotionVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.models.backbones.efficientnet import FEATURES
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.scene import SceneNet
from speediness.training.motion_loader import PAIRS_S, MotionLoader
from speediness.training.tasks.playback_rate import DOUBLE, NATURAL, PlaybackRateTask

CLIP = ClipSpec(16, Fraction(8), 56)
TASK = PlaybackRateTask(sees_scene=False)
VIEWS = TASK.views_per_window


def loader(
    videos: list[MotionVideo],
    windows: int = 2,
    zoom: float = 1.0,
    task: PlaybackRateTask = TASK,
    scene: SceneNet | None = None,
    part: tuple[int, int] = (0, 1),
    seed: int = 0,
) -> MotionLoader:
    return MotionLoader(videos, task, CLIP, windows, seed, scene, zoom, part)


def windows_of(given: MotionLoader, steps: int) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Per window its views (R, T, 4, h, w) and their rates (R,)."""
    for step in range(steps):
        batch = given.batch(step)
        views = given.task.views_per_window
        for motion, rates in zip(
            batch.inputs[0].unflatten(0, (-1, views)), batch.labels_B.unflatten(0, (-1, views)), strict=True
        ):
            yield motion, 2 ** rates.numpy().astype(float)


def with_scene(video: MotionVideo) -> tuple[MotionVideo, SceneNet]:
    """The video with looks whose first component is the column, 0..1, and the second the look's number."""
    looks_s = np.arange(0.5, video.end_s)
    maps = np.zeros((len(looks_s), FEATURES, 7, 12), np.float16)
    maps[:, 0] = (np.arange(12) + 0.5) / 12
    maps[:, 1] = np.arange(len(looks_s))[:, None, None]
    scene = SceneNet()
    scene.weight[:2, :2] = torch.eye(2)
    return dataclasses.replace(video, scene_s=looks_s, scene_NChw=maps), scene


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    videos = [motion_video(name=name, seconds=seconds) for name, seconds in (("a", 6), ("b", 9))]
    first, fresh = loader(videos, zoom=1.7), loader(videos, zoom=1.7)
    first.batch(0)
    for step in (5, 2):
        one, other = first.batch(step), fresh.batch(step)
        assert torch.equal(one.inputs[0], other.inputs[0]) and torch.equal(one.labels_B, other.labels_B)
        assert one.origins == other.origins
    assert not torch.equal(first.batch(5).labels_B, first.batch(6).labels_B)
    assert not torch.equal(first.batch(5).labels_B, loader(videos, zoom=1.7, seed=1).batch(5).labels_B)


def test_a_batch_has_the_shape_the_network_wants() -> None:
    video, scene = with_scene(motion_video())
    shapes = set()
    for step in range(12):
        motion, maps, of_bins = loader([video], 3, 1.7, scene=scene).batch(step).inputs
        width = motion.shape[4]
        shapes.add(width)
        assert motion.shape == (9, 16, 4, 14, width) and motion.dtype == torch.float32
        assert maps.shape == (9, SCENE_CHANNELS, 7, width // 2)
        assert torch.equal(of_bins, torch.arange(9)[:, None].expand(9, 16))
    assert len(shapes) == 3 and min(shapes) == 14
    assert len(loader([video]).batch(0).inputs) == 1


@pytest.mark.parametrize("size_px", [32, 56, 64])
def test_views_have_the_cells_of_their_size_and_motion_as_it_was_counted(size_px: int) -> None:
    video = motion_video(cells=(size_px // 4, size_px // 2))
    given = MotionLoader([video], TASK, dataclasses.replace(CLIP, size_px=size_px), 2, 0, None, 1.0)
    for motion, rates in windows_of(given, 6):
        assert motion.shape[3] == size_px // 4
        moved = motion[:, :, 0].mean((1, 2, 3)).abs().numpy()
        np.testing.assert_allclose(moved, rates, rtol=2e-3)  # 8 pixels a second, 8 bins a second


@pytest.mark.parametrize("rate", [24, 25, 30])
def test_every_view_moves_as_fast_as_its_label_says(rate: int) -> None:
    signs = set()
    for motion, rates in windows_of(loader([motion_video(rate=rate)], zoom=1.7), 20):
        assert NATURAL[0] <= rates[0] <= NATURAL[1] and DOUBLE[0] <= rates[1] <= DOUBLE[1]
        per_bin = motion[:, :, 0].mean((2, 3)).numpy()
        scale = per_bin / rates[:, None]
        np.testing.assert_allclose(scale, scale[0, 0], rtol=2e-3)
        assert 1 - 2e-3 <= np.abs(scale[0, 0]) <= 1.7 * 1.05  # 1.05: the widest shape of a 12:7 frame
        np.testing.assert_allclose(motion[:, :, 2].mean((2, 3)), np.abs(per_bin), rtol=2e-3)
        signs.add(np.sign(scale[0, 0]))
    assert signs == {-1, 1}


def test_zoom_enlarges_motion_as_much_as_the_frame_and_mirrors_both() -> None:
    """Motion along y says in which column a cell lies, that along x how much the view is enlarged."""
    ramp, seen = 0.5, set()
    for motion, rates in windows_of(loader([motion_video(ramp=ramp)], zoom=1.7), 30):
        across, down = (motion[0, :, channel].mean(0).numpy() / rates[0] for channel in (0, 1))
        zoom = np.abs(across.mean())  # 8 pixels a second in bins of 1/8 s
        if motion.shape[4] != 14:
            continue
        np.testing.assert_allclose(across, across.mean(), rtol=2e-3)
        backwards = np.sign(down.mean())
        columns = backwards * down * 8 / ramp / zoom
        assert columns.min() >= 0.4 and columns.max() <= 23.6  # of 24
        steps = np.diff(columns[:, 2:-2], axis=1)  # at the edge cells are repeated
        np.testing.assert_allclose(np.abs(steps), 1 / zoom, rtol=0.03)
        mirrored = np.sign(steps[0, 0])
        assert np.sign(across.mean()) == backwards * mirrored
        seen.add((backwards, mirrored))
        assert 1 - 1e-3 <= zoom <= 1.7 + 1e-3
    assert len(seen) == 4


@pytest.mark.parametrize("seconds", [4.6, 8.0])
def test_views_are_centred_on_one_moment_and_stay_within_the_video(seconds: float) -> None:
    """A video as fast as its clock: the motion of a bin says when it lies."""
    video = motion_video(lambda time_s, number: (time_s, 0.0), seconds)
    backwards = 0
    for motion, rates in windows_of(loader([video], zoom=1.0), 30):
        if motion.shape[4] != 14:
            continue
        bin_s = rates[:, None] / 8
        times_s = motion[:, :, 0].mean((2, 3)).numpy() / bin_s
        flip = np.sign(times_s.mean())
        ordered = flip * np.sign(np.diff(times_s, axis=1))
        assert (ordered == ordered[0, 0]).all()
        backwards += ordered[0, 0] < 0
        times_s = np.sort(np.abs(times_s), axis=1)
        np.testing.assert_allclose(np.diff(times_s, axis=1), np.tile(bin_s, 15), rtol=0.2)
        np.testing.assert_allclose(times_s.mean(1), times_s.mean(), atol=0.02)
        assert (times_s[:, 0] - bin_s[:, 0] / 2).min() >= -0.02
        assert (times_s[:, -1] + bin_s[:, 0] / 2).max() <= video.end_s + 0.02
        assert 2 * rates.max() <= video.end_s + 1e-6
    assert backwards > 5


def strides_of(motion: Tensor) -> np.ndarray:
    """(R,) numbers of the strides of views of a video that moves by those along y, by 1 along x."""
    ratio = motion[:, :, 1].mean((1, 2, 3)) / motion[:, :, 0].mean((1, 2, 3))
    return ratio.abs().round().int().numpy() - 1


def test_the_distance_between_frames_does_not_tell_the_rate() -> None:
    """As short as 4.6 s the longest view, which is the fastest, reaches the ends of the video."""
    drawn: dict[bool, list[float]] = {False: [], True: []}
    for rate in (24, 25, 30):
        for seconds in (4.6, 9.0):
            video = motion_video(lambda time_s, number: (1.0, 1.0 + number), seconds, rate)
            for motion, rates in windows_of(loader([video], 8), 5):
                pairs_s = 2.0 ** strides_of(motion) / rate / rates
                assert (pairs_s[:2] >= PAIRS_S[0]).all() and (pairs_s[:2] <= PAIRS_S[1]).all()
                drawn[False].append(pairs_s[0])
                drawn[True].append(pairs_s[1])
    # No closer than those of natural video at 30 frames a second.
    assert min(drawn[True]) >= 1 / 30 / NATURAL[1] - 1e-3
    short = {sped_up: np.mean(np.array(pairs) < 0.055) for sped_up, pairs in drawn.items()}
    assert short[False] == pytest.approx(0.5, abs=0.08) and short[True] == pytest.approx(0.5, abs=0.08)


def test_where_no_distance_is_usual_the_nearest_is_taken() -> None:
    task = dataclasses.replace(TASK, others=3)
    for rate, seconds in ((30, 30.0), (12, 30.0)):
        video = motion_video(lambda time_s, number: (1.0, 1.0 + number), seconds, rate)
        for motion, rates in windows_of(loader([video], 2, task=task), 12):
            for number, played in zip(strides_of(motion), rates, strict=True):
                pairs_s = 2.0 ** np.arange(3) / rate / played
                usual = (pairs_s >= PAIRS_S[0]) & (pairs_s <= PAIRS_S[1])
                assert usual[number] if usual.any() else number == 0


def test_confidence_changes_with_contrast_the_same_for_all_views() -> None:
    seen = []
    for motion, _ in windows_of(loader([motion_video(confidence=0.52)], zoom=1.7), 20):
        confidence = motion[:, :, 3]
        torch.testing.assert_close(confidence, confidence[:1, :1, :1, :1].expand_as(confidence))
        seen.append(float(confidence.mean()))
    odds = np.log((np.array(seen) - 0.02) / (1.02 - np.array(seen)))  # of power, twice that of contrast
    assert -1.01 <= odds.min() < -0.5 and 0.5 < odds.max() <= 1.01


def test_the_scene_is_the_nearest_look_at_the_same_part_of_the_frame() -> None:
    video, scene = with_scene(motion_video(lambda time_s, number: (time_s, 0.0), ramp=0.5))
    task = dataclasses.replace(TASK, drop_scene=0.0)
    given = loader([video], 2, 1.7, task, scene)
    for step in range(12):
        batch = given.batch(step)
        motion, maps = (x.unflatten(0, (-1, VIEWS)) for x in batch.inputs[:2])
        for n, origin in enumerate(batch.origins):
            middle_s = float(origin.split()[-2])
            assert (maps[n, :, 1] == maps[n, 0, 1]).all() and (maps[n, :, 2:] == 0).all()
            assert abs(video.scene_s[round(float(maps[n, 0, 1, 0, 0]))] - middle_s) <= 0.51
            down, across = motion[n, 0, :, 1].mean(0), maps[n, 0, 0].mean(0)
            # Motion says the column of every cell; a column of the scene is as wide as two of these.
            columns = down.mean(0).unflatten(0, (-1, 2)).mean(1)
            place = np.polyfit(columns[1:-1].numpy(), across[1:-1].numpy(), 1)
            np.testing.assert_allclose(
                np.polyval(place, columns[1:-1].numpy()), across[1:-1].numpy(), atol=5e-3
            )
            assert np.polyval(place, 0.0) == pytest.approx(0, abs=0.02)


def test_scenes_are_dropped_as_often_as_asked_for_and_for_whole_windows() -> None:
    video, scene = with_scene(motion_video())
    for share, low, high in ((0.0, 0, 0), (0.25, 5, 40), (1.0, 80, 80)):
        given = loader([video], 8, task=dataclasses.replace(TASK, drop_scene=share), scene=scene)
        hidden = 0
        for step in range(10):
            maps = given.batch(step).inputs[1].unflatten(0, (-1, VIEWS))
            none = (maps == 0).flatten(2).all(2)
            assert (none == none[:, :1]).all()
            hidden += int(none[:, 0].sum())
        assert low <= hidden <= high
    blind = loader([motion_video()], scene=scene).batch(0).inputs[1]
    assert (blind == 0).all()  # a video without a look at its scene


def test_sources_count_by_the_root_of_their_length_and_videos_share_that() -> None:
    videos = [motion_video(name=f"{n}", seconds=s) for n, s in enumerate((8, 8, 16, 8))]
    items = [VideoItem(Path(f"{n}.mp4"), "same" if n < 3 else "other") for n in range(4)]
    videos = [dataclasses.replace(video, item=item) for video, item in zip(videos, items, strict=True)]
    given = loader(videos, 8)
    np.testing.assert_allclose(given.probability, np.array([1, 1, 2, 2]) / 6, rtol=0.01)
    drawn = Counter(name.split()[0] for step in range(30) for name in given.batch(step).origins)
    for video, share in zip(videos, given.probability, strict=True):
        assert drawn[video.item.path.name] / 240 == pytest.approx(share, abs=0.07)


def test_of_two_moments_that_at_which_more_moves_is_taken() -> None:
    video = motion_video(lambda time_s, number: (8.0 if time_s > 20 else 0.0, 0.0), 40.0)
    late = sum(
        float(name.split()[-2]) > 20 for step in range(30) for name in loader([video]).batch(step).origins
    )
    assert 36 <= late <= 54  # three of four; of 60


def test_the_parts_of_several_processes_are_the_batch_of_one() -> None:
    video, scene = with_scene(motion_video())
    whole = loader([video], 6, 1.7, scene=scene).batch(3)
    parts = [loader([video], 6, 1.7, scene=scene, part=(rank, 3)).batch(3) for rank in range(3)]
    assert torch.equal(torch.cat([part.labels_B for part in parts]), whole.labels_B)
    for n in range(2):
        assert torch.equal(torch.cat([part.inputs[n] for part in parts]), whole.inputs[n])
    assert all(torch.equal(part.inputs[2], whole.inputs[2][:6]) for part in parts)
    assert tuple(origin for part in parts for origin in part.origins) == whole.origins
    with pytest.raises(SpeedinessError, match="multiple"):
        loader([video], 6, part=(0, 4))


def test_videos_too_short_for_a_window_at_2x_are_left_out() -> None:
    short, long = motion_video(name="short", seconds=4.3), motion_video(name="long", seconds=4.6)
    said: list[str] = []
    given = MotionLoader([short, long], TASK, CLIP, 4, 0, None, 1.0, log=said.append)
    assert len(said) == 1 and said[0].startswith("left out 1 videos shorter than 4.4 s")
    assert [video.item.source for video in given.videos] == ["long"]
    assert {name.split()[0] for step in range(5) for name in given.batch(step).origins} == {"long.mp4"}
    with pytest.raises(DataError, match=r"no video lasts 4\.4 s"):
        loader([short])
