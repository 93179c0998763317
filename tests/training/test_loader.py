from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.datasets.augment import apply_augmentations, draw_augmentation
from speediness.datasets.clip_cache import CachedVideo, ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.models.speednet import NORMAL
from speediness.tasks.speed_class import SpeedClassTask
from speediness.training.loader import Loader
from speediness.training.pixel_source import ResidentPixels
from speediness.training.recipe import smoke

CLIP = smoke().config.clip


@pytest.fixture
def videos(walkers: list[VideoItem], cache_folder: Path) -> Sequence[CachedVideo]:
    return ClipCache(cache_folder, 2 * CLIP.size_px, 1).videos(walkers, print)


def test_a_batch_depends_on_seed_and_step_alone(videos: Sequence[CachedVideo]) -> None:
    loader = Loader(videos, SpeedClassTask(), CLIP, 2, seed=3)
    loader.batch(0)
    fresh = Loader(videos, SpeedClassTask(), CLIP, 2, seed=3)
    torch.testing.assert_close(loader.batch(5).clips_BTHWC, fresh.batch(5).clips_BTHWC)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, fresh.batch(6).clips_BTHWC)
    other = Loader(videos, SpeedClassTask(), CLIP, 2, seed=4)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, other.batch(5).clips_BTHWC)


def test_a_batch_has_the_shape_the_network_wants(videos: Sequence[CachedVideo]) -> None:
    batch = Loader(videos, SpeedClassTask(), CLIP, 3, seed=0).batch(0)
    assert batch.clips_BTHWC.shape == (6, 16, 32, 32, 1)
    assert batch.clips_BTHWC.dtype == torch.uint8
    assert batch.intervals_BS.shape == (6, 15)


def test_neither_class_is_sampled_less_regularly_than_the_other(videos: Sequence[CachedVideo]) -> None:
    """What the network is told of the frames' spacing must not give the label away."""
    loader = Loader(videos, SpeedClassTask(), CLIP, 4, seed=0)
    mean: dict[bool, list[float]] = {True: [], False: []}
    for step in range(12):
        for n, spacing in enumerate(loader.batch(step).intervals_BS):
            mean[n % 2 == NORMAL].append(float(spacing.mean()))
    assert np.mean(mean[True]) == pytest.approx(np.mean(mean[False]), abs=0.08)


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
    torch.testing.assert_close(held.intervals_BS, mapped.intervals_BS)
    difference = held.clips_BTHWC.int() - mapped.clips_BTHWC.int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize("same_batch", [True, False])
def test_the_parts_of_several_processes_are_the_batch_of_one(
    videos: Sequence[CachedVideo], same_batch: bool
) -> None:
    task = SpeedClassTask(same_batch=same_batch)
    whole = Loader(videos, task, CLIP, 6, seed=1).batch(2)
    parts = [Loader(videos, task, CLIP, 6, seed=1, part=(rank, 3)).batch(2) for rank in range(3)]
    for name in ("clips_BTHWC", "intervals_BS", "labels_B"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
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
    for clip in batch.clips_BTHWC.float():
        for frame in clip:
            assert (small - frame).abs().amax((1, 2, 3)).min() <= 0.5


def test_without_same_batch_every_clip_has_a_window_of_its_own(videos: Sequence[CachedVideo]) -> None:
    task = SpeedClassTask(same_batch=False)
    batch = Loader(videos, task, CLIP, 40, seed=0).batch(0)
    assert batch.clips_BTHWC.shape[0] == 40 and 8 < batch.labels_B.sum() < 32


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
