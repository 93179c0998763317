from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.datasets.augment import apply_augmentations, draw_augmentation
from speediness.datasets.clip_cache import CachedVideo, ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.training.loader import Loader
from speediness.training.pixel_source import ResidentPixels
from speediness.training.recipes import smoke
from speediness.training.tasks.action_class import ActionClassTask
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.task import Batch, ClipTask

CLIP = smoke().config.clip


@pytest.fixture
def videos(walkers: list[VideoItem], cache_folder: Path) -> Sequence[CachedVideo]:
    return ClipCache(cache_folder, 2 * CLIP.size_px, 1).videos(walkers, print)


def clips(batch: Batch) -> torch.Tensor:
    (clips_BTHWC,) = batch.inputs
    return clips_BTHWC


def at_rate(fps: float, seconds: float, source: str = "source") -> CachedVideo:
    """A video of noise, about a second to be left out or drawn for its times alone."""
    times_s = np.arange(round(fps * seconds)) / fps
    frames = np.random.default_rng(0).integers(0, 256, (len(times_s), 32, 40, 1), np.uint8)
    item = VideoItem(Path(f"{source}.mp4"), source, "run")
    return CachedVideo(item, times_s, frames, np.ones(len(times_s) - 1, np.float32))


def test_a_batch_depends_on_seed_and_step_alone(videos: Sequence[CachedVideo]) -> None:
    loader = Loader(videos, SpeedClassTask(), CLIP, 2, seed=3)
    loader.batch(0)
    fresh = Loader(videos, SpeedClassTask(), CLIP, 2, seed=3)
    torch.testing.assert_close(clips(loader.batch(5)), clips(fresh.batch(5)))
    assert not torch.equal(clips(fresh.batch(5)), clips(fresh.batch(6)))
    other = Loader(videos, SpeedClassTask(), CLIP, 2, seed=4)
    assert not torch.equal(clips(fresh.batch(5)), clips(other.batch(5)))


def test_a_batch_has_the_shape_the_network_wants(videos: Sequence[CachedVideo]) -> None:
    drawn = clips(Loader(videos, SpeedClassTask(), CLIP, 3, seed=0).batch(0))
    assert drawn.shape == (6, 16, 32, 32, 1) and drawn.dtype == torch.uint8


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
@pytest.mark.parametrize("frame_rate", [8, 16])
def test_both_classes_are_drawn_with_equally_even_steps(fps: int, frame_rate: int) -> None:
    """How evenly the frames of a clip lie must not give the label away."""
    clip = replace(CLIP, frame_rate=Fraction(frame_rate))
    loader = Loader([at_rate(fps, 6)], SpeedClassTask(), clip, 40, seed=0)
    steps = [np.abs(np.diff(request.frames)) for request in loader.draw(0)]
    assert all(np.ptp(step) == 0 for step in steps)
    normal, sped_up = ([int(step[0]) for step in steps[label::2]] for label in (0, 1))
    assert max(normal) < min(sped_up)
    assert max(normal) <= np.ceil(1.2 * fps / frame_rate)
    assert min(sped_up) >= np.floor(1.7 * fps / frame_rate)


@pytest.mark.parametrize("fps", [24, 30])
@pytest.mark.parametrize(
    ("task", "factor"),
    [
        (SpeedClassTask(), 2.2),
        (SpeedClassTask(temporal="none"), 2.0),
        (SpeedClassTask(temporal="random"), 47 / 15),
        (RSPNetTask(), 2.0),
        (ActionClassTask(("run", "walk")), 1.0),
    ],
)
def test_a_video_is_drawn_if_the_longest_view_fits_and_left_out_otherwise(
    task: ClipTask, factor: float, fps: int
) -> None:
    longest_s, said = factor * 15 / 25, []
    assert task.longest_s(CLIP) == pytest.approx(longest_s)
    short, long = at_rate(fps, longest_s, "short"), at_rate(fps, longest_s + 0.4, "long")
    loader = Loader([short, long], task, CLIP, 8, seed=0, log=said.append)
    assert loader.probability.tolist() == [0, 1] and "left out 1 videos" in said[0]
    for request in (request for step in range(20) for request in loader.draw(step)):
        assert request.number == 1
        frames = np.sort(request.frames)
        assert (np.diff(frames) >= 1 if fps >= 25 else np.diff(frames) >= 0).all()
        assert frames[0] >= 0 and frames[-1] < len(long.times_s)
    with pytest.raises(DataError, match="none of the 1 videos lasts"):
        Loader([short], task, CLIP, 8, seed=0)


@pytest.mark.parametrize(
    ("task", "fps", "drawn"),
    [
        (SpeedClassTask(), 15, False),  # every frame, of both classes
        (SpeedClassTask(), 20, False),  # 1.7x would be every frame, 2.2x every second one
        (SpeedClassTask(), 24, True),
        (SpeedClassTask(temporal="none"), 15, False),
        (SpeedClassTask(temporal="none"), 20, True),
        (SpeedClassTask(temporal="random"), 15, True),
        (RSPNetTask(), 15, False),
        (ActionClassTask(("run", "walk")), 15, True),
    ],
)
def test_a_video_whose_same_frames_would_be_two_classes_is_left_out(
    task: ClipTask, fps: int, drawn: bool
) -> None:
    coarse, fine = at_rate(fps, 6, "coarse"), at_rate(50, 6, "fine")
    assert (Loader([coarse, fine], task, CLIP, 1, seed=0).probability[0] > 0) == drawn


def test_sources_count_by_the_root_of_their_length(videos: Sequence[CachedVideo]) -> None:
    shared = [
        replace(video, item=VideoItem(video.item.path, "same" if n < 4 else video.item.source))
        for n, video in enumerate(videos)
    ]
    share = Loader(shared, SpeedClassTask(), CLIP, 1, 0).probability
    assert share.sum() == pytest.approx(1)
    assert share[:4].sum() / share[4] == pytest.approx(2, rel=0.03)  # four times as long, twice as often


@pytest.mark.parametrize("channels", [1, 3])
def test_videos_held_in_memory_give_the_same_clips_as_videos_on_disk(
    channels: int, walkers: list[VideoItem], cache_folder: Path
) -> None:
    clip = replace(CLIP, channels=channels)
    videos = ClipCache(cache_folder, 2 * clip.size_px, channels).videos(walkers, print, recompressed=1)
    resident = ResidentPixels(videos, torch.device("cpu"))
    mapped = Loader(videos, SpeedClassTask(), clip, 4, seed=5).batch(7)
    held = Loader(videos, SpeedClassTask(), clip, 4, seed=5, pixels=resident).batch(7)
    assert mapped.origins == held.origins
    difference = clips(held).int() - clips(mapped).int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize("same_batch", [True, False])
def test_the_parts_of_several_processes_are_the_batch_of_one(
    videos: Sequence[CachedVideo], same_batch: bool
) -> None:
    task = SpeedClassTask(same_batch=same_batch)
    whole = Loader(videos, task, CLIP, 6, seed=1).batch(2)
    parts = [Loader(videos, task, CLIP, 6, seed=1, part=(rank, 3)).batch(2) for rank in range(3)]
    assert torch.equal(torch.cat([clips(part) for part in parts]), clips(whole))
    assert torch.equal(torch.cat([part.labels_B for part in parts]), whole.labels_B)
    with pytest.raises(SpeedinessError, match="multiple"):
        Loader(videos, task, CLIP, 6, seed=1, part=(0, 4))


def test_recompressed_copies_are_drawn_as_often_as_videos_and_for_whole_windows(
    walkers: list[VideoItem], cache_folder: Path
) -> None:
    videos = ClipCache(cache_folder, 2 * CLIP.size_px, 1).videos(walkers, print, recompressed=2)
    loader = Loader(videos, SpeedClassTask(), CLIP, 1, seed=0)
    drawn = [[request.copy for request in loader.draw(step)] for step in range(150)]
    assert all(len(set(copies)) == 1 for copies in drawn)
    counts = np.bincount([copies[0] for copies in drawn], minlength=3)
    assert len(counts) == 3 and counts.min() > 30


def test_looks_cut_squares_inside_the_frame_of_every_zoom() -> None:
    augmentations = [draw_augmentation(64, 113, np.random.default_rng(seed)) for seed in range(300)]
    for augmentation in augmentations:
        assert augmentation.top >= 0 and augmentation.left >= 0
        assert (
            augmentation.top + augmentation.side_px <= 64
            and augmentation.left + augmentation.side_px <= 113
        )
    assert (
        min(augmentation.side_px for augmentation in augmentations) < 24
        and max(augmentation.side_px for augmentation in augmentations) > 60
    )


def test_without_spatial_augmentation_a_clip_is_the_centre_square(videos: Sequence[CachedVideo]) -> None:
    task = SpeedClassTask(temporal="none")
    batch = Loader(videos[:1], task, CLIP, 1, seed=0, spatial=False).batch(0)
    video = videos[0].frames_FHWC
    height, width = video.shape[1:3]
    left = (width - height) // 2
    squares = torch.from_numpy(video[:, :, left : left + height].copy()).permute(0, 3, 1, 2).float()
    small = F.interpolate(squares, size=(32, 32), mode="bilinear", antialias=True).permute(0, 2, 3, 1)
    for clip in clips(batch).float():
        for frame in clip:
            assert (small - frame).abs().amax((1, 2, 3)).min() <= 0.5


def test_without_same_batch_every_clip_has_a_window_of_its_own(videos: Sequence[CachedVideo]) -> None:
    task = SpeedClassTask(same_batch=False)
    batch = Loader(videos, task, CLIP, 40, seed=0).batch(0)
    assert len(clips(batch)) == 40 and 8 < batch.labels_B.sum() < 32


def test_every_frame_of_a_clip_gets_the_same_look() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 64, 96, 1), np.uint8)
    augmentation = draw_augmentation(64, 96, rng)
    still = np.repeat(frame, 16, 0)
    square = still[
        :,
        augmentation.top : augmentation.top + augmentation.side_px,
        augmentation.left : augmentation.left + augmentation.side_px,
    ]
    (clip,) = apply_augmentations([torch.from_numpy(square)], [replace(augmentation, noise=0)], [0], 32)
    assert clip.shape == (16, 32, 32, 1) and clip.dtype == torch.uint8
    assert (clip == clip[:1]).all()
